"""What the charts draw, and the tables behind them."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.counts import ChartSlot, Counts
from shared.operations.overview.series import ChartRow, Series, Span, rows_of, series_of
from tests.support.builders import NOON
from web.console.charts import bars

MINUTE = timedelta(minutes=1)


def slots(*counts: Counts, due: int | None = None) -> list[ChartSlot]:
    return [
        ChartSlot(at=NOON + place * MINUTE, counts=each, due=due)
        for place, each in enumerate(counts)
    ]


def drawn(*of: ChartSlot, span: Span = Span.HOUR) -> dict[str, Series]:
    return {series.name: series for series in series_of(of, span)}


def test_each_series_has_its_figure_and_its_values() -> None:
    found = drawn(
        *slots(
            Counts(accepted=1000, delivered=900, dead=1, refused=3, calls=2, call_ms=500),
            Counts(accepted=204, delivered=300, calls=8, call_ms=500),
            due=7,
        )
    )
    assert {name: (each.figure, each.values) for name, each in found.items()} == {
        "accepted": ("1,204", [1000, 204]),
        "delivered": ("1,200", [900, 300]),
        "failed": ("1", [1, 0]),
        "refused": ("3", [3, 0]),
        "backlog": ("7", [7, 7]),
        "latency": ("0.10 s", [0.25, 0.0625]),
    }


def test_a_single_value_that_is_not_0_has_its_place() -> None:
    found = drawn(*slots(Counts(accepted=3), Counts(accepted=2, dead=1), Counts()))
    assert (found["accepted"].only, found["failed"].only) == (None, 1)
    assert (found["refused"].only, found["latency"].only) == (None, None)


def test_what_nobody_knows_is_no_zero() -> None:
    found = drawn(*slots(Counts()))
    assert (found["backlog"].figure, found["backlog"].values) == ("not known", [None])
    assert (found["latency"].figure, found["latency"].values) == ("no call", [None])
    assert found["backlog"].said(None) == "not known"


@pytest.mark.parametrize(
    ("span", "unit"),
    [(Span.HOUR, "a minute"), (Span.TWO_DAYS, "in 15 minutes"), (Span.NINETY_DAYS, "a day")],
)
def test_a_value_is_said_with_its_time(span: Span, unit: str) -> None:
    accepted = drawn(*slots(Counts(accepted=1200)), span=span)["accepted"]
    assert f"{accepted.said(accepted.most)} {accepted.unit}" == f"1,200 {unit}"


def test_neighbours_with_one_value_share_a_row() -> None:
    of = slots(*(Counts(accepted=count) for count in (0, 0, 0, 5, 5, 0)))
    assert list(rows_of(of, drawn(*of)["accepted"])) == [
        ChartRow(NOON, NOON + 2 * MINUTE, 0),
        ChartRow(NOON + 3 * MINUTE, NOON + 4 * MINUTE, 5),
        ChartRow(NOON + 5 * MINUTE, NOON + 5 * MINUTE, 0),
    ]


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ([], ""),
        ([0, None, 0], ""),
        ([2, 0, 1], "M0 40v-40.00h0.8V40zM2 40v-20.00h0.8V40z"),
        ([1000, 1], "M0 40v-40.00h0.8V40zM1 40v-0.75h0.8V40z"),
    ],
    ids=["nothing", "nothing happened", "in proportion", "a little can be seen"],
)
def test_bars_are_as_high_as_their_values(values: Any, path: str) -> None:
    assert bars(values) == path
