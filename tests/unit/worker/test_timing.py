"""Slots: a request starts when its slot has begun for certain, or not at all."""

import pytest

from tests.support.builders import NOON
from worker.delivery.timing import Clock, PaceSlot, RoundTrip


class Host:
    """A clock that only sleeping moves, by as much as asked and `late` more."""

    def __init__(self, late: float = 0.0) -> None:
        self.seconds = 100.0
        self.late = late

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds + self.late

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: NOON, monotonic=lambda: self.seconds, sleep=self.sleep, jitter=lambda: 0.0
        )


def test_a_slot_is_waited_for_until_its_latest_beginning() -> None:
    host = Host()
    assert PaceSlot(100.495, 100.5).wait(host.clock)
    assert host.seconds == 100.5


@pytest.mark.parametrize(("earliest", "in_time"), [(99.995, True), (99.98, False)])
def test_a_slot_that_has_begun_is_used_at_once_or_not_at_all(
    earliest: float, in_time: bool
) -> None:
    host = Host()
    assert PaceSlot(earliest, 99.999).wait(host.clock) is in_time
    assert host.seconds == 100.0


def test_whoever_wakes_late_has_missed_the_slot() -> None:
    assert not PaceSlot(100.5, 100.5).wait(Host(late=0.02).clock)


def test_a_slot_begins_half_a_round_trip_after_the_question_or_before_the_answer() -> None:
    slot = RoundTrip().slot(asked_at=10.0, answered_at=10.2, start_in=1.0)
    assert (slot.earliest, slot.latest) == pytest.approx((11.1, 11.1))


def test_the_shortest_round_trip_tells_how_far_away_the_ledger_is() -> None:
    way = RoundTrip()
    way.slot(0.0, 0.1, 0.0)
    slot = way.slot(asked_at=10.0, answered_at=12.0, start_in=1.0)  # the ledger stalled
    assert (slot.earliest, slot.latest) == pytest.approx((11.0525, 12.9475))


def test_a_round_trip_that_stalled_is_not_expected_again() -> None:
    way = RoundTrip()
    assert way.expected == 0.0
    way.slot(0.0, 0.1, 0.0)
    assert way.expected == pytest.approx(0.1)
    way.slot(0.0, 5.0, 0.0)
    assert way.expected == pytest.approx(2 * 0.105 + 0.01)
