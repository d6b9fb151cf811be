"""Looking together: none stops or delays another, and none is waited for longer than told."""

import logging
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest

from shared.doctor.looking import Look, look_together
from shared.domain.check import Check, Verdict, ok
from shared.domain.errors import LedgerUnavailable

SOON, LONG = timedelta(seconds=0.2), timedelta(seconds=30)


def seen(*names: str) -> Iterator[Check]:
    for name in names:
        yield ok(name, name, "Seen.")


def fails(error: Exception) -> Iterator[Check]:
    yield from seen("before")
    raise error


@pytest.fixture
def stuck() -> Iterator[threading.Event]:
    """What a look hangs on until the test is over."""
    release = threading.Event()
    yield release
    release.set()


def test_checks_come_in_the_order_of_the_looks_whichever_is_done_first() -> None:
    second_is_done = threading.Event()

    def first() -> Iterator[Check]:
        assert second_is_done.wait(10)
        return seen("1a", "1b")

    def second() -> Iterator[Check]:
        second_is_done.set()
        return seen("2")

    looks = [Look("1", "First", first), Look("2", "Second", second)]
    assert [check.name for check in look_together(looks, LONG)] == ["1a", "1b", "2"]


def test_what_cannot_be_looked_at_is_unknown_with_its_cause() -> None:
    failing = Look("a", "A", lambda: fails(LedgerUnavailable("Redis: TimeoutError")), "acme")
    checks = look_together([failing, Look("b", "B", lambda: seen("b"))], LONG)
    assert [(check.name, check.verdict) for check in checks] == [
        ("a", Verdict.UNKNOWN),
        ("b", Verdict.OK),
    ]
    assert checks[0].found == "Redis: TimeoutError." and checks[0].account == "acme"


def test_a_check_that_is_broken_stops_no_other_and_shows_nothing_of_what_it_saw(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = Look("a", "A", lambda: fails(KeyError("ada@example.com")))
    with caplog.at_level(logging.ERROR):
        first, second = look_together([broken, Look("b", "B", lambda: seen("b"))], LONG)
    assert (first.verdict, second.verdict) == (Verdict.UNKNOWN, Verdict.OK)
    assert "KeyError" in first.found and "ada@" not in first.found
    assert [record.getMessage() for record in caplog.records] == ["a check failed"]
    assert "ada@" not in str(vars(caplog.records[0]))


def test_one_that_hangs_is_unknown_and_the_others_are_told(stuck: threading.Event) -> None:
    def hang() -> Iterator[Check]:
        stuck.wait(60)
        return seen("never")

    began = time.monotonic()
    checks = look_together([Look("a", "A", hang), Look("b", "B", lambda: seen("b"))], SOON)
    assert time.monotonic() - began < 10
    assert [(check.name, check.verdict) for check in checks] == [
        ("a", Verdict.UNKNOWN),
        ("b", Verdict.OK),
    ]
    assert "0.2 s" in checks[0].found


def test_those_that_had_no_turn_are_unknown_and_are_not_begun_later(
    stuck: threading.Event,
) -> None:
    begun = []

    def hang(name: str) -> Iterator[Check]:
        begun.append(name)
        stuck.wait(60)
        return seen(name)

    looks = [Look(str(n), str(n), lambda n=n: hang(str(n))) for n in range(20)]  # type: ignore[misc]
    checks = look_together(looks, SOON)
    assert len(checks) == 20
    assert {check.verdict for check in checks} == {Verdict.UNKNOWN}
    stuck.set()
    threads = [each for each in threading.enumerate() if each.name.startswith("doctor")]
    for thread in threads:
        thread.join(10)
    assert len(begun) < 20
