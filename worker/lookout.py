"""The lookout: every worker looks for due sign-ups by itself, so that none depends on beat."""

import logging
import threading
from datetime import timedelta
from typing import Any

from celery import bootsteps

from shared.domain.errors import LedgerUnavailable
from worker.wiring import Wiring

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=3)


class Lookout(bootsteps.StartStopStep):
    """Every few seconds: says that this worker is alive, starts lanes for what is due, and ends
    the worker if one hangs.

    On a thread of its own, as the worker's timer shares one with the broker's connection,
    which a Redis that does not answer must not block.
    """

    wiring: Wiring
    worker_name: str

    @classmethod
    def watching(cls, wiring: Wiring, worker_name: str) -> "type[Lookout]":
        """Return the step for Celery, which makes an instance of it by itself."""
        return type("WorkerLookout", (cls,), {"wiring": wiring, "worker_name": worker_name})

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lookout", daemon=True)

    def start(self, parent: Any) -> None:
        self._thread.start()

    def stop(self, parent: Any) -> None:
        self._stop.set()
        self._thread.join(timeout=EVERY.total_seconds())

    terminate = stop

    def _watch(self) -> None:
        while True:
            self.look()
            self.wiring.end_if_hung()
            if self._stop.wait(EVERY.total_seconds()):
                return

    def look(self) -> None:
        """Look once; whatever goes wrong, the next look comes."""
        try:
            self.wiring.ledger.worker_alive(self.worker_name)
            for account in self.wiring.accounts_with_work():
                self.wiring.publish_lane(account)
        except LedgerUnavailable as error:
            log.warning("could not look for due sign-ups", extra={"cause": str(error)})
        except Exception:  # whatever it is, the next look must come
            log.exception("looking for due sign-ups failed")
