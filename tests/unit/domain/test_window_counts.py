"""Limits that a process counts in its own memory."""

from datetime import timedelta

import pytest

from shared.domain.window_counts import WindowCounts
from tests.support.hand_set_clock import HandSetClock


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture
def counts(clock: HandSetClock) -> WindowCounts:
    return WindowCounts(2, timedelta(seconds=60), clock=clock, keys=3)


def test_a_window_begins_with_the_first_and_is_not_prolonged(
    clock: HandSetClock, counts: WindowCounts
) -> None:
    assert counts.count("a") is None
    clock.now += 40
    assert counts.count("a") is None
    assert counts.count("a") == timedelta(seconds=20)
    clock.now += 19
    assert counts.count("a") == timedelta(seconds=1)
    clock.now += 1
    assert [counts.count("a"), counts.count("a")] == [None, None]
    assert counts.count("a") == timedelta(seconds=60)


def test_keys_count_apart_and_none_counts_if_one_is_used_up(counts: WindowCounts) -> None:
    counts.count("a")
    counts.count("a", "b")
    assert counts.count("a", "b") is not None
    assert counts.count("b") is None
    assert counts.count("b") is not None


def test_what_is_forgotten_counts_anew(counts: WindowCounts) -> None:
    counts.count("a")
    counts.count("a")
    counts.forget("a", "never counted")
    assert counts.count("a") is None


def test_no_more_keys_are_kept_than_it_may(clock: HandSetClock, counts: WindowCounts) -> None:
    for key in "abcd":
        counts.count(key)
        counts.count(key)
        clock.now += 1
    assert counts.count("d") is not None
    assert counts.count("a") is None
    assert len(counts._counted) == 3


def test_ended_windows_take_no_memory(clock: HandSetClock, counts: WindowCounts) -> None:
    counts.count("a", "b")
    clock.now += 60
    counts.count("c")
    assert list(counts._counted) == ["c"]
