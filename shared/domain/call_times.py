"""How long calls to Constant Contact take, as a histogram: how many ended in which time."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

# Seconds. A usual call takes a tenth to a third of one; the last bucket is the usual deadline.
BUCKETS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0, 20.0)
LONGER = "inf"
MILLISECONDS = "ms"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallTimes:
    """`counts` has for each name of a bucket how many calls belong to it and no lower one."""

    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def cumulative(self) -> Iterator[tuple[float, int]]:
        """Yield each bucket's bound, infinity at last, and how many calls took at most as long."""
        total = 0
        for bound in (*BUCKETS, float(LONGER)):
            total += self.counts.get(_name(bound), 0)
            yield bound, total


def to_counts(seconds: Iterable[float]) -> dict[str, int]:
    """Return what calls that took so long add to the stored counts. Empty without calls."""
    counts: Counter[str] = Counter()
    for each in seconds:
        counts[_bucket_of(each)] += 1
        counts[MILLISECONDS] += round(each * 1000)
    return dict(counts)


def from_counts(stored: Mapping[str, int]) -> CallTimes:
    """Return what the stored counts say."""
    counts = {name: count for name, count in stored.items() if name != MILLISECONDS}
    return CallTimes(counts=counts, seconds=stored.get(MILLISECONDS, 0) / 1000)


def _bucket_of(seconds: float) -> str:
    return next((_name(bound) for bound in BUCKETS if seconds <= bound), LONGER)


def _name(bound: float) -> str:
    return f"{bound:g}"
