"""A thousand dead letters go to the list that their form has now, while the workers that send them
are killed."""

from collections.abc import Callable

import pytest

from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.chaos.delivery.test_large_job import MANY, RATE
from tests.support.builders import accept, bury_claim, claimed
from tests.support.stack import Stack, eventually

GONE = "0190163d-0000-4000-8000-00000000001d"


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """With `MANY` dead letters for a deleted list, and three whose form is gone."""
    stack = make_stack(rate=RATE)
    stack.open()
    with stack.valkey.client() as client:
        ledger = Ledger(client)
        for number in range(MANY + 3):
            form = "news" if number < MANY else "gone"
            accept(ledger, f"old-{number}@example.com", lists=(GONE,), form=form)
        for _ in range(MANY + 3):
            bury_claim(ledger, claimed(ledger), message="HTTP 400: list_memberships: no such list")
    return stack


def job(stack: Stack) -> dict[str, int]:
    """Return the one job. At every moment each sign-up is in one state."""
    (found,) = stack.json("failed", "replays")
    stack.assert_accounted_for()
    counts: dict[str, int] = found
    return counts


@pytest.mark.slow
def test_no_kill_sends_one_to_the_deleted_list_or_changes_it_twice(stack: Stack) -> None:
    started = stack.json("failed", "retry", "--all", "--form-lists")
    assert (started["count"], started["left_out"]) in ((MANY, 3), (MANY + 3, 3))
    stack.start("beat")
    for worker in stack.start_workers(2):
        before = job(stack)["done"]
        eventually(lambda: job(stack)["done"] > before, what="progress")  # noqa: B023
        stack.kill(worker)
    stack.start_workers()
    eventually(lambda: job(stack)["ended_at"] is not None, within=240, what="the end")

    ended = job(stack)
    assert (ended["delivered"], ended["refused"], ended["dead"]) == (MANY, 3, 0)
    with stack.valkey.client() as client:
        form = Registry(client).form("news")
        assert form is not None
        new, ledger = [each.id for each in form.lists], Ledger(client)
        ids = list(map(str, client.zrange("relay:{acme}:received:delivered", 0, -1)))
        found = list(ledger.signups("acme", ids))
        events = [[e.get("event") for e in ledger.history(signup)] for signup in found]
    sent = stack.deliveries()
    assert len(sent) == len(found) == MANY
    assert all(
        each["payload"]["list_memberships"] == new for calls in sent.values() for each in calls
    )
    assert all(each.count("edited") == each.count("retried") == 1 for each in events)
