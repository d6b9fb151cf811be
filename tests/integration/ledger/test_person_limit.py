"""The limit of different sign-ups of one e-mail address: what counts, and what comes of others."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.errors import KeyReused
from shared.domain.signup import DeathReason, State
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import attempt, claimed
from tests.support.ledger_model import Clock, turnable_server

LIMIT = RateLimit(3, timedelta(days=1))
DAY_US = 86_400_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock(1_790_000_000_000_000)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> "redis.Redis":
    client = turnable_server(monkeypatch, clock)
    client.flushall()
    for name in ("acme", "blue"):
        Registry(client).save_account(builders.account(name=name))
    return client


@pytest.fixture
def ledger(client: "redis.Redis") -> Ledger:
    return Ledger(client)


def accept(ledger: Ledger, email: str = "ada@example.com", **fields: Any) -> str:
    return builders.accept(ledger, email, person_limit=LIMIT, **fields).id


def reason(ledger: Ledger, id: str, account: str = "acme") -> str | None:
    signup = ledger.find(id, [account])
    assert signup is not None
    assert (signup.state == State.QUARANTINED) == (signup.reason is not None)
    return signup.reason


def nothing(ledger: Ledger, id: str) -> None:
    """It waits in its line."""


def deliver(ledger: Ledger, id: str) -> None:
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")


def bury(ledger: Ledger, id: str) -> None:
    ledger.bury(
        claimed(ledger),
        attempt(),
        reason=DeathReason.REJECTED,
        error_key="e",
        message="m",
        account_is_well=True,
    )


def discard_dead(ledger: Ledger, id: str) -> None:
    bury(ledger, id)
    assert ledger.discard("acme", id)


@pytest.mark.parametrize("settle", [nothing, deliver, bury, discard_dead])
def test_what_was_sent_or_will_be_counts(
    ledger: Ledger, settle: Callable[[Ledger, str], None]
) -> None:
    for _ in range(LIMIT.count):
        id = accept(ledger)
        assert reason(ledger, id) is None
        settle(ledger, id)
    assert reason(ledger, accept(ledger)) == "repeated_address"
    assert reason(ledger, accept(ledger, "bob@example.com")) is None
    assert reason(ledger, accept(ledger, account="blue"), "blue") is None


def test_what_stayed_in_quarantine_does_not_count(ledger: Ledger) -> None:
    for _ in range(LIMIT.count):
        caught = accept(ledger, quarantine="honeypot")
        assert reason(ledger, caught) == "honeypot"
    assert ledger.discard("acme", caught)
    for _ in range(LIMIT.count):
        assert reason(ledger, accept(ledger)) is None
    for _ in range(LIMIT.count):
        assert reason(ledger, accept(ledger)) == "repeated_address"


def test_what_an_operator_delivers_anyway_counts(ledger: Ledger) -> None:
    caught = ledger.find(accept(ledger, quarantine="honeypot"), ["acme"])
    assert caught is not None
    assert ledger.deliver_anyway(caught)
    for _ in range(LIMIT.count - 1):
        assert reason(ledger, accept(ledger)) is None
    assert reason(ledger, accept(ledger)) == "repeated_address"


def test_a_corrected_address_counts_for_its_new_person(ledger: Ledger) -> None:
    """A quarantined one that gets another address is still one that was not sent."""
    caught = ledger.find(accept(ledger, "bob@example.com", quarantine="honeypot"), ["acme"])
    assert caught is not None
    assert ledger.edit(caught, caught.contact, person="person-ada@example.com", change="{}")
    for _ in range(LIMIT.count):
        assert reason(ledger, accept(ledger)) is None


def test_each_counts_for_one_window(ledger: Ledger, clock: Clock) -> None:
    for _ in range(LIMIT.count):
        id = accept(ledger)
        deliver(ledger, id)
        clock.us += DAY_US // 4
    assert reason(ledger, accept(ledger)) == "repeated_address"
    clock.us += DAY_US // 4 + 1
    assert reason(ledger, accept(ledger)) is None
    assert reason(ledger, accept(ledger)) == "repeated_address"


def test_repeats_do_not_count(ledger: Ledger) -> None:
    for _ in range(LIMIT.count + 1):
        accept(ledger, digest="same")
    assert reason(ledger, accept(ledger)) is None


def test_the_answers_do_not_tell_how_many_a_person_has_sent(ledger: Ledger) -> None:
    """The same content is the same sign-up, and a key means it, as if it were not quarantined."""
    for _ in range(LIMIT.count):
        accept(ledger)
    caught = accept(ledger, digest="same", idempotency_key="k")
    assert reason(ledger, caught) == "repeated_address"
    assert accept(ledger, digest="same") == caught
    assert accept(ledger, digest="same", idempotency_key="k") == caught
    with pytest.raises(KeyReused):
        accept(ledger, digest="other", idempotency_key="k")
    assert ledger.figures("acme").quarantined == 1


@pytest.mark.parametrize("limit", [None, RateLimit(100, timedelta(days=1))])
def test_without_a_limit_nothing_is_quarantined(ledger: Ledger, limit: RateLimit | None) -> None:
    for _ in range(10):
        id = builders.accept(ledger, person_limit=limit).id
        assert reason(ledger, id) is None
