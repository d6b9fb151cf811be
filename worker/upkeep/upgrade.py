"""Upgrades the ledger's records to this version's format, a few at a time, while all else runs."""

import contextlib
import threading
from dataclasses import dataclass
from datetime import timedelta

import redis

from shared.domain.errors import Refused
from shared.ledger.format import STEPS, Step, open_ledger, upgrade_some

# Redis may come back with older data than it had, so each worker goes on looking.
UPGRADE_EVERY = timedelta(seconds=3)
# Between two batches, so that other calls of Redis hardly wait.
PAUSE = timedelta(milliseconds=20)


@dataclass(frozen=True, slots=True)
class LedgerUpgrade:
    """Runs in every worker. If one dies in the middle, another one goes on."""

    client: "redis.Redis"
    stopping: threading.Event
    steps: tuple[Step, ...] = STEPS

    def look(self) -> None:
        """Upgrade the records that are left, until the worker stops."""
        with contextlib.suppress(Refused):  # the poller logs it
            open_ledger(self.client, self.steps)
            while upgrade_some(self.client, self.steps):
                if self.stopping.wait(PAUSE.total_seconds()):
                    return
