"""What a process does again and again, on a thread of its own."""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

from shared.domain.errors import LedgerUnavailable

log = logging.getLogger(__name__)

# A process that ends does not wait longer than this for a round under way.
END_WITHIN = timedelta(seconds=3)


class Periodic:
    """Calls `what` at intervals of `every`, at once for the first time. It goes on after errors."""

    def __init__(self, name: str, what: Callable[[], object], every: timedelta) -> None:
        self._name = name
        self._what = what
        self._every = every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, within: timedelta = END_WITHIN) -> None:
        """Begin no further round, and wait for the one under way, for `within` at most."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=within.total_seconds())

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._what()
            except LedgerUnavailable:
                pass  # the poller and beat log it
            except Exception:  # whatever it is, the next round must come
                log.exception("a round failed", extra={"what": self._name})
            self._stop.wait(self._every.total_seconds())
