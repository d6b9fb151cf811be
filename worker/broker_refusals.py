"""How long a worker waits after the broker refused a command, and what of it the log says.

Celery itself connects again at once. A missing right or a full disk does not end by that, so it
would do so several times a second. Meanwhile the worker delivers by the ledger alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.retry import RetryPolicy

_WAITS = RetryPolicy(base=timedelta(seconds=2), cap=timedelta(seconds=30))
# What is refused after so long without a refusal is a new case.
_FORGOTTEN_AFTER = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class BrokerRefusal:
    """`is_news`: whether the log does not have it yet."""

    wait: timedelta
    is_news: bool


class BrokerRefusals:
    """`clock` is monotonic, `jitter` in [0, 1)."""

    def __init__(self, clock: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._clock = clock
        self._jitter = jitter
        self._count = 0
        self._last: str | None = None
        self._last_at = float("-inf")

    def note(self, what: str) -> BrokerRefusal:
        """Note that the broker refused a command for the reason `what`."""
        if self._clock() - self._last_at > _FORGOTTEN_AFTER.total_seconds():
            self._count, self._last = 0, None
        is_news = what != self._last
        self._count, self._last, self._last_at = self._count + 1, what, self._clock()
        return BrokerRefusal(_WAITS.delay(self._count, self._jitter()), is_news)
