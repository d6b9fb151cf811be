"""A script is called by its digest in one round trip, and sent to a server that lacks it."""

from typing import Any

import pytest
import redis

from shared.domain.errors import LedgerUnavailable
from shared.ledger import keys
from shared.ledger.ledger import AcceptDetails, Ledger
from shared.ledger.script_library import Scripts
from shared.ledger.stores.registry import Registry
from shared.ledger.values import Accepted
from tests.support import builders

DETAILS: AcceptDetails = {
    "person": "p",
    "digest": "d",
    "idempotency_key": None,
    "visitor": None,
    "limit": None,
}


@pytest.fixture
def client(redis_client: "redis.Redis") -> "redis.Redis":
    """The client of a server that has an account, and knows no script any more."""
    Registry(redis_client).save_account(builders.account())
    redis_client.script_flush()
    redis_client.config_resetstat()
    return redis_client


def calls_of(client: "redis.Redis") -> dict[str, int]:
    """Return how often each command has come since the fixture, but for those of the test."""
    found: dict[str, Any] = client.info("commandstats")
    names = ("evalsha", "waitaof", "script|load", "script|exists")
    calls = {name: found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in names}
    return {name: number for name, number in calls.items() if number}


def test_a_script_that_the_server_does_not_know_is_sent_once(client: "redis.Redis") -> None:
    scripts = Scripts(client)
    for _ in range(3):
        assert scripts.run_for("acme", "accounts/note_success") == 1
    assert calls_of(client) == {"evalsha": 4, "script|load": 1}


def test_calls_on_one_connection_are_all_sent_again_after_the_script(client: "redis.Redis") -> None:
    scripts = Scripts(client)
    key = keys.account("acme")
    calls = [scripts.call("accounts/note_success", account=key)] * 3
    for _ in range(2):
        *answers, stored = scripts.execute_all(calls, ("GET", f"{key}succeeded-at"))
        assert len(answers) == 3
        assert stored
    assert calls_of(client) == {"evalsha": 9, "script|load": 1}


def test_an_error_among_several_answers_is_raised(client: "redis.Redis") -> None:
    call = Scripts(client).call("accounts/note_success", account=keys.account("acme"))
    with pytest.raises(LedgerUnavailable, match="Redis refuses a command"):
        Scripts(client).execute_all([call], ("GET",))


def test_an_accepted_signup_is_on_the_disk_in_one_round_trip(client: "redis.Redis") -> None:
    ledger = Ledger(client, fsync=True)
    builders.accept(ledger, "first@example.com")
    client.config_resetstat()
    builders.accept(ledger)
    assert calls_of(client) == {"evalsha": 1, "waitaof": 1}


@pytest.mark.parametrize("fsync", [False, True])
def test_the_call_can_be_sent_on_another_connection(client: "redis.Redis", fsync: bool) -> None:
    ledger = Ledger(client, fsync=fsync)
    sent = builders.submission()
    call = ledger.accept_call(sent, **DETAILS)
    client.script_load(call.source)

    with client.client() as other:  # type: ignore[no-untyped-call]
        commands = (call.command, *ledger.after_accept)
        answers = [other.execute_command(*command) for command in commands]

    assert ledger.read_accepted(answers) == Accepted(sent.id, duplicate=False, notify_workers=True)


def test_a_signup_that_is_not_on_the_disk_in_time_is_not_accepted(client: "redis.Redis") -> None:
    with pytest.raises(LedgerUnavailable, match="did not reach the disk"):
        Ledger(client, fsync=True).read_accepted([["accepted", "id", 0], [0, 0]])
