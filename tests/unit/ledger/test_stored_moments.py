"""Moments and durations as they are stored: what nobody can calculate with is refused."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.domain.moments import read_moment
from shared.ledger.time_units import duration, from_milliseconds

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
NUMBERS = (
    "9" * 20,
    "-" + "9" * 20,
    "1e300",
    "-1e20",
    "253402300799999",
    "-62135596800000",
    "nan",
    "inf",
    "x",
)
TEXTS = (
    *("garbage", "", "2026-11-27T03:00:00", "2026-11-27", "9999-12-31T23:59:59Z"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_is_a_moment_of_usable_years_or_none(number: str) -> None:
    assert from_milliseconds(NOON.timestamp() * 1000) == NOON
    with pytest.raises(ValueError, match=r"."):
        from_milliseconds(number)


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_a_moment_of_usable_years_with_its_zone_or_none(text: str) -> None:
    assert read_moment("2026-03-01T14:00:00+02:00") == NOON
    with pytest.raises(ValueError, match=r"."):
        read_moment(text)


def test_a_duration_has_an_end() -> None:
    assert duration(5) == timedelta(milliseconds=5)
    assert NOON - duration(2**63) < NOON < NOON + duration(2**63)
    assert duration(-(2**63)) == -duration(2**63)
