"""Charts as SVG that needs neither scripts nor styles of its own: a bar for each value."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.counts import Slot
from shared.operations.overview.series import Row, Series, Span, rows_of, series_of

# In the units of the drawing, which is stretched to its place.
HEIGHT = 40
_GAP = 0.2
# The least that can be seen of something that is not nothing.
_LEAST = 0.75


@dataclass(frozen=True, slots=True)
class Chart:
    """A series as a path of bars, each one unit wide, with the same values as rows of a table."""

    series: Series
    path: str
    rows: Sequence[Row]


def charts_of(slots: Sequence[Slot], span: Span) -> list[Chart]:
    """Return the charts of the slots, which are in the order of time."""
    return [
        Chart(series, bars(series.values), list(rows_of(slots, series)))
        for series in series_of(slots, span)
    ]


def bars(values: Sequence[float | None]) -> str:
    """Return the path of the bars. The highest value takes the whole height."""
    most = max((value for value in values if value is not None), default=0)
    return "".join(
        f"M{place} {HEIGHT}v-{max(_LEAST, HEIGHT * value / most):.2f}h{1 - _GAP}V{HEIGHT}z"
        for place, value in enumerate(values)
        if value
    )
