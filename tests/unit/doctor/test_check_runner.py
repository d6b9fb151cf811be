"""Checks that run together: none stops or delays another, and none takes longer than allowed."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.doctor.check_runner import CheckTask, run_together
from shared.domain.check import Check, CheckResult, CheckSubject
from shared.domain.errors import LedgerUnavailable

SOON, LONG = timedelta(seconds=0.2), timedelta(seconds=30)


def checked(*names: str) -> Iterator[Check]:
    for name in names:
        yield CheckSubject(name, name).ok("Seen.")


B = CheckTask(CheckSubject("b", "B"), lambda: checked("b"))


def fails(error: Exception) -> Iterator[Check]:
    yield from checked("before")
    raise error


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """Blocks a check until the test is over."""
    release = threading.Event()
    yield release
    release.set()


def test_results_come_in_the_order_of_the_tasks() -> None:
    second_is_done = threading.Event()

    def first() -> Iterator[Check]:
        assert second_is_done.wait(10)
        return checked("1a", "1b")

    def second() -> Iterator[Check]:
        second_is_done.set()
        return checked("2")

    tasks = [
        CheckTask(CheckSubject("1", "First"), first),
        CheckTask(CheckSubject("2", "Second"), second),
    ]
    assert [check.name for check in run_together(tasks, LONG)] == ["1a", "1b", "2"]


def test_what_cannot_be_checked_is_unknown_with_its_cause() -> None:
    failing = CheckTask(
        CheckSubject("a", "A", "acme"), lambda: fails(LedgerUnavailable("Redis: TimeoutError"))
    )
    checks = run_together([failing, B], LONG)
    assert [(check.name, check.verdict) for check in checks] == [
        ("a", CheckResult.UNKNOWN),
        ("b", CheckResult.OK),
    ]
    assert checks[0].found == "Redis: TimeoutError." and checks[0].account == "acme"


def test_a_check_that_is_broken_stops_no_other_and_shows_nothing_that_it_read(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = CheckTask(CheckSubject("a", "A"), lambda: fails(KeyError("ada@example.com")))
    with caplog.at_level(logging.ERROR):
        first, second = run_together([broken, B], LONG)
    assert (first.verdict, second.verdict) == (CheckResult.UNKNOWN, CheckResult.OK)
    assert "KeyError" in first.found and "ada@" not in first.found
    assert [record.getMessage() for record in caplog.records] == ["a check failed"]
    assert "ada@" not in str(vars(caplog.records[0]))


def test_a_task_that_hangs_is_unknown_and_the_others_are_reported(stuck: threading.Event) -> None:
    def hang() -> Iterator[Check]:
        stuck.wait(60)
        return checked("never")

    began = time.monotonic()
    checks = run_together(
        [
            CheckTask(CheckSubject("a", "A"), hang),
            CheckTask(CheckSubject("b", "B"), lambda: checked("b")),
        ],
        SOON,
    )
    assert time.monotonic() - began < 10
    assert [(check.name, check.verdict) for check in checks] == [
        ("a", CheckResult.UNKNOWN),
        ("b", CheckResult.OK),
    ]
    assert "0.2 s" in checks[0].found


def test_tasks_without_a_turn_are_unknown_and_never_begin(
    stuck: threading.Event,
) -> None:
    begun = []

    def hang(name: str) -> Iterator[Check]:
        begun.append(name)
        stuck.wait(60)
        return checked(name)

    tasks = [CheckTask(CheckSubject(str(n), str(n)), lambda n=n: hang(str(n))) for n in range(20)]  # type: ignore[misc]
    checks = run_together(tasks, SOON)
    assert len(checks) == 20
    assert {check.verdict for check in checks} == {CheckResult.UNKNOWN}
    stuck.set()
    threads = [each for each in threading.enumerate() if each.name.startswith("doctor")]
    for thread in threads:
        thread.join(10)
    assert len(begun) < 20
