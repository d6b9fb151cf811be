"""What ledgers held before they had a format number is still understood, every kind of it."""

from collections import Counter
from pathlib import Path

import pytest
import redis

from shared.domain.signup import DeathReason, State
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from tests.support.dumps.loader import FORMAT_1, restore

DUE = (State.QUEUED, State.DELIVERING, State.RETRYING)


@pytest.fixture
def client(redis_client: "redis.Redis", tmp_path: Path) -> "redis.Redis":
    """A client of the ledger in the dump."""
    restore(FORMAT_1, redis_client, tmp_path)
    return redis_client


def test_every_sign_up_is_counted_in_its_state(client: "redis.Redis") -> None:
    ledger = Ledger(client)
    for account in Registry(client).accounts():
        found = (
            str(client.hget(key, "state"))
            for key in client.scan_iter(f"relay:{{{account.name}}}:signup:*")
        )
        states = Counter("due" if state in DUE else state for state in found)
        figures = ledger.figures(account.name)
        assert figures.accepted == states.total() > 0
        assert Counter({name: getattr(figures, name) for name in states}) == states


def test_it_has_every_state_and_every_reason(client: "redis.Redis") -> None:
    records = [client.hgetall(key) for key in client.scan_iter("*:signup:*")]
    assert {record["state"] for record in records} == set(State)
    dead = {record["reason"] for record in records if record["state"] == State.DEAD}
    assert dead == set(DeathReason)
