"""Upgrades the ledger's records to this version's format, a few at a time, while all else runs."""

import contextlib
import threading
from datetime import timedelta

import redis

from shared.domain.errors import LedgerUnavailable, Refused
from shared.ledger.format import STEPS, Step, open_ledger, upgrade_some

# Redis may come back with older data than it had, so each worker goes on looking.
UPGRADE_EVERY = timedelta(seconds=3)
# Between two steps, so that they leave Redis to others most of the time.
PAUSE = timedelta(milliseconds=20)


class Upgrade:
    """What every worker does; one that dies in the middle leaves the rest to any other."""

    def __init__(
        self, client: "redis.Redis", stopping: threading.Event, steps: tuple[Step, ...] = STEPS
    ) -> None:
        self._client = client
        self._stopping = stopping
        self._steps = steps

    def look(self) -> None:
        """Upgrade whatever is left, until the worker stops. The next look goes on."""
        with contextlib.suppress(LedgerUnavailable, Refused):  # the poller logs both
            open_ledger(self._client, self._steps)
            while upgrade_some(self._client, self._steps):
                if self._stopping.wait(PAUSE.total_seconds()):
                    return
