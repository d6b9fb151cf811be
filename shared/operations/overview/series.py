"""What the overview's charts draw: six series over an hour, two days or ninety days. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.domain.counts import ChartSlot, Counts


class Span(StrEnum):
    """How much time the charts show."""

    HOUR = "hour"
    TWO_DAYS = "two-days"
    NINETY_DAYS = "ninety-days"


@dataclass(frozen=True, slots=True)
class Series:
    """A figure by time. A value is None where nobody knows it. `figure` is what is said of all of
    the time, and `unit` what one value is for."""

    name: str
    label: str
    figure: str
    unit: str
    values: Sequence[float | None]

    @property
    def most(self) -> float:
        return max((value for value in self.values if value is not None), default=0)

    @property
    def only(self) -> int | None:
        """The place of the one value that is not 0; None with more or fewer, or with gaps."""
        places = [place for place, value in enumerate(self.values) if value != 0]
        return places[0] if len(places) == 1 and None not in self.values else None

    def said(self, value: float | None) -> str:
        """Return a value of this series, for people."""
        if value is None:
            return "not known"
        return f"{value:.2f} s" if self.name == "latency" else f"{value:,.0f}"


@dataclass(frozen=True, slots=True)
class ChartRow:
    """Neighbouring slots with one value: the first of them begins at `since`, the last at
    `until`."""

    since: datetime
    until: datetime
    value: float | None


_COUNTS: tuple[tuple[str, str, Callable[[Counts], int]], ...] = (
    ("accepted", "Accepted", lambda counts: counts.accepted),
    ("delivered", "Delivered", lambda counts: counts.delivered),
    ("failed", "Failed", lambda counts: counts.dead),
    ("refused", "Refused", lambda counts: counts.refused),
)
_UNITS = {Span.HOUR: "a minute", Span.TWO_DAYS: "in 15 minutes", Span.NINETY_DAYS: "a day"}


def series_of(
    slots: Sequence[ChartSlot], span: Span, *, of_one_account: bool = False
) -> list[Series]:
    """Return the series of the slots, which are in the order of time. The backlog is not kept of
    one account (ADR 32)."""
    unit = _UNITS[span]
    sums = sum((slot.counts for slot in slots), Counts())
    return [
        *(
            Series(name, label, f"{of(sums):,}", unit, [of(slot.counts) for slot in slots])
            for name, label, of in _COUNTS
        ),
        *([] if of_one_account else [_backlog(slots)]),
        _latency(slots, sums),
    ]


def _backlog(slots: Sequence[ChartSlot]) -> Series:
    values = [slot.due for slot in slots]
    known = [value for value in values if value is not None]
    figure = f"{known[-1]:,}" if known else "not known"
    return Series("backlog", "Backlog", figure, "waited at once", values)


def _latency(slots: Sequence[ChartSlot], sums: Counts) -> Series:
    figure = f"{_seconds(sums.latency):.2f} s" if sums.latency is not None else "no call"
    values = [
        None if slot.counts.latency is None else _seconds(slot.counts.latency) for slot in slots
    ]
    return Series("latency", "API latency", figure, "on average", values)


def _seconds(latency: timedelta) -> float:
    return latency.total_seconds()


def rows_of(slots: Sequence[ChartSlot], series: Series) -> Iterator[ChartRow]:
    """Yield the values as rows of a table. Neighbours with one value share a row: most of a night
    has none."""
    first = 0
    for place in range(1, len(slots) + 1):
        if place == len(slots) or series.values[place] != series.values[first]:
            yield ChartRow(slots[first].at, slots[place - 1].at, series.values[first])
            first = place
