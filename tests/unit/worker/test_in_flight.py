"""What a process has in flight: since when, and whether one lane is alone with its sign-up."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from worker.delivery.in_flight import InFlight

LONG = 30.0  # never waited for in full


def test_two_suspects_are_never_alone_together() -> None:
    in_flight = InFlight(lambda: 0.0)
    assert in_flight.take("one", "s1", alone=True, patience=0)
    assert not in_flight.take("two", "s2", alone=True, patience=0)
    in_flight.leave("one")
    assert in_flight.take("two", "s2", alone=True, patience=0)


def test_who_cannot_be_alone_in_time_lets_the_others_go_on() -> None:
    in_flight = InFlight(lambda: 0.0)
    assert in_flight.take("one", "s1", alone=False, patience=0)
    assert not in_flight.take("two", "s2", alone=True, patience=0)
    assert in_flight.take("three", "s3", alone=False, patience=0)


def test_what_is_taken_again_starts_its_time_anew() -> None:
    now = [0.0]
    in_flight = InFlight(lambda: now[0])
    in_flight.take("one", "s1", alone=False, patience=0)
    now[0] = 10.0
    assert in_flight.longer_than(9) == ["s1"]
    in_flight.take("one", "s1", alone=False, patience=0)
    assert in_flight.longer_than(9) == []


@pytest.mark.parametrize(("seconds", "expected"), [(9.9, ["s1"]), (10.0, [])])
def test_only_what_is_in_flight_for_longer_is_named(seconds: float, expected: list[str]) -> None:
    now = [0.0]
    in_flight = InFlight(lambda: now[0])
    in_flight.take("one", "s1", alone=False, patience=0)
    now[0] = 10.0
    assert in_flight.longer_than(seconds) == expected


def test_a_lane_that_is_alone_may_take_its_signup_again() -> None:
    in_flight = InFlight(lambda: 0.0)
    assert in_flight.take("one", "s1", alone=True, patience=0)
    assert in_flight.take("one", "s1", alone=True, patience=0)
    assert not in_flight.take("two", "s2", alone=False, patience=0)


def test_a_suspect_is_alone_as_soon_as_the_last_of_the_others_leaves() -> None:
    in_flight = InFlight(lambda: 0.0)
    in_flight.take("one", "s1", alone=False, patience=0)
    with ThreadPoolExecutor() as threads:
        alone = threads.submit(in_flight.take, "two", "s2", alone=True, patience=LONG)
        in_flight.leave("one")
        assert alone.result()
    assert in_flight.longer_than(-1) == ["s2"]


def test_whoever_leaves_does_not_end_that_another_is_alone() -> None:
    in_flight = InFlight(lambda: 0.0)
    in_flight.take("one", "s1", alone=True, patience=0)
    in_flight.leave("two")
    assert not in_flight.take("two", "s2", alone=False, patience=0)


def test_who_waits_until_nobody_is_alone_goes_on_then() -> None:
    in_flight = InFlight(lambda: 0.0)
    in_flight.wait_until_nobody_is_alone(LONG)
    in_flight.take("one", "s1", alone=True, patience=0)
    in_flight.wait_until_nobody_is_alone(0)
    with ThreadPoolExecutor() as threads:
        waited = threads.submit(in_flight.wait_until_nobody_is_alone, LONG)
        in_flight.leave("one")
        waited.result()


def test_who_waits_for_the_others_does_not_wait_for_the_signups_named() -> None:
    in_flight = InFlight(lambda: 0.0)
    in_flight.take("one", "s1", alone=False, patience=0)
    in_flight.wait_for_the_others(["s1"], LONG)
    in_flight.take("two", "s2", alone=False, patience=0)
    in_flight.wait_for_the_others(["s1"], 0)
    with ThreadPoolExecutor() as threads:
        waited = threads.submit(in_flight.wait_for_the_others, ["s1"], LONG)
        in_flight.leave("two")
        waited.result()
    assert in_flight.longer_than(-1) == ["s1"]
