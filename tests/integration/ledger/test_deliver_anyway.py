"""Delivering a quarantined sign-up: its place in its person's line, its age, and the counts."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import redis

from shared.domain.signup import Signup, State
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Claim, NothingDue
from tests.support import builders
from tests.support.builders import accept, attempt, claim, claimed
from tests.support.records import receive_earlier


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    Registry(redis_client).save_account(builders.account("acme"))
    return Ledger(redis_client)


def quarantine(ledger: Ledger, id: str = "caught") -> Signup:
    accept(ledger, id=id, quarantine="honeypot")
    found = ledger.find(id, ["acme"])
    assert found is not None
    return found


def deliver(ledger: Ledger, claim: Claim) -> None:
    ledger.deliver(claim, attempt(), contact_id="c", action="created")


def claim_all(ledger: Ledger) -> list[str]:
    """Claim and deliver everything that is due; return the ids in that order."""
    order = []
    while not isinstance(found := claim(ledger), NothingDue):
        assert isinstance(found, Claim)
        order.append(found.id)
        deliver(ledger, found)
    return order


def test_it_becomes_due_with_what_it_came_with(ledger: Ledger) -> None:
    caught = quarantine(ledger)
    assert ledger.deliver_anyway(caught)
    mine = claimed(ledger)
    assert (mine.id, mine.contact, mine.lists) == (caught.id, caught.contact, caught.lists)
    assert mine.received_at == caught.received_at
    found = ledger.find(caught.id, ["acme"])
    assert found is not None
    assert (found.consent, found.reason) == (caught.consent, None)
    assert [entry["event"] for entry in ledger.history(found)] == ["delivered from quarantine"]


def test_the_counts_move_with_it_once(ledger: Ledger) -> None:
    caught = quarantine(ledger)
    for done in (True, False):
        assert ledger.deliver_anyway(caught) is done
        figures = ledger.figures("acme")
        assert (figures.accepted, figures.due, figures.quarantined) == (1, 1, 0)
    assert list(ledger.quarantined("acme")) == []


def test_one_that_has_changed_since_it_was_read_stays(ledger: Ledger) -> None:
    caught = quarantine(ledger)
    contact = builders.submission("b@example.com").contact
    assert ledger.edit(caught, contact, person="person-b@example.com", change="{}")
    assert not ledger.deliver_anyway(caught)
    assert [each.id for each in ledger.quarantined("acme")] == [caught.id]


@pytest.mark.parametrize("settle", ["deliver", "discard"])
def test_only_a_quarantined_one_becomes_due(ledger: Ledger, settle: str) -> None:
    caught = quarantine(ledger)
    if settle == "deliver":
        ledger.deliver_anyway(caught)
        deliver(ledger, claimed(ledger))
    else:
        ledger.discard("acme", caught.id)
    assert not ledger.deliver_anyway(caught)


def test_it_goes_before_what_the_person_sent_later(ledger: Ledger) -> None:
    accept(ledger, id="before")
    caught = quarantine(ledger)
    accept(ledger, id="after")
    ledger.deliver_anyway(caught)
    assert claim_all(ledger) == ["before", "caught", "after"]


def test_it_takes_the_head_of_the_line_from_what_nobody_has_claimed(ledger: Ledger) -> None:
    caught = quarantine(ledger)
    accept(ledger, id="after")
    ledger.deliver_anyway(caught)
    assert claim_all(ledger) == ["caught", "after"]


def _retry_later(ledger: Ledger, head: Claim) -> None:
    ledger.retry(head, attempt(503), wait=builders.LEASE, error_key="", message="HTTP 503")


@pytest.mark.parametrize(
    "meanwhile",
    [
        pytest.param(lambda ledger, head: None, id="being sent"),
        pytest.param(_retry_later, id="waiting for a retry"),
    ],
)
def test_it_waits_behind_what_was_claimed_already(
    ledger: Ledger, redis_client: "redis.Redis", meanwhile: Callable[[Ledger, Claim], None]
) -> None:
    caught = quarantine(ledger)
    for id in ("head", "last"):
        accept(ledger, id=id)
    head = claimed(ledger, lane="lane")
    meanwhile(ledger, head)
    ledger.deliver_anyway(caught)
    assert claim(ledger) == NothingDue()
    redis_client.zadd(f"{keys.account('acme')}due:retry", {"head": 1}, xx=True)  # the wait is over
    deliver(ledger, claimed(ledger, lane="lane"))
    assert claim_all(ledger) == ["caught", "last"]


def test_fresh_signups_of_others_go_first(ledger: Ledger) -> None:
    ledger.deliver_anyway(quarantine(ledger))
    accept(ledger, "b@example.com", id="fresh")
    assert claim_all(ledger) == ["fresh", "caught"]


def test_its_age_begins_anew_but_not_how_long_it_has_waited(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    caught = quarantine(ledger)
    record = f"{keys.account('acme')}signup:{caught.id}"
    receive_earlier(redis_client, record, timedelta(days=8))
    assert ledger.deliver_anyway(caught)
    mine = claimed(ledger)
    assert mine.age.days == 0
    assert mine.waited.days == 8


def test_a_key_means_it_once_it_is_delivered(ledger: Ledger) -> None:
    """What is handed over twice must not be accepted twice."""
    caught = quarantine(ledger)
    ledger.deliver_anyway(caught)
    assert accept(ledger, id=caught.id, idempotency_key="k").duplicate
    found = ledger.find(caught.id, ["acme"])
    assert found is not None
    assert found.state == State.QUEUED
