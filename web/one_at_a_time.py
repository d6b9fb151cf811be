"""Work that holds one of web's threads for long, and so runs once at a time."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class OneAtATime:
    """Without this, operators who press again could take all the threads that visitors need."""

    def __init__(self) -> None:
        self._busy = threading.Lock()

    def run(self, work: Callable[[], T]) -> T | None:
        """Return what `work` returns; None, without running it, while another call runs."""
        if not self._busy.acquire(blocking=False):
            return None
        try:
            return work()
        finally:
            self._busy.release()
