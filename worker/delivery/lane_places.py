"""The places for lanes in one process."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from shared.infrastructure.settings import Settings

MOST_LANES = 32


def lane_count(settings: Settings) -> int:
    """Return how many lanes one process runs: enough to use the pace although each waits for
    answers of up to two seconds, and a couple to spare."""
    return min(MOST_LANES, int(2 * settings.requests_per_second) + 2)


class LanePlaces:
    """The places for lanes in this process, `count` for all accounts together.

    Counted here and not in Redis, where a killed process would never give its places back;
    across processes the pace alone is the limit. An account's first lane may take any place,
    its further ones leave a quarter free, so that a large account cannot shut a small one out.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def runs(self, account: str) -> bool:
        """Whether the account has a lane here."""
        with self._lock:
            return self._taken[account] > 0

    @contextmanager
    def take(self, account: str) -> Iterator[bool]:
        """Take a place while the block runs; gives False when there is none."""
        if not self._take(account):
            yield False
            return
        try:
            yield True
        finally:
            with self._lock:
                self._taken[account] -= 1

    def _take(self, account: str) -> bool:
        with self._lock:
            keep_free = self._count // 4 if self._taken[account] else 0
            if self._taken.total() + keep_free >= self._count:
                return False
            self._taken[account] += 1
            return True
