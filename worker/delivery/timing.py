"""When a request may start: clocks, round trips to the ledger, and the slots of the pace."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

# A request that starts later than this after its slot could make five in one second, as the
# slots lie only 2.5 % further apart than the rate allows.
SLOT_LIFE = timedelta(milliseconds=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Time and chance of this process, so that tests can bring their own."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]


@dataclass(frozen=True, slots=True)
class PaceSlot:
    """When a request may start, by this process' monotonic clock: somewhere in this span.

    Nobody knows how long the ledger's answer was under way.
    """

    earliest: float
    latest: float

    def wait(self, clock: Clock) -> bool:
        """Wait until the slot has begun for certain; False when it may be over by then."""
        early = self.latest - clock.monotonic()
        if early > 0:
            clock.sleep(early)
        return clock.monotonic() - self.earliest <= SLOT_LIFE.total_seconds()


@dataclass(slots=True)
class RoundTrip:
    """How long the ledger takes to answer, in seconds; one for all lanes of a process."""

    latest: float = 0.0
    shortest: float = 0.0

    @property
    def expected(self) -> float:
        """How long the next one will probably take. An unusually slow one does not count."""
        return min(self.latest, 2 * self.shortest + SLOT_LIFE.total_seconds())

    def slot(self, asked_at: float, answered_at: float, start_in: float) -> PaceSlot:
        """Return the slot that begins `start_in` after the ledger answered.

        It answered at least half a round trip after `asked_at` and before `answered_at`.
        """
        self._note(answered_at - asked_at)
        one_way = self.shortest / 2
        return PaceSlot(asked_at + one_way + start_in, answered_at - one_way + start_in)

    def _note(self, seconds: float) -> None:
        # The shortest is forgotten slowly, in case the way has grown.
        self.latest = seconds
        self.shortest = min(seconds, self.shortest * 1.05) if self.shortest else seconds
