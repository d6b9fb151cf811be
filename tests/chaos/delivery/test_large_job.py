"""A job with real processes: a thousand dead letters are sent again, and visitors notice
nothing of it."""

from collections.abc import Callable

import pytest

from shared.domain.job import JobPace
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.job_progress import Job, joined
from tests.chaos.delivery.test_delivery_promises import sign_up_many
from tests.support.builders import accept, bury_claim, claimed
from tests.support.stack import Stack, eventually

MANY = 1_000
RATE = 200
PACE = JobPace.of(requests_per_second=RATE, deliveries_per_day=9_500)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """With `MANY` dead letters, whose cause has been mended."""
    stack = make_stack(rate=RATE)
    stack.open()
    with stack.valkey.client() as client:
        ledger, form = Ledger(client), Registry(client).form("news")
        assert form is not None
        for number in range(MANY):
            accept(ledger, f"old-{number}@example.com", lists=tuple(of.id for of in form.lists))
        for _ in range(MANY):
            bury_claim(ledger, claimed(ledger))
    return stack


def look(stack: Stack, seen: dict[str, int]) -> Job:
    """Return the job: accounted for, and never less done than `seen` before."""
    with stack.valkey.client() as client:
        (job,) = joined(JobLedger(client, PACE).parts("acme"))
        figures = Ledger(client).figures("acme")
    assert job.done + job.waiting + job.under_way == job.total == MANY
    assert job.done >= seen.get("done", 0)
    seen["done"] = job.done
    ended = figures.delivered + figures.dead + figures.discarded + figures.quarantined
    assert figures.accepted == figures.due + ended
    return job


@pytest.mark.slow
def test_a_thousand_dead_letters_are_sent_again_once_and_delay_nobody(stack: Stack) -> None:
    stack.start("beat")
    (worker,) = stack.start_workers()
    seen: dict[str, int] = {}
    started = stack.json("failed", "retry", "--all")
    assert started["count"] == MANY
    eventually(lambda: look(stack, seen).delivered > 0, what="the first delivery")

    sign_up_many(stack, 50, name="fresh")
    eventually(lambda: fresh_ones(stack) == 50, within=120, what="delivery of the fresh ones")

    worker.terminate()
    worker.wait(timeout=60)
    look(stack, seen)
    stack.start_workers()

    eventually(lambda: look(stack, seen).ended_at is not None, within=240, what="the job's end")
    (listed,) = stack.json("failed", "replays")
    assert (listed["state"], listed["delivered"]) == ("done", MANY)
    assert [len(sent) for sent in stack.deliveries().values()] == [1] * (MANY + 50)
    # By then there was no more than what lanes had in hand, and every fiftieth claim.
    assert max(sent_while_it_waited(stack, "fresh-")) < 150
    stack.assert_accounted_for()


def sent_while_it_waited(stack: Stack, prefix: str) -> list[int]:
    """Return for each such sign-up how many others were delivered between its acceptance and its
    own delivery."""
    with stack.valkey.client() as client:
        ids = [str(id) for id in client.zrange("relay:{acme}:received:delivered", 0, -1)]
        found = [Ledger(client).find(id, ["acme"]) for id in ids]
    ended = [(s.settled_at, s) for s in found if s is not None and s.settled_at is not None]
    return [
        sum(signup.received_at < at < mine for at, _ in ended)
        for mine, signup in ended
        if signup.contact.email.startswith(prefix)
    ]


def fresh_ones(stack: Stack) -> int:
    return sum(address.startswith("fresh-") for address in stack.deliveries())
