"""The signals that end a worker, heard whatever else its main thread waits for."""

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from worker.delivery.shutdown import SIGNALS, Shutdown


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """All signals end a process, whatever the tests were started with, such as nohup. Afterwards
    they are as they were."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


class Worker:
    """What a shutdown stops: Celery, and the lanes."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.celery_stops = False
        self.shutdown = Shutdown(
            self.stopping, stop_celery=self.stop_celery, wait_for_token_calls=lambda: False
        )

    def stop_celery(self) -> None:
        self.celery_stops = True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_first_signal_stops_lanes_and_celery(number: signal.Signals) -> None:
    worker = Worker()
    worker.shutdown.take_signals()
    os.kill(os.getpid(), number)
    assert worker.stopping.wait(timeout=30)
    assert worker.celery_stops


def test_lanes_stop_whatever_else_ends_the_worker() -> None:
    worker = Worker()
    worker.shutdown.stop_lanes()
    assert worker.stopping.is_set()


def test_a_signal_that_was_to_be_ignored_still_is() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup starts its commands
    shutdown = Worker().shutdown
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # as Celery sets a handler of its own
    shutdown.take_signals()
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
