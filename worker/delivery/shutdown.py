"""How a worker ends: when its requests are done, or soon, as the signals say.

Celery's own cold shutdown, its answer to SIGQUIT, cannot end threads: it only waited for them,
without having told the lanes to stop. So all signals are taken here.
"""

import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import FrameType

from worker.delivery.hang_detector import EXIT_STATUS

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
# How long requests under way may still take when a worker must end soon.
SOON = timedelta(seconds=5)


class Shutdown:
    """Ends the worker. The first signal stops the lanes: each finishes the request that it is
    sending, and releases what else it has claimed. After SIGQUIT, or any second signal, requests
    have `SOON` left.

    Calls for a token may take as long as they need: the pair that one brings is nowhere else. If
    it were lost, somebody would have to connect the account again. `wait_for_token_calls` waits
    for them, and returns whether there were any. `stop_celery` must be safe in a signal handler.
    """

    def __init__(
        self,
        stopping: threading.Event,
        *,
        stop_celery: Callable[[], None],
        wait_for_token_calls: Callable[[], bool],
    ) -> None:
        self._stopping = stopping
        self._stop_celery = stop_celery
        self._wait_for_token_calls = wait_for_token_calls
        # A signal may interrupt the handler of another one, which no lock would survive.
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        # As nohup has SIGHUP; looked up before Celery sets handlers of its own.
        self._ignored = [each for each in SIGNALS if signal.getsignal(each) is signal.SIG_IGN]

    def take_signals(self) -> None:
        """Take the signals over from Celery."""
        threading.Thread(target=self._end, name="shutdown", daemon=True).start()
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN if number in self._ignored else self._hear)

    def stop_lanes(self) -> None:
        """Stop the lanes, whatever ended the worker."""
        self._stopping.set()

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._stop_celery()
        self._heard.put(number)

    def _end(self) -> None:
        number = self._heard.get()
        log.info("worker stops", extra={"signal": signal.Signals(number).name})
        self.stop_lanes()
        if number != signal.SIGQUIT:
            self._heard.get()
        # A daemon's sleep: this goes no further when the process has ended by then.
        time.sleep(SOON.total_seconds())
        while self._wait_for_token_calls():
            time.sleep(SOON.total_seconds())  # for what is released after them
        log.warning("worker ends with requests under way; their claims have to run out")
        os._exit(EXIT_STATUS)
