"""Upgrades the ledger's records to this version's format, a few at a time, while all else runs."""

import contextlib
import threading
from datetime import timedelta
from typing import Any

import redis
from celery import bootsteps

from shared.domain.errors import LedgerUnavailable, Refused
from shared.ledger.format import STEPS, Step, open_ledger, upgrade_some
from worker.runtime import WorkerRuntime
from worker.upkeep.periodic import Periodic

# Redis may come back with older data than it had, so each worker goes on looking.
EVERY = timedelta(seconds=3)
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
        with contextlib.suppress(LedgerUnavailable, Refused):  # the poller tells of both
            open_ledger(self._client, self._steps)
            while upgrade_some(self._client, self._steps):
                if self._stopping.wait(PAUSE.total_seconds()):
                    return


class UpgradeStep(bootsteps.StartStopStep):
    """Has a running worker look, on a thread of its own, until `WorkerRuntime.stopping` is set."""

    runtime: WorkerRuntime

    @classmethod
    def of(cls, runtime: WorkerRuntime) -> "type[UpgradeStep]":
        """Return the step for Celery, which makes an instance of it by itself."""
        return type("WorkerUpgrade", (cls,), {"runtime": runtime})

    def start(self, parent: Any) -> None:
        upgrade = Upgrade(self.runtime.client, self.runtime.stopping)
        Periodic("upgrade", upgrade.look, every=EVERY).start()
