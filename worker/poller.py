"""The poller: every worker looks for due sign-ups by itself, so that none depends on beat."""

import logging
import threading
from datetime import timedelta
from typing import Any

from celery import bootsteps

from shared.domain.errors import LedgerUnavailable
from worker.runtime import WorkerRuntime

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=3)


class Poller(bootsteps.StartStopStep):
    """Every few seconds: says that this worker is alive, starts lanes for what is due, and ends
    the worker if one hangs.

    On a thread of its own, as the worker's timer shares one with the broker's connection,
    which a Redis that does not answer must not block.
    """

    runtime: WorkerRuntime
    worker_name: str

    @classmethod
    def watching(cls, runtime: WorkerRuntime, worker_name: str) -> "type[Poller]":
        """Return the step for Celery, which makes an instance of it by itself."""
        return type("WorkerPoller", (cls,), {"runtime": runtime, "worker_name": worker_name})

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._due_before: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="poller", daemon=True)

    def start(self, parent: Any) -> None:
        self._thread.start()

    def stop(self, parent: Any) -> None:
        self._stop.set()
        self._thread.join(timeout=EVERY.total_seconds())

    terminate = stop

    def _watch(self) -> None:
        while True:
            self.look()
            self.runtime.end_if_hung()
            if self._stop.wait(EVERY.total_seconds()):
                return

    def look(self) -> None:
        """Look once; whatever goes wrong, the next look comes."""
        try:
            self.runtime.ledger.worker_alive(self.worker_name)
            self._have_lanes_run(self.runtime.accounts_with_work())
        except LedgerUnavailable as error:
            log.warning("could not look for due sign-ups", extra={"cause": str(error)})
        except Exception:
            log.exception("looking for due sign-ups failed")

    def _have_lanes_run(self, due: list[str]) -> None:
        """Ask for lanes; where that was done at the last look, too, and no lane runs here, do
        not wait for a message any longer: whatever carries them may be broken."""
        for account in due:
            if not (account in self._due_before and self.runtime.run_locally(account)):
                self.runtime.notify_workers(account)
        self._due_before = set(due)
