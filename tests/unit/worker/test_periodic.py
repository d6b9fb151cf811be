"""Periodic: what a process does again and again goes on whatever happens."""

import threading
from datetime import timedelta

import pytest

from shared.domain.errors import LedgerUnavailable
from worker.upkeep.periodic import Periodic


def test_a_round_that_raises_is_followed_by_the_next_until_they_are_stopped() -> None:
    rounds: list[int] = []
    enough = threading.Event()

    def what() -> None:
        rounds.append(1)
        if len(rounds) >= 3:
            enough.set()
        raise RuntimeError("a round that fails")

    going = Periodic("rounds under test", what, every=timedelta(milliseconds=1))
    going.start()
    assert enough.wait(30)
    going.stop(within=timedelta(seconds=30))
    assert not [thread for thread in threading.enumerate() if thread.name == "rounds under test"]


def test_while_redis_is_away_a_round_logs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    twice = threading.Barrier(2)

    def what() -> None:
        twice.wait(30)
        raise LedgerUnavailable("away")

    going = Periodic("rounds under test", what, every=timedelta(milliseconds=1))
    going.start()
    for _ in range(2):  # the second round came, so the first one is over
        twice.wait(30)
    going.stop(within=timedelta(seconds=30))
    assert not caplog.records


def test_rounds_that_never_began_can_be_stopped() -> None:
    Periodic("rounds under test", lambda: None, every=timedelta(days=1)).stop(timedelta())
