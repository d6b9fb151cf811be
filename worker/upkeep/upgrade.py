"""Upgrades the ledger's records to this version's format, a few at a time, while all else runs."""

import contextlib
import threading
from datetime import timedelta

import redis

from shared.domain.errors import Refused
from shared.ledger.format import STEPS, Step, open_ledger, upgrade_some

# Redis may come back with older data than it had, so each worker goes on looking.
UPGRADE_EVERY = timedelta(seconds=3)
# Between two batches, so that other calls of Redis hardly wait.
PAUSE = timedelta(milliseconds=20)


class LedgerUpgrade:
    """Runs in every worker. If one dies in the middle, another one goes on."""

    def __init__(
        self, client: "redis.Redis", stopping: threading.Event, steps: tuple[Step, ...] = STEPS
    ) -> None:
        self._client = client
        self._stopping = stopping
        self._steps = steps

    def look(self) -> None:
        """Upgrade the records that are left, until the worker stops."""
        with contextlib.suppress(Refused):  # the poller logs it
            open_ledger(self._client, self._steps)
            while upgrade_some(self._client, self._steps):
                if self._stopping.wait(PAUSE.total_seconds()):
                    return
