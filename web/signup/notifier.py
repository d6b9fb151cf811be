"""Notifying: telling the workers that something is due, without any visitor waiting for it.

A nudge may be lost: beat and the workers themselves look every second or few.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

log = logging.getLogger(__name__)

# While the broker is away every sign-up would log the same.
LOG_EVERY = timedelta(minutes=1)


class WorkerNotifier:
    """Publishes nudges on a thread of its own. `clock` is monotonic, in seconds."""

    def __init__(
        self, notify_workers: Callable[[str], None], *, clock: Callable[[], float]
    ) -> None:
        self._notify_workers = notify_workers
        self._clock = clock
        self._logged_at = float("-inf")
        # A set, since a second nudge for an account that still has one waiting says nothing new.
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def notify_workers(self, account: str) -> None:
        """Have the workers look after `account` soon; returns at once and never fails."""
        with self._changed:
            self._waiting.add(account)
            self._changed.notify()
            if self._thread is None:
                # Made with the first nudge, so that it is made in the process that serves.
                self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                account = self._waiting.pop()
            try:
                self._notify_workers(account)
            except Exception as error:  # noqa: BLE001 - whatever it is, the next nudge must go out
                self._complain(error)

    def _complain(self, error: Exception) -> None:
        if self._clock() - self._logged_at >= LOG_EVERY.total_seconds():
            self._logged_at = self._clock()
            log.warning("workers not nudged", extra={"cause": type(error).__name__})
