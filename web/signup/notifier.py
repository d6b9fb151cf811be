"""Notifying the workers that a sign-up is due, without any visitor waiting for it.

A notification may be lost: beat and the workers themselves look for due sign-ups every few seconds.
"""

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

log = logging.getLogger(__name__)

# While the broker is away, every sign-up would log the same message.
LOG_EVERY = timedelta(minutes=1)


class WorkerNotifier:
    """Publishes notifications on a thread of its own. `clock` is monotonic, in seconds."""

    def __init__(self, publish: Callable[[str], None], *, clock: Callable[[], float]) -> None:
        self._publish = publish
        self._clock = clock
        self._logged_at = float("-inf")
        # A set: a second notification for an account that has one waiting would add nothing.
        self._waiting: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def notify_workers(self, account: str) -> None:
        """Have the workers deliver for `account` soon. Returns at once and never fails."""
        with self._changed:
            self._waiting.add(account)
            self._changed.notify()
            if self._thread is None:
                # Not made before, so that it is made in the process that serves visitors.
                self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                account = self._waiting.pop()
            try:
                self._publish(account)
            except Exception as error:  # noqa: BLE001 - any error: the next one must still go out
                self._log_failure(error)

    def _log_failure(self, error: Exception) -> None:
        if self._clock() - self._logged_at >= LOG_EVERY.total_seconds():
            self._logged_at = self._clock()
            log.warning("workers not notified", extra={"cause": type(error).__name__})
