"""How a worker ends: when what it does is done, or soon, as the signals say.

Celery's own cold shutdown, its answer to SIGQUIT, cannot end threads: it only waited for them,
without having told the lanes to stop. So all signals are taken here.
"""

import logging
import os
import queue
import signal
import threading
import time
from datetime import timedelta
from types import FrameType
from typing import Any

from celery import bootsteps
from celery.platforms import EX_FAILURE, EX_OK
from celery.worker import state

from worker.runtime import WorkerRuntime

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
# How long requests under way may yet take when a worker is to end soon.
SOON = timedelta(seconds=5)


class Ending(bootsteps.StartStopStep):
    """The first signal stops the lanes: each ends with the request that it is sending, and gives
    back what else it has claimed. After SIGQUIT, or any second signal, requests have `SOON` left.

    Calls for a token have as long as they take, since the pair that one brings is nowhere else:
    lost, somebody must connect the account again.
    """

    runtime: WorkerRuntime

    @classmethod
    def of(cls, runtime: WorkerRuntime) -> "type[Ending]":
        """Return the step for Celery, which makes an instance of it by itself."""
        return type("WorkerEnding", (cls,), {"runtime": runtime})

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        # A signal may interrupt the handler of another one, which no lock would stand.
        self._heard: queue.SimpleQueue[int] = queue.SimpleQueue()
        # As nohup has SIGHUP; looked up before Celery sets handlers of its own.
        self._ignored = [each for each in SIGNALS if signal.getsignal(each) is signal.SIG_IGN]

    def start(self, parent: Any) -> None:
        """Take the signals over from Celery."""
        threading.Thread(target=self._end, name="ending", daemon=True).start()
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN if number in self._ignored else self._hear)

    def close(self, parent: Any) -> None:
        """Stop the lanes whatever it was that ended the worker."""
        self.runtime.stopping.set()

    def stop(self, parent: Any) -> None:
        """Nothing is left to do."""

    terminate = stop

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        state.should_stop = EX_OK  # type: ignore[assignment]  # which Celery's loop looks at
        self._heard.put(number)

    def _end(self) -> None:
        number = self._heard.get()
        log.info("worker stops", extra={"signal": signal.Signals(number).name})
        self.runtime.stopping.set()
        if number != signal.SIGQUIT:
            self._heard.get()
        # A daemon's sleep: this goes no further when the process has ended by then.
        time.sleep(SOON.total_seconds())
        while self.runtime.vault.wait_for_calls():
            time.sleep(SOON.total_seconds())  # for what is given back after them
        log.warning("worker ends with requests under way; their claims have to run out")
        os._exit(EX_FAILURE)
