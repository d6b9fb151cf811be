"""Waiting: how long, and what the line says meanwhile."""

import io
from datetime import timedelta

import pytest

from relay.terminal.progress import ProgressLine, Waiting

MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that goes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Screen(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock() -> Clock:
    return Clock()


def waiting(clock: Clock, longest: timedelta, stream: io.StringIO | None = None) -> Waiting:
    return Waiting(longest, stream=stream or io.StringIO(), clock=clock, sleep=clock.sleep)


def test_a_pause_is_as_long_as_asked_for_in_pieces_of_a_second(clock: Clock) -> None:
    waiting(clock, MINUTE).pause(timedelta(seconds=2.5), "it")
    assert clock.slept == [1, 1, 0.5]


def test_a_pause_ends_when_the_time_is_over(clock: Clock) -> None:
    short = waiting(clock, timedelta(seconds=1.5))
    assert not short.is_over
    short.pause(MINUTE, "it")
    assert clock.slept == [1, 0.5]
    assert short.is_over
    assert short.left == timedelta()


def test_in_a_log_a_line_is_said_when_it_is_new_and_every_half_minute(clock: Clock) -> None:
    log = io.StringIO()
    patient = waiting(clock, 10 * MINUTE, log)
    patient.pause(timedelta(seconds=45), "Waiting")
    patient.pause(timedelta(seconds=5), "Trying again")
    assert log.getvalue().splitlines() == [
        "Waiting (10 min left)",
        "Waiting (9 min 30 s left)",
        "Trying again (9 min 15 s left)",
    ]


def test_on_a_terminal_a_line_takes_the_place_of_the_one_before(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = Screen()
    with waiting(clock, MINUTE, screen) as patient:
        patient.pause(timedelta(seconds=1), "Waiting for it")
        patient.pause(timedelta(seconds=1), "Done")
    assert "\n" not in screen.getvalue()
    assert [line.strip() for line in screen.getvalue().split("\r") if line.strip()] == [
        "Waiting for it (1 min left)",
        "Waiting for it (1 min left)",
        "Done (59 s left)",
        "Done (59 s left)",
    ]
    assert shown(screen.getvalue()).strip() == ""


def test_a_line_is_never_wider_than_the_terminal(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    screen = Screen()
    ProgressLine(screen, clock).show("Waiting until the code is entered", MINUTE)
    assert shown(screen.getvalue()) == "Waiting until the c"


def test_what_a_server_says_does_not_speak_to_the_terminal(clock: Clock) -> None:
    log = io.StringIO()
    ProgressLine(log, clock).show("No answer: \x1b[2J", MINUTE)
    assert "\x1b" not in log.getvalue()


def shown(written: str) -> str:
    """Return what a terminal's line shows after all that was written to it."""
    line: list[str] = []
    at = 0
    for letter in written:
        if letter == "\r":
            at = 0
            continue
        line[at : at + 1] = letter
        at += 1
    return "".join(line)
