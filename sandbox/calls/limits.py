"""The limits of an application: calls per second and per UTC day.

The caller passes the time. No class locks; the state's lock guards them.
"""

from collections import deque
from typing import Literal

Refusal = Literal["throttled", "quota_exceeded"]

DAY_SECONDS = 86_400


class RateLimit:
    """Limits the calls in a second; a refused call takes no place in the window."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def take(self, at: float, *, limit: int, fixed: bool = False) -> bool:
        """Take a place at ``at`` (monotonic seconds); return False if none is left.

        The window is the second that ends at ``at``. With ``fixed`` it is the clock's own second,
        which admits twice the limit around its border.
        """
        while self._taken and (self._taken[0] < int(at) if fixed else self._taken[0] <= at - 1):
            self._taken.popleft()
        if len(self._taken) >= limit:
            return False
        self._taken.append(at)
        return True


class DayQuota:
    """Limits the calls in a UTC day. Calls over the limit per second count too."""

    def __init__(self) -> None:
        self._day = -1
        self._used = 0

    def take(self, now: float, *, limit: int) -> bool:
        """Count a call at ``now`` (seconds since 1970); return False over the limit."""
        self._used = self.used(now) + 1
        return self._used <= limit

    def used(self, now: float) -> int:
        """Return the number of calls today, those over the limit included."""
        day = int(now // DAY_SECONDS)
        if day != self._day:
            self._day, self._used = day, 0
        return self._used

    def set_used(self, now: float, used: int) -> None:
        """Count ``used`` calls as made today."""
        self._day, self._used = int(now // DAY_SECONDS), used


class KeyLimits:
    """The limits of one API key, over all its accounts and calls together."""

    def __init__(self) -> None:
        self.day = DayQuota()
        self._second = RateLimit()

    def refusal(
        self, *, now: float, at: float, per_second: int, per_day: int, fixed: bool
    ) -> Refusal | None:
        """Count a call; return the reason to refuse it, or None."""
        if not self.day.take(now, limit=per_day):
            return "quota_exceeded"
        if not self._second.take(at, limit=per_second, fixed=fixed):
            return "throttled"
        return None
