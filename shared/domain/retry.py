"""How long a sign-up waits between attempts, and when signup-relay gives it up.

Pure: the caller passes the jitter fraction. Exponential backoff with equal
jitter, after "Exponential Backoff And Jitter" (AWS Architecture Blog).
"""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """`base`, doubled per attempt up to `cap`; given up after `max_attempts` or at `max_age`.

    With the defaults the twelve attempts of one sign-up spread over four to nine hours.
    `max_age` leaves out the time on hold, so an outage of days kills nothing.
    """

    max_attempts: int = 12
    base: timedelta = timedelta(seconds=15)
    cap: timedelta = timedelta(hours=6)
    max_age: timedelta = timedelta(days=7)

    def delay(self, attempt: int, jitter: float) -> timedelta:
        """Return the wait after `attempt` (the first is 1).

        `jitter` is in [0, 1): 0 gives half the full wait, 1 would give all of it.
        """
        doublings = min(attempt - 1, 32)  # keeps timedelta from overflowing
        full = min(self.cap, self.base * (1 << doublings))
        return full * (1 + jitter) / 2
