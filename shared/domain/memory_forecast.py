"""How full Redis is, at what pace it grows, and when it will be full. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations
from statistics import median

from shared.domain.durations import in_words
from shared.domain.phrases import counted

# The paces that count: a campaign fills Redis in hours, and a quiet site in months.
_WINDOWS = (timedelta(hours=6), timedelta(days=2), timedelta(days=14))
# A pace that was seen for a day tells something about a week.
_REACH = 7
# After a start, Redis fills its buffers.
_SHORTEST_SEEN = timedelta(minutes=30)
# Enough for a median of slopes, which no single peak moves.
_MOST_COMPARED = 60
# The rest lasts for some ten thousand sign-ups in 256 MiB.
_NEARLY_FULL = 0.9
_WARN_WITHIN = timedelta(days=30)
_URGENT_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemorySample:
    """How many bytes Redis used at some time."""

    at: datetime
    used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryForecast:
    """In bytes. `limit` is maxmemory, or the machine's memory if Redis is not `limited`.

    `growth` is for each day; None if nobody has looked for long enough. `full_in` is None if
    nothing tells that Redis will be full.
    """

    used: int
    limit: int
    limited: bool
    growth: float | None = None
    full_in: timedelta | None = None

    @property
    def is_urgent(self) -> bool:
        """Whether Redis will be full within a week, or nearly is."""
        return self._nearly_full or self._full_within(_URGENT_WITHIN)

    @property
    def found(self) -> str:
        """Return how much is used, and the pace, as sentences."""
        of = in_mib(self.limit) if self.limited else f"the machine's {in_mib(self.limit)}"
        return f"{in_mib(self.used)} of {of} used.{self._pace}"

    @property
    def warning(self) -> str | None:
        """Return when Redis is full, as a sentence; None while that is far away or unknown."""
        if self.used >= self.limit:
            return "Redis is full."
        if self.full_in is not None and self._full_within(_WARN_WITHIN):
            return f"At this pace Redis is full in {_roughly(self.full_in)}."
        return "Redis is nearly full." if self._nearly_full else None

    @property
    def to_do(self) -> str:
        more = "raise maxmemory" if self.limited else "set maxmemory"
        return (
            f"Give the host more memory, or {more} as far as its memory allows. Or keep records for"
            " a shorter time: RELAY_RETAIN_DELIVERED and its siblings."
        )

    @property
    def _pace(self) -> str:
        if self.growth is None:
            return ""
        if self.growth < 1 << 10:
            return " It does not grow."
        return f" It grows by {in_mib(self.growth)} a day."

    @property
    def _nearly_full(self) -> bool:
        return self.used >= _NEARLY_FULL * self.limit

    def _full_within(self, span: timedelta) -> bool:
        return self.full_in is not None and self.full_in <= span


def forecast(
    used: int, limit: int, samples: Sequence[MemorySample], now: datetime, *, limited: bool
) -> MemoryForecast:
    """Return what the `samples`, the oldest first, tell of a server that uses `used` bytes now.

    A pace counts for as far ahead as seven times the time that it was seen for. Of those that
    count, the one that fills Redis first does.
    """
    paces = list(_paces([*samples, MemorySample(at=now, used=used)], now))
    room = max(0, limit - used)
    ends = (
        timedelta(days=room / growth)
        for seen, growth in paces
        if growth > 0 and room / growth <= _REACH * (seen / timedelta(days=1))
    )
    return MemoryForecast(
        used=used,
        limit=limit,
        limited=limited,
        growth=paces[-1][1] if paces else None,
        full_in=min(ends, default=None) if room else timedelta(),
    )


def in_mib(size: float) -> str:
    return f"{size / (1 << 20):,.1f} MiB"


def _paces(samples: Sequence[MemorySample], now: datetime) -> Iterator[tuple[timedelta, float]]:
    """Yield for how long each pace was seen, and its bytes a day."""
    for window in _WINDOWS:
        within = [each for each in samples if now - window <= each.at <= now]
        seen = within[-1].at - within[0].at if within else timedelta()
        if seen >= _SHORTEST_SEEN:
            yield seen, _median_slope(within[:: len(within) // _MOST_COMPARED + 1])


def _median_slope(samples: Sequence[MemorySample]) -> float:
    """Return the bytes a day of the middle one of all pairs (Theil and Sen)."""
    return median(
        (later.used - earlier.used) / ((later.at - earlier.at) / timedelta(days=1))
        for earlier, later in combinations(samples, 2)
        if later.at > earlier.at
    )


def _roughly(span: timedelta) -> str:
    return counted(span.days, "day") if span >= timedelta(days=2) else in_words(span)
