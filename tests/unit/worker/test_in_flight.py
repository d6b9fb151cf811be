"""What a process has in flight: since when, and whether one lane is alone with its sign-up."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from shared.ledger.processes import SentSignup
from tests.support.hand_set_clock import HandSetClock
from worker.delivery.in_flight import InFlight

LONG = 30.0  # never waited for in full
SOON = 10.0  # what a busy machine may need for a moment's work


class Watched(threading.Condition):
    """A condition that knows how often a thread began to wait, and how often all were woken."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = 0
        self.wakings = 0
        self._began = threading.Semaphore(0)

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        self._began.release()
        return super().wait(timeout)

    def notify_all(self) -> None:
        self.wakings += 1
        super().notify_all()

    def until_a_thread_waits(self) -> None:
        assert self._began.acquire(timeout=SOON)


class InFlightUnderTest(InFlight):
    """One whose time only the test moves, and whose waits the test sees."""

    def __init__(self) -> None:
        super().__init__(lambda: self.now)
        self.now = 0.0
        self._changed = self.changed = Watched()

    def takes(self, lane: str, signup: str, *, alone: bool = False) -> bool:
        return self.take(lane, signup, alone=alone, patience=0)

    @property
    def all(self) -> list[str]:
        return self.longer_than(-1)


@pytest.fixture
def in_flight() -> InFlightUnderTest:
    return InFlightUnderTest()


# --- alone


def test_two_suspects_are_never_alone_together(in_flight: InFlightUnderTest) -> None:
    assert in_flight.takes("one", "s1", alone=True) is True
    assert in_flight.takes("two", "s2", alone=True) is False
    in_flight.leave("one")
    assert in_flight.takes("two", "s2", alone=True) is True


def test_who_cannot_be_alone_in_time_lets_the_others_go_on(in_flight: InFlightUnderTest) -> None:
    assert in_flight.takes("one", "s1") is True
    assert in_flight.takes("two", "s2", alone=True) is False
    assert in_flight.changed.waits == 1
    assert in_flight.changed.wakings == 1
    assert in_flight.takes("three", "s3") is True
    assert in_flight.all == ["s1", "s3"]


def test_a_lane_that_is_alone_may_take_its_signup_again(in_flight: InFlightUnderTest) -> None:
    assert in_flight.takes("one", "s1", alone=True)
    assert in_flight.takes("one", "s1", alone=True)
    assert in_flight.takes("one", "s1")
    assert not in_flight.takes("two", "s2")


def test_a_lane_does_not_wait_for_itself_to_be_alone(in_flight: InFlightUnderTest) -> None:
    assert in_flight.takes("one", "s1")
    assert in_flight.takes("one", "s1", alone=True)
    assert in_flight.changed.waits == 0


def test_a_suspect_is_alone_as_soon_as_the_last_of_the_others_leaves(
    in_flight: InFlightUnderTest,
) -> None:
    in_flight.takes("one", "s1")
    in_flight.takes("two", "s2")
    with ThreadPoolExecutor() as threads:
        alone = threads.submit(in_flight.take, "three", "s3", alone=True, patience=LONG)
        in_flight.changed.until_a_thread_waits()
        in_flight.leave("one")
        in_flight.changed.until_a_thread_waits()
        assert in_flight.all == ["s2"]
        in_flight.leave("two")
        assert alone.result(SOON) is True
    assert in_flight.all == ["s3"]


def test_nobody_is_let_in_while_a_suspect_waits_to_be_alone_and_while_it_is(
    in_flight: InFlightUnderTest,
) -> None:
    in_flight.takes("one", "s1")
    with ThreadPoolExecutor() as threads:
        alone = threads.submit(in_flight.take, "two", "s2", alone=True, patience=LONG)
        in_flight.changed.until_a_thread_waits()
        assert not in_flight.takes("three", "s3")
        assert not in_flight.takes("one", "s1 again")
        in_flight.leave("one")
        assert alone.result(SOON)
    assert not in_flight.takes("three", "s3")
    in_flight.leave("two")
    assert in_flight.takes("three", "s3")


def test_whoever_leaves_does_not_end_that_another_is_alone(in_flight: InFlightUnderTest) -> None:
    in_flight.takes("one", "s1", alone=True)
    in_flight.leave("two")
    assert not in_flight.takes("two", "s2")


def test_who_waits_until_nobody_is_alone_goes_on_then(in_flight: InFlightUnderTest) -> None:
    in_flight.takes("one", "s1", alone=True)
    with ThreadPoolExecutor() as threads:
        waited = threads.submit(in_flight.wait_until_nobody_is_alone, LONG)
        in_flight.changed.until_a_thread_waits()
        in_flight.leave("one")
        waited.result(SOON)


def test_the_wait_until_nobody_is_alone_has_an_end(in_flight: InFlightUnderTest) -> None:
    in_flight.takes("one", "s1", alone=True)
    in_flight.wait_until_nobody_is_alone(0)
    assert in_flight.changed.waits == 1


def test_nobody_waits_where_none_is_alone(in_flight: InFlightUnderTest) -> None:
    in_flight.takes("one", "s1")
    in_flight.wait_until_nobody_is_alone(0)
    assert in_flight.changed.waits == 0


# --- the others


@pytest.mark.parametrize(
    ("signups", "waits"),
    [
        pytest.param(["s1", "s2"], 0, id="all of them"),
        pytest.param(["s1"], 1, id="one of them"),
        pytest.param(["s3"], 1, id="another"),
        pytest.param([], 1, id="none"),
    ],
)
def test_who_waits_for_the_others_does_not_wait_for_the_signups_named(
    in_flight: InFlightUnderTest, signups: list[str], waits: int
) -> None:
    in_flight.takes("one", "s1")
    in_flight.takes("two", "s2")
    in_flight.wait_for_the_others(signups, 0)
    assert in_flight.changed.waits == waits


def test_who_waits_for_the_others_goes_on_when_they_have_left(in_flight: InFlightUnderTest) -> None:
    in_flight.takes("one", "s1")
    in_flight.takes("two", "s2")
    with ThreadPoolExecutor() as threads:
        waited = threads.submit(in_flight.wait_for_the_others, ["s1"], LONG)
        in_flight.changed.until_a_thread_waits()
        in_flight.leave("two")
        waited.result(SOON)
    assert in_flight.all == ["s1"]


# --- since when


def test_a_process_begins_with_nothing_in_flight() -> None:
    assert InFlight(lambda: 0.0).longer_than(-1) == []


def test_what_is_taken_again_starts_its_time_anew(in_flight: InFlightUnderTest) -> None:
    in_flight.takes("one", "s1")
    in_flight.now = 10.0
    assert in_flight.longer_than(9) == ["s1"]
    in_flight.takes("one", "s1")
    assert in_flight.longer_than(9) == []


@pytest.mark.parametrize(("seconds", "expected"), [(9.9, ["s1"]), (10.0, [])])
def test_only_what_is_in_flight_for_longer_is_named(
    in_flight: InFlightUnderTest, seconds: float, expected: list[str]
) -> None:
    in_flight.takes("one", "s1")
    in_flight.now = 5.0
    in_flight.takes("two", "s2")
    in_flight.now = 10.0
    assert in_flight.longer_than(seconds) == expected


def test_what_is_in_flight_is_told_with_its_account_the_longest_first() -> None:
    clock = HandSetClock()
    in_flight = InFlight(clock)
    in_flight.take("one", "s1", account="acme", alone=False, patience=0)
    clock.now = 5
    in_flight.take("two", "s2", account="books", alone=False, patience=0)
    clock.now = 7
    assert in_flight.sent() == [
        SentSignup("acme", "s1", timedelta(seconds=7)),
        SentSignup("books", "s2", timedelta(seconds=2)),
    ]
    in_flight.leave("one")
    assert [each.id for each in in_flight.sent()] == ["s2"]
