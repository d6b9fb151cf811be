"""What workers report when they say that they are alive."""

from datetime import timedelta

import pytest
import redis

from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.processes import Processes, SentSignup
from shared.operations.system_status import Pulse
from tests.support import builders
from tests.support.ledger_model import Clock, turnable_server

SECOND = timedelta(seconds=1)
HOUR_US = 3_600_000_000


def sent(id: str = "s1", seconds: int = 3) -> SentSignup:
    return SentSignup("acme", id, seconds * SECOND)


def test_a_worker_tells_what_it_sends(redis_client: "redis.Redis") -> None:
    processes = Processes(redis_client)
    processes.worker_alive("relay-1@here", [sent(), sent("s2", 1)])
    processes.worker_alive("relay-2@here")
    found = processes.in_flight(processes.workers_seen())
    assert list(found) == ["relay-1@here"]
    assert [each.id for each in found["relay-1@here"]] == ["s1", "s2"]
    assert 3 * SECOND <= found["relay-1@here"][0].age < 10 * SECOND
    processes.worker_alive("relay-1@here")
    assert processes.in_flight(processes.workers_seen()) == {}
    assert not redis_client.exists(keys.IN_FLIGHT)


def test_what_a_worker_tells_is_bounded(redis_client: "redis.Redis") -> None:
    processes = Processes(redis_client)
    processes.worker_alive("relay-1@here", [sent(str(number)) for number in range(100)])
    assert len(processes.in_flight(processes.workers_seen())["relay-1@here"]) == 40


def test_a_worker_that_is_silent_for_long_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(1_700_000_000_000_000)
    client = turnable_server(monkeypatch, clock)
    processes = Processes(client)
    processes.worker_alive("relay-1@here", [sent()])
    clock.us += HOUR_US + 1_000_000
    processes.worker_alive("relay-2@here", [sent()])
    assert set(processes.workers_seen()) == {"relay-2@here"}
    assert client.hkeys(keys.IN_FLIGHT) == ["relay-2@here"]


def test_a_report_that_nobody_can_read_takes_no_other_with_it(redis_client: "redis.Redis") -> None:
    processes = Processes(redis_client)
    for name in ("relay-1@here", "relay-2@here"):
        processes.worker_alive(name, [sent()])
    redis_client.hset(keys.IN_FLIGHT, "relay-1@here", '[["acme"]]')
    assert list(processes.in_flight(processes.workers_seen())) == ["relay-2@here"]


def test_no_personal_data_is_told(redis_client: "redis.Redis") -> None:
    ledger = Ledger(redis_client)
    builders.accept(ledger, "ada@example.com")
    claim = builders.claimed(ledger)
    ledger.processes.worker_alive("relay-1@here", [SentSignup("acme", claim.id, SECOND)])
    assert "ada" not in str(redis_client.hgetall(keys.IN_FLIGHT))


def test_live_workers_come_with_the_longest_sending_one_first() -> None:
    pulse = Pulse(
        {"a": SECOND, "b": SECOND, "c": SECOND, "silent": timedelta(minutes=1)},
        {},
        {"b": [sent(seconds=9)], "c": [sent(seconds=2)]},
    )
    assert pulse.live == ["b", "c", "a"]
    assert pulse.workers == 3
