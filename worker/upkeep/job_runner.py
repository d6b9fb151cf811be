"""Goes on with the jobs that discard many sign-ups, undo that, or collect those to send."""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from shared.operations.job_steps import JobSteps

LOOK_EVERY = timedelta(milliseconds=250)
# Between two steps, so that other calls of Redis hardly wait.
PAUSE = timedelta(milliseconds=2)
# Jobs take turns, so that a small one does not wait for a large one.
TURN = timedelta(seconds=2)


@dataclass(eq=False)
class JobRunner:
    """Runs in every worker, for what its poller has found. All may go on with the same job: each
    step is done once."""

    steps: JobSteps
    stopping: threading.Event
    clock: Callable[[], float] = time.monotonic
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    # In the order in which they began.
    _found: dict[tuple[str, str], None] = field(default_factory=dict, init=False)

    def note(self, account: str, jobs: Iterable[str]) -> None:
        """Note that the account's part of these jobs has something to go through."""
        with self._lock:
            self._found.update(dict.fromkeys((account, job) for job in jobs))

    def look(self) -> None:
        """Give each job that was found a turn."""
        with self._lock:
            found = list(self._found)
        for account, job in found:
            until = self.clock() + TURN.total_seconds()
            if self.steps.go_on(account, job, enough=partial(self._is_enough, until)):
                self._forget(account, job)

    def _is_enough(self, until: float) -> bool:
        return self.stopping.wait(PAUSE.total_seconds()) or self.clock() >= until

    def _forget(self, account: str, job: str) -> None:
        with self._lock:
            self._found.pop((account, job), None)
