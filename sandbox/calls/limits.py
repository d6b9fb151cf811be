"""How many calls an application may make: in a second, and in a UTC day.

Pure: the caller passes the time. Neither class locks; the state's lock guards them.
"""

from collections import deque
from typing import Literal

Refusal = Literal["throttled", "quota_exceeded"]

DAY_SECONDS = 86_400


class RateLimit:
    """So many calls in any one second; a refused call takes no room in the window."""

    def __init__(self) -> None:
        self._taken: deque[float] = deque()

    def take(self, at: float, *, limit: int, fixed: bool = False) -> bool:
        """Take a place at ``at`` (monotonic seconds), or return False when there is none.

        The window is the second that ends at ``at``, or with ``fixed`` the clock's own
        second, which lets twice the limit through around its border.
        """
        while self._taken and (self._taken[0] < int(at) if fixed else self._taken[0] <= at - 1):
            self._taken.popleft()
        if len(self._taken) >= limit:
            return False
        self._taken.append(at)
        return True


class DayQuota:
    """So many calls in a UTC day. Calls refused for the second's sake count too."""

    def __init__(self) -> None:
        self._day = -1
        self._used = 0

    def take(self, now: float, *, limit: int) -> bool:
        """Count a call at ``now`` (seconds since 1970); False when the day is spent."""
        self._used = self.used(now) + 1
        return self._used <= limit

    def used(self, now: float) -> int:
        """Return how many calls were counted today, those over the limit included."""
        day = int(now // DAY_SECONDS)
        if day != self._day:
            self._day, self._used = day, 0
        return self._used

    def set_used(self, now: float, used: int) -> None:
        """Pretend that ``used`` calls were made today."""
        self._day, self._used = int(now // DAY_SECONDS), used


class KeyLimits:
    """The limits of one API key, over all accounts and all its calls together."""

    def __init__(self) -> None:
        self.day = DayQuota()
        self._second = RateLimit()

    def refusal(
        self, *, now: float, at: float, per_second: int, per_day: int, fixed: bool
    ) -> Refusal | None:
        """Count a call, and say why it may not pass, or None when it may."""
        if not self.day.take(now, limit=per_day):
            return "quota_exceeded"
        if not self._second.take(at, limit=per_second, fixed=fixed):
            return "throttled"
        return None
