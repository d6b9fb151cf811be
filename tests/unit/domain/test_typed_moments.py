"""Dates and times that people and scripts type."""

from datetime import UTC, datetime

import pytest

from shared.domain.moments import typed_moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T12:30", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00Z", datetime(2026, 3, 1, 12, 30, tzinfo=UTC)),
        ("2026-03-01T12:30:00+02:00", datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
    ],
)
def test_without_a_zone_it_is_utc(text: str, expected: datetime) -> None:
    assert typed_moment(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "0999-01-01", "5000-01-01", "1"])
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        typed_moment(text)
