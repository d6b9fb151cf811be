"""Counts the token calls of this process, so that it does not end while a new pair is under way."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class RunningCalls:
    """Safe between threads."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count one more call while the block runs."""
        self._add(1)
        try:
            yield
        finally:
            self._add(-1)

    def wait(self) -> bool:
        """Wait until no call runs; False when none did."""
        with self._changed:
            found = self._count > 0
            self._changed.wait_for(lambda: self._count == 0)
            return found

    def _add(self, number: int) -> None:
        with self._changed:
            self._count += number
            self._changed.notify_all()
