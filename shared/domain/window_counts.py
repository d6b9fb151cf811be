"""Limits that this process counts in its own memory, while Redis cannot."""

import threading
from collections.abc import Callable, Iterable
from datetime import timedelta

# Some 2 MB. Strangers choose the keys, so there must be a bound.
MOST_KEYS = 10_000


class WindowCounts:
    """Allows `most` of each key in a `window` that begins with the first of them.

    `clock` is monotonic, in seconds. Safe between threads. With more than `keys` keys, those whose
    windows began first are forgotten.
    """

    def __init__(
        self, most: int, window: timedelta, *, clock: Callable[[], float], keys: int = MOST_KEYS
    ) -> None:
        self._most = most
        self._window = window.total_seconds()
        self._clock = clock
        self._keys = keys
        self._lock = threading.Lock()
        # How many, and when the window ends: in the order in which the windows began.
        self._counted: dict[str, tuple[int, float]] = {}

    def count(self, *keys: str) -> timedelta | None:
        """Count one for each key, unless there were too many for one of them.

        Returns how long to wait then.
        """
        with self._lock:
            now = self._clock()
            wait = self._wait(keys, now)
            if wait is None:
                for key in keys:
                    count, ends = self._counted.get(key, (0, now + self._window))
                    self._counted[key] = (count + 1, ends)
                self._drop_most()
            return wait

    def wait(self, *keys: str) -> timedelta | None:
        """Return how long to wait until one more of each is allowed; None if it is now."""
        if not self._counted:
            return None
        with self._lock:
            return self._wait(keys, self._clock())

    def forget(self, *keys: str) -> None:
        with self._lock:
            for key in keys:
                self._counted.pop(key, None)

    def _wait(self, keys: Iterable[str], now: float) -> timedelta | None:
        self._drop_ended(now)
        for key in keys:
            count, ends = self._counted.get(key, (0, now))
            if count >= self._most:
                return timedelta(seconds=ends - now)
        return None

    def _drop_ended(self, now: float) -> None:
        while self._counted:
            first = next(iter(self._counted))
            if self._counted[first][1] > now:
                return
            del self._counted[first]

    def _drop_most(self) -> None:
        while len(self._counted) > self._keys:
            del self._counted[next(iter(self._counted))]
