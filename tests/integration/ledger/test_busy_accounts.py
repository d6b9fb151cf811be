"""Workers look at busy accounts alone, and no account with something to do is missing there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.job import JobPace
from shared.ledger import keys
from shared.ledger.busy_accounts import AccountWork, BusyAccounts
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Claim, NothingDue
from tests.support import builders
from tests.support.builders import accept, attempt, bury_claim, claim, claimed
from tests.support.job_steps import job_feeder, job_steps
from tests.support.stack import eventually
from worker.delivery.poller import DueWork

DUE = [AccountWork("acme", due=True, feeding=False)]
NOTHING: list[AccountWork] = []
PACE = JobPace(per_second=1_000_000, per_day=1_000_000)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    for name in ("acme", "idle"):
        Registry(redis_client).save_account(builders.account(name))
    return Ledger(redis_client)


@pytest.fixture
def busy(redis_client: "redis.Redis") -> BusyAccounts:
    return BusyAccounts(redis_client)


def deliver_all(ledger: Ledger) -> None:
    while isinstance(mine := claim(ledger), Claim):
        ledger.deliver(mine, attempt(), contact_id="c", action="created")
    assert mine == NothingDue()


def noted(client: "redis.Redis") -> set[str]:
    """Return which accounts are noted as busy."""
    return {str(prefix) for prefix in client.smembers(keys.BUSY)}


def forget_that_workers_were_notified(client: "redis.Redis") -> None:
    client.delete("relay:{acme}:nudged")


def test_an_account_is_busy_from_its_first_signup_until_nothing_is_due(
    ledger: Ledger, busy: BusyAccounts, redis_client: "redis.Redis"
) -> None:
    for _ in range(2):
        assert noted(redis_client) == set()
        accept(ledger)
        assert busy.find_work() == DUE
        deliver_all(ledger)
        assert busy.find_work() == NOTHING


def test_a_signup_that_comes_while_the_workers_count_as_notified_is_found(
    ledger: Ledger, busy: BusyAccounts
) -> None:
    assert accept(ledger).notify_workers
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    busy.find_work()
    assert not accept(ledger).notify_workers
    assert busy.find_work() == DUE


class Racing:
    """A client with which `meanwhile` happens between the reading of what is busy and the look
    at it."""

    def __init__(self, client: "redis.Redis", meanwhile: Callable[[], object]) -> None:
        self._client = client
        self._meanwhile = meanwhile

    def smembers(self, key: str) -> Any:
        before = self._client.smembers(key)
        self._meanwhile()
        return before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_a_signup_that_comes_while_its_account_is_about_to_be_idle_is_found(
    ledger: Ledger, busy: BusyAccounts, redis_client: "redis.Redis"
) -> None:
    accept(ledger)
    deliver_all(ledger)
    racing: Any = Racing(redis_client, lambda: accept(ledger))
    assert BusyAccounts(racing).find_work() == DUE
    assert busy.find_work() == DUE


def test_two_looks_at_once_lose_no_signup_between_them(
    ledger: Ledger, busy: BusyAccounts, redis_client: "redis.Redis"
) -> None:
    def the_other_one_looks_first() -> None:
        assert busy.find_work() == NOTHING
        accept(ledger)

    accept(ledger)
    deliver_all(ledger)
    racing: Any = Racing(redis_client, the_other_one_looks_first)
    assert BusyAccounts(racing).find_work() == DUE
    assert busy.find_work() == DUE


def test_a_retry_in_six_hours_is_found_then(
    ledger: Ledger, busy: BusyAccounts, redis_client: "redis.Redis"
) -> None:
    id = accept(ledger).id
    ledger.retry(
        claimed(ledger), attempt(503), wait=timedelta(hours=6), error_key="", message="try later"
    )
    forget_that_workers_were_notified(redis_client)
    assert busy.find_work() == NOTHING
    redis_client.zadd("relay:{acme}:due:retry", {id: 1})
    assert busy.find_work() == DUE


def test_the_claim_of_a_worker_that_was_killed_is_found_when_it_has_run_out(
    ledger: Ledger, busy: BusyAccounts, redis_client: "redis.Redis"
) -> None:
    accept(ledger)
    id = claimed(ledger).id
    forget_that_workers_were_notified(redis_client)
    assert busy.find_work() == NOTHING
    redis_client.zadd("relay:{acme}:due:fresh", {id: 1})
    assert busy.find_work() == DUE


def test_a_hold_is_probed_when_its_time_has_come(
    ledger: Ledger, busy: BusyAccounts, redis_client: "redis.Redis"
) -> None:
    accept(ledger)
    ledger.hold("acme", HoldReason.RECONNECT, by="answer", first_probe=timedelta(milliseconds=200))
    forget_that_workers_were_notified(redis_client)
    assert busy.find_work() == NOTHING
    eventually(lambda: busy.find_work() == DUE, what="the probe")


def requeue(ledger: Ledger, client: "redis.Redis", id: str) -> None:
    ledger.requeue("acme", id)


def begin_job(ledger: Ledger, client: "redis.Redis", id: str) -> None:
    JobLedger(client, PACE).add("acme", "job", [id], by="ada", chosen="{}")


@pytest.mark.parametrize(
    ("revive", "found"),
    [(requeue, DUE), (begin_job, [AccountWork("acme", due=False, feeding=True)])],
)
def test_a_dead_letter_that_is_retried_makes_its_account_busy(
    ledger: Ledger,
    busy: BusyAccounts,
    redis_client: "redis.Redis",
    revive: Callable[[Ledger, "redis.Redis", str], None],
    found: list[AccountWork],
) -> None:
    id = accept(ledger).id
    bury_claim(ledger, claimed(ledger))
    forget_that_workers_were_notified(redis_client)
    assert busy.find_work() == NOTHING
    revive(ledger, redis_client, id)
    assert busy.find_work() == found


def test_a_quarantined_signup_makes_its_account_busy_when_it_is_delivered_anyway(
    ledger: Ledger, busy: BusyAccounts
) -> None:
    id = accept(ledger, quarantine="honeypot").id
    assert busy.find_work() == NOTHING
    caught = ledger.find(id, ["acme"])
    assert caught is not None
    ledger.deliver_anyway(caught)
    assert busy.find_work() == DUE


@pytest.fixture
def due_work(redis_client: "redis.Redis") -> DueWork:
    feeder = job_feeder(job_steps(redis_client, PACE))
    busy = BusyAccounts(redis_client)
    return DueWork(Registry(redis_client), busy, feeder, lambda _account, _jobs: None)


def test_what_is_due_is_found_again_when_the_ledger_does_not_say_which_accounts_are_busy(
    ledger: Ledger, due_work: DueWork, redis_client: "redis.Redis"
) -> None:
    """As after an upgrade: older versions do not write it down."""
    accept(ledger)
    redis_client.delete(keys.BUSY)
    assert due_work.accounts() == []
    due_work.find_again()
    assert due_work.accounts() == ["acme"]
    assert noted(redis_client) == {"relay:{acme}:"}


def test_a_job_goes_on_at_each_look(
    ledger: Ledger, due_work: DueWork, redis_client: "redis.Redis"
) -> None:
    id = accept(ledger).id
    bury_claim(ledger, claimed(ledger))
    begin_job(ledger, redis_client, id)
    assert due_work.accounts() == ["acme"]
    assert claimed(ledger).id == id


def test_an_account_that_was_removed_is_left_alone(
    ledger: Ledger, due_work: DueWork, redis_client: "redis.Redis"
) -> None:
    accept(ledger)
    redis_client.hdel(keys.ACCOUNTS, "acme")
    assert due_work.accounts() == []


def test_more_busy_accounts_than_one_call_takes_are_all_found(
    ledger: Ledger, due_work: DueWork, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.script_library.ACCOUNTS_AT_ONCE", 2)
    names = [f"{number}" for number in range(5)]
    for name in names:
        Registry(redis_client).save_account(builders.account(name))
        accept(ledger, account=name)
    redis_client.delete(keys.BUSY)
    due_work.find_again()
    assert due_work.accounts() == names
