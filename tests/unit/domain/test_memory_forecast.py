"""When Redis will be full, by what it used before."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from shared.domain.memory_forecast import MemoryForecast, MemorySample, forecast
from tests.support.builders import NOON

MIB = 1 << 20
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
LIMIT = 256 * MIB


def samples(
    lasted: timedelta, used: Callable[[float], float], every: timedelta = HOUR
) -> list[MemorySample]:
    """Return what was used at so many days before noon, by the function `used` of them."""
    ages = [lasted - each * every for each in range(int(lasted / every))]
    return [MemorySample(at=NOON - age, used=round(MIB * used(age / DAY))) for age in ages]


def seen(used: float, before: list[MemorySample], limit: int = LIMIT) -> MemoryForecast:
    return forecast(round(used * MIB), limit, before, NOON, limited=True)


def days(found: MemoryForecast) -> float | None:
    return None if found.full_in is None else found.full_in / DAY


def test_a_steady_growth_goes_on() -> None:
    found = seen(166, samples(14 * DAY, lambda ago: 166 - 10 * ago))
    assert found.growth == pytest.approx(10 * MIB)
    assert days(found) == pytest.approx(9)
    assert found.warning == "At this pace Redis is full in 9 days."
    assert not found.is_urgent


def test_a_server_that_does_not_grow_is_never_full() -> None:
    found = seen(100, samples(14 * DAY, lambda _: 100))
    assert (found.growth, found.full_in, found.warning) == (0, None, None)
    assert found.found == "100.0 MiB of 256.0 MiB used. It does not grow."


def test_a_server_that_shrinks_is_never_full() -> None:
    assert seen(100, samples(14 * DAY, lambda ago: 100 + ago)).full_in is None


def test_a_single_peak_is_no_pace() -> None:
    before = samples(2 * DAY, lambda ago: 200 if 1.0 <= ago <= 1.2 else 100)
    assert seen(100, before).full_in is None


def test_days_and_nights_are_no_pace_over_two_weeks() -> None:
    before = samples(14 * DAY, lambda ago: 100 + (5 if ago % 1 > 0.5 else 0))
    assert seen(100, before).full_in is None


def test_a_campaign_counts_though_the_weeks_before_were_quiet() -> None:
    before = samples(14 * DAY, lambda _: 100)
    before += samples(6 * HOUR, lambda ago: 196 - 16 * 24 * ago, every=5 * MINUTE)
    found = seen(196, sorted(before, key=lambda each: each.at))
    assert days(found) == pytest.approx(60 / (16 * 24), rel=0.1)
    assert found.is_urgent


def test_two_days_of_growth_count_though_the_weeks_before_were_quiet() -> None:
    before = samples(14 * DAY, lambda ago: 100 + 20 * max(0, 2 - ago))
    assert days(seen(140, before)) == pytest.approx(116 / 20, rel=0.1)


@pytest.mark.parametrize(
    ("lasted", "expected"),
    [
        pytest.param(29 * MINUTE, None, id="too short to tell anything"),
        pytest.param(HOUR, None, id="an hour tells seven hours"),
        pytest.param(4 * HOUR, 1.0, id="four hours tell a day"),
    ],
)
def test_how_far_ahead_a_pace_counts(lasted: timedelta, expected: float | None) -> None:
    before = samples(lasted, lambda ago: 156 - 100 * ago, every=MINUTE)
    assert days(seen(156, before)) == (expected and pytest.approx(expected))


@pytest.mark.parametrize("used", [256, 300])
def test_a_full_server_is_full_now(used: float) -> None:
    found = seen(used, [])
    assert found.full_in == timedelta()
    assert found.warning == "Redis is full."


def test_samples_of_a_clock_that_was_ahead_do_not_count() -> None:
    ahead = [MemorySample(at=NOON + HOUR, used=9 * LIMIT), MemorySample(at=NOON + DAY, used=0)]
    assert seen(100, [*samples(DAY, lambda _: 100), *ahead]).growth == 0


@pytest.mark.parametrize(
    ("used", "warning"), [(229, None), (231, "Redis is nearly full.")], ids=["fits", "little left"]
)
def test_a_server_that_is_nearly_full_is_urgent_whatever_the_pace(
    used: float, warning: str | None
) -> None:
    found = seen(used, samples(DAY, lambda _: used))
    assert (found.warning, found.is_urgent) == (warning, warning is not None)


def test_a_server_without_a_limit_has_the_machines_memory() -> None:
    found = forecast(MIB, 4096 * MIB, [], NOON, limited=False)
    assert found.found == "1.0 MiB of the machine's 4,096.0 MiB used."
    assert "set maxmemory" in found.to_do
    assert "RELAY_RETAIN_DELIVERED" in found.to_do


@pytest.mark.parametrize(
    ("full_in", "words"),
    [(47 * HOUR, "1 d 23 h"), (48 * HOUR, "2 days"), (9.9 * DAY, "9 days"), (HOUR, "1 h")],
)
def test_how_long_is_told_in_round_numbers(full_in: timedelta, words: str) -> None:
    found = MemoryForecast(used=1, limit=100, limited=True, growth=1.0, full_in=full_in)
    assert found.warning == f"At this pace Redis is full in {words}."
