"""Which processes are alive: each says so every few seconds."""

from datetime import timedelta

import redis

from shared.ledger import keys
from shared.ledger.reading import pairs
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import duration


class Processes:
    """Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis") -> None:
        self._scripts = Scripts(client)

    def worker_alive(self, name: str) -> None:
        self._alive(keys.WORKERS, name)

    def beat_alive(self, name: str) -> None:
        self._alive(keys.BEATS, name)

    def _alive(self, key: str, name: str) -> None:
        self._scripts.run("processes/alive", seen=key, name=name)

    def workers_seen(self) -> dict[str, timedelta]:
        """Return how long ago each worker process was last seen."""
        return self._seen(keys.WORKERS)

    def beats_seen(self) -> dict[str, timedelta]:
        """Return how long ago each beat process last ticked."""
        return self._seen(keys.BEATS)

    def _seen(self, key: str) -> dict[str, timedelta]:
        flat = self._scripts.run("processes/seen", seen=key)
        return {name: duration(int(ms)) for name, ms in pairs(flat)}
