"""Durations and counts in words."""

from datetime import timedelta

import pytest

from shared.domain.durations import in_words, read_duration, times


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(), "0 s"),
        (timedelta(milliseconds=999), "0 s"),
        (timedelta(seconds=1), "1 s"),
        (timedelta(seconds=59), "59 s"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min 59 s"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=3, minutes=20, seconds=7), "3 h 20 min"),
        (timedelta(hours=1, seconds=59), "1 h"),
        (timedelta(days=3, minutes=59, seconds=1), "3 d"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"),
        (timedelta(days=1), "1 d"),
        (timedelta(days=40, hours=2, minutes=3), "40 d 2 h"),
    ],
)
def test_a_duration_is_told_in_its_largest_unit_and_the_next(span: timedelta, words: str) -> None:
    assert in_words(span) == words


@pytest.mark.parametrize(("count", "words"), [(0, "0 times"), (1, "once"), (2, "2 times")])
def test_how_often(count: int, words: str) -> None:
    assert times(count) == words


@pytest.mark.parametrize(
    ("raw", "span"),
    [
        ("1s", timedelta(seconds=1)),
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("12h", timedelta(hours=12)),
        ("30d", timedelta(days=30)),
        ("36500d", timedelta(days=36_500)),
    ],
)
def test_a_written_duration_is_read(raw: str, span: timedelta) -> None:
    assert read_duration(raw) == span


@pytest.mark.parametrize(
    "raw", ["", "30", "d", "30 d", "30D", "1.5h", "-1s", "0s", "36501d", "٣d", "9" * 5000 + "s"]
)
def test_anything_else_is_no_duration(raw: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        read_duration(raw)
