"""A worker in which sending hangs ends, so that a new one can take its place."""

import threading
from datetime import timedelta

import pytest

from worker.delivery.hang_detector import HangDetector
from worker.delivery.in_flight import InFlight


@pytest.mark.parametrize(("seconds", "expected"), [(359, []), (361, [["s1"]])])
def test_a_worker_in_which_one_hangs_ends_when_the_others_have(
    seconds: float, expected: list[list[str]]
) -> None:
    now = [0.0]
    in_flight = InFlight(lambda: now[0])
    in_flight.take("hangs", "s1", alone=False, patience=0)
    now[0] = seconds
    in_flight.take("sends", "s2", alone=False, patience=0)
    at_the_end: list[list[str]] = []
    HangDetector(
        in_flight,
        lease=timedelta(seconds=60),
        stop_lanes=threading.Timer(0.05, in_flight.leave, ["sends"]).start,
        end=lambda _: at_the_end.append(in_flight.longer_than(-1)),
    ).check()
    assert at_the_end == expected
