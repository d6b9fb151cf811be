"""When far more sign-ups come than usual, and when too many go to quarantine: as tables."""

from datetime import timedelta
from typing import Any

import pytest

from shared.domain.arrival_history import (
    FOR_ALERTS,
    FOR_REPORTS,
    is_spike,
    quarantined_in_words,
    quarantines_all,
    quarantines_much,
)
from tests.support.builders import NOON
from tests.support.refusals import arrivals

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("passed", "busiest_hours", "expected"),
    [
        pytest.param(200, [40, 3, 8, 12, 40], True, id="five times the busiest hour"),
        pytest.param(199, [40, 3, 8, 12, 40], False, id="not quite"),
        pytest.param(50, [1, 1, 1, 1, 1], True, id="a quiet form"),
        pytest.param(49, [1, 1, 1, 1, 1], False, id="too few to matter"),
        pytest.param(10_000, [5, 5, 5, 5], False, id="a form of four days has no usual hour"),
        pytest.param(10_000, [], False, id="a new form"),
        pytest.param(9_000, [3, 8, 12, 4, 9, 2_000], False, id="a campaign came before"),
    ],
)
def test_a_spike(passed: int, busiest_hours: list[int], expected: bool) -> None:
    assert is_spike(arrivals(passed=passed, busiest_hours=busiest_hours)) is expected


@pytest.mark.parametrize(
    ("passed", "screened", "usual", "expected"),
    [
        pytest.param(20, 20, [], True, id="half of what came"),
        pytest.param(21, 20, [], False, id="less than half"),
        pytest.param(0, 19, [], False, id="too few"),
        pytest.param(0, 60, [20, 20, 1], True, id="three times the usual"),
        pytest.param(0, 59, [20, 20, 1], False, id="as robots come every night"),
    ],
)
def test_much_is_quarantined(passed: int, screened: int, usual: list[int], expected: bool) -> None:
    found = arrivals(passed=passed, screened=screened, screened_hours=usual)
    assert quarantines_much(found, FOR_ALERTS) is expected


@pytest.mark.parametrize(
    ("streak", "age", "fields", "expected"),
    [
        pytest.param(10, DAY, {"busiest_hours": [1] * 5}, True, id="for a day"),
        pytest.param(9, DAY, {"busiest_hours": [1] * 5}, False, id="too few"),
        pytest.param(10, DAY / 2, {"busiest_hours": [1] * 5}, False, id="for half a day"),
        pytest.param(10, DAY, {"busiest_hours": [1] * 4}, False, id="people come seldom"),
        pytest.param(10, DAY, {"ever_passed": False}, True, id="a new form"),
        pytest.param(99, 14 * DAY, {"ever_passed": False}, False, id="only robots know it"),
    ],
)
def test_all_is_quarantined(
    streak: int, age: timedelta, fields: dict[str, Any], expected: bool
) -> None:
    found = arrivals(streak=streak, streak_since=NOON - age, **fields)
    assert quarantines_all(found, FOR_ALERTS) == (NOON - age if expected else None)


def test_a_streak_whose_beginning_is_not_known_is_no_finding() -> None:
    assert quarantines_all(arrivals(streak=99, streak_since=None), FOR_ALERTS) is None


def test_who_asks_is_told_of_fewer() -> None:
    much = arrivals(passed=5, screened=5, screened_hours=[100])
    assert quarantines_much(much, FOR_REPORTS) and not quarantines_much(much, FOR_ALERTS)
    every = arrivals(streak=5, streak_since=NOON, ever_passed=False)
    assert quarantines_all(every, FOR_REPORTS) == NOON
    assert quarantines_all(every, FOR_ALERTS) is None


def test_in_words() -> None:
    found = arrivals(passed=10, screened=30, streak=12)
    assert quarantined_in_words(found, None) == (
        "30 of 40 sign-ups of the last hour were quarantined."
    )
    assert quarantined_in_words(found, NOON - DAY) == (
        "each of the last 12 sign-ups was quarantined, since 2026-02-28 12:00 UTC."
    )
