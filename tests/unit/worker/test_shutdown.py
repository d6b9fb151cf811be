"""The signals that end a worker, heard whatever else its main thread waits for."""

import os
import signal
import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest
from celery.worker import state

from worker.runtime import WorkerRuntime
from worker.shutdown import SIGNALS, Ending


@pytest.fixture(autouse=True)
def unchanged(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Afterwards all signals are as they were."""
    monkeypatch.setattr(state, "should_stop", None)
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def ending(stopping: threading.Event) -> Ending:
    """Return a worker's step; `stopping` is what stops its lanes."""
    return Ending.of(cast(WorkerRuntime, SimpleNamespace(stopping=stopping)))(None)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_stops_lanes_and_celery(number: signal.Signals) -> None:
    stopping = threading.Event()
    ending(stopping).start(None)
    os.kill(os.getpid(), number)
    assert stopping.wait(timeout=30)
    assert state.should_stop == 0


def test_lanes_stop_whatever_else_ends_the_worker() -> None:
    stopping = threading.Event()
    ending(stopping).close(None)
    assert stopping.is_set()


def test_a_signal_that_was_to_be_ignored_still_is() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup starts its commands
    step = ending(threading.Event())
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as Celery sets a handler of its own
    step.start(None)
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
