"""Charts as SVG that needs neither scripts nor styles of its own: a bar for each value."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request, url_for

from shared.domain.counts import ChartSlot
from shared.operations.overview.series import ChartRow, Series, Span, rows_of, series_of
from web.services import services

# In the units of the drawing, which is stretched to its place.
HEIGHT = 40
_GAP = 0.2
# The least that can be seen of something that is not nothing.
_LEAST = 0.75
_SPANS = (
    (Span.HOUR, "An hour"),
    (Span.TWO_DAYS, "Two days"),
    (Span.NINETY_DAYS, "90 days"),
)


@dataclass(frozen=True, slots=True)
class Chart:
    """A series as a path of bars, each one unit wide, with the same values as rows of a table."""

    series: Series
    path: str
    rows: Sequence[ChartRow]


def charts_of(slots: Sequence[ChartSlot], span: Span, *, of_one_account: bool) -> list[Chart]:
    """Return the charts of the slots, which are in the order of time."""
    return [
        Chart(series, bars(series.values), list(rows_of(slots, series)))
        for series in series_of(slots, span, of_one_account=of_one_account)
    ]


def drawn(account: str | None = None, hour: Sequence[ChartSlot] = ()) -> dict[str, Any]:
    """Return what charts.html shows: of all accounts together or of this one, for the time that
    the address asks for. `hour` has the slots of the last one, if they were read already."""
    span = request.args.get("span", Span.HOUR, type=Span)
    slots = hour if hour and span == Span.HOUR else _slots(account, span)
    page, part = ("account", "account_charts") if account else ("overview", "charts")
    return {
        "span": span,
        "spans": [
            (each, label, url_for(f"console.{page}", name=account, span=each))
            for each, label in _SPANS
        ],
        "charts_url": url_for(f"console.{part}", name=account, span=span),
        "charts_heading": "The account over time" if account else "All accounts together",
        "slots": slots,
        "charts": charts_of(slots, span, of_one_account=account is not None),
        "height": HEIGHT,
    }


def _slots(account: str | None, span: Span) -> Sequence[ChartSlot]:
    reader = services().operations.overview
    return reader.slots_of(account, span) if account else reader.slots(span)


def bars(values: Sequence[float | None]) -> str:
    """Return the path of the bars. The highest value takes the whole height."""
    most = max((value for value in values if value is not None), default=0)
    return "".join(
        f"M{place} {HEIGHT}v-{max(_LEAST, HEIGHT * value / most):.2f}h{1 - _GAP}V{HEIGHT}z"
        for place, value in enumerate(values)
        if value
    )
