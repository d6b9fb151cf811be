"""What the ledger knows of a sign-up's future: when it is looked at next, and what is before it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import redis

from shared.domain.job import JobPace
from shared.domain.signup_outlook import Outlook
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import LEASE, accept, attempt, claimed
from tests.support.signups import Made

SOON = timedelta(seconds=5)
PACE = JobPace.of(requests_per_second=4, deliveries_per_day=10_000)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    Registry(redis_client).save_account(builders.account("acme"))
    return Ledger(redis_client)


@pytest.fixture
def made(ledger: Ledger) -> Made:
    return Made(ledger, lambda email: f"person-{email}")


def outlook(ledger: Ledger, id: str) -> Outlook:
    found = ledger.find(id, ["acme"])
    assert found is not None
    return ledger.outlook(found)


def test_a_fresh_one_is_due_since_it_was_received(ledger: Ledger, made: Made) -> None:
    id = made.queued()
    signup = ledger.find(id, ["acme"])
    assert signup is not None
    assert outlook(ledger, id) == Outlook(due_at=signup.received_at)


def test_the_others_of_a_person_wait_behind_the_first(ledger: Ledger) -> None:
    first, second, third = (accept(ledger).id for _ in range(3))
    assert outlook(ledger, second) == Outlook(before=1, first_in_line=first)
    assert outlook(ledger, third) == Outlook(before=2, first_in_line=first)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    assert outlook(ledger, second).before == 0
    assert outlook(ledger, third) == Outlook(before=1, first_in_line=second)


def test_a_claimed_one_comes_again_when_its_claim_runs_out(ledger: Ledger, made: Made) -> None:
    id = made.delivering()
    due_at, now = outlook(ledger, id).due_at, ledger_time(ledger)
    assert due_at is not None
    assert LEASE - SOON < due_at - now <= LEASE


def test_a_retry_comes_after_its_wait(ledger: Ledger, made: Made) -> None:
    id = made.retrying()
    due_at, now = outlook(ledger, id).due_at, ledger_time(ledger)
    assert due_at is not None
    assert timedelta(minutes=10) - SOON < due_at - now <= timedelta(minutes=10)


def ledger_time(ledger: Ledger) -> datetime:
    signup = ledger.find(accept(ledger, "clock@example.com").id, ["acme"])
    assert signup is not None
    return signup.received_at


@pytest.mark.parametrize("make", [Made.delivered, Made.dead, Made.discarded, Made.quarantined])
def test_nothing_comes_of_what_is_settled(
    ledger: Ledger, made: Made, make: Callable[[Made], str]
) -> None:
    assert outlook(ledger, make(made)) == Outlook()


def test_a_dead_letter_names_the_job_that_it_waits_in(
    ledger: Ledger, made: Made, redis_client: "redis.Redis"
) -> None:
    id = made.dead()
    jobs = JobLedger(redis_client, PACE)
    jobs.add("acme", "the-replay", [id], by="ada", chosen="{}")
    assert outlook(ledger, id) == Outlook(job="the-replay")
    assert jobs.cancel("acme", "the-replay", by="ada") == 1
    assert outlook(ledger, id) == Outlook()
