"""Which processes are alive: each says so every few seconds, a worker with what it sends."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import redis

from shared.infrastructure.stored_records import RecordKind, read_all
from shared.ledger import keys
from shared.ledger.reading import pairs
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import duration, in_milliseconds

# A worker has 32 lanes at most, and each sends one sign-up.
_MOST_IN_FLIGHT = 40


@dataclass(frozen=True, slots=True)
class SentSignup:
    """A sign-up that a worker is sending, and for how long already."""

    account: str
    id: str
    age: timedelta


class Processes:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def worker_alive(self, name: str, in_flight: Sequence[SentSignup] = ()) -> None:
        """Note that the worker is alive, and what it has in flight, the longest first."""
        sent = [
            (each.account, each.id, in_milliseconds(each.age))
            for each in in_flight[:_MOST_IN_FLIGHT]
        ]
        self._scripts.run(
            "processes/alive",
            seen=keys.WORKERS,
            in_flight=keys.IN_FLIGHT,
            name=name,
            sent=json.dumps(sent) if sent else None,
        )

    def beat_alive(self, name: str) -> None:
        self._scripts.run("processes/alive", seen=keys.BEATS, in_flight=None, name=name, sent=None)

    def workers_seen(self) -> dict[str, timedelta]:
        """Return how long ago each worker process was last seen."""
        return self._seen(keys.WORKERS)

    def beats_seen(self) -> dict[str, timedelta]:
        """Return how long ago each beat process last ticked."""
        return self._seen(keys.BEATS)

    def in_flight(self, seen: Mapping[str, timedelta]) -> dict[str, list[SentSignup]]:
        """Return what each worker had in flight when it was last `seen`, and for how long by now if
        that goes on. Workers with nothing in flight are left out."""
        with redis_errors_translated():
            stored = self._client.hgetall(keys.IN_FLIGHT)
        known = {name: stored[name] for name in seen if name in stored}
        reported = read_all(RecordKind.WORKER, known, _read_sent)
        return {
            name: [replace(each, age=each.age + seen[name]) for each in sent]
            for name, sent in reported.items()
        }

    def _seen(self, key: str) -> dict[str, timedelta]:
        flat = self._scripts.run("processes/seen", seen=key)
        return {name: duration(int(ms)) for name, ms in pairs(flat)}


def _read_sent(stored: Any) -> list[SentSignup]:
    return [
        SentSignup(str(account), str(id), duration(int(ms)))
        for account, id, ms in json.loads(stored)
    ]
