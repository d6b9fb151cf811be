"""Runs checks side by side, each on its own thread, so that none stops or delays another."""

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import ParamSpec

from shared.domain.check import Check, CheckSubject
from shared.domain.errors import RelayError
from shared.infrastructure.logs import redacted_start

log = logging.getLogger(__name__)

P = ParamSpec("P")

_THREADS = 8


@dataclass(frozen=True, slots=True)
class CheckTask:
    """One check, or several that read the same.

    `run` raises a `RelayError` if it cannot read what it checks. The result is then an unknown
    of `subject`.
    """

    subject: CheckSubject
    run: Callable[[], Check | Iterable[Check]]


def task(
    subject: CheckSubject,
    check: Callable[P, Check | Iterable[Check]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> CheckTask:
    """Return the task to call `check` with these arguments."""
    return CheckTask(subject, partial(check, *args, **kwargs))


def run_together(tasks: Sequence[CheckTask], within: timedelta) -> list[Check]:
    """Return the results of all tasks in their order; unknown for a task that takes longer."""
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="doctor")
    running = [pool.submit(_run, task) for task in tasks]
    wait(running, timeout=within.total_seconds())
    # Tasks that have begun continue: one may be about to store tokens that nobody else has. The
    # process does not end before them, and each has a deadline of its own.
    pool.shutdown(wait=False, cancel_futures=True)
    return [
        check
        for task, future in zip(tasks, running, strict=True)
        for check in _results(task, future, within)
    ]


def _run(task: CheckTask) -> list[Check]:
    found = task.run()
    return [found] if isinstance(found, Check) else list(found)


def _results(task: CheckTask, future: "Future[list[Check]]", within: timedelta) -> list[Check]:
    if future.cancelled() or not future.done():
        return [task.subject.unknown(f"The check took longer than {within.total_seconds():g} s.")]
    match future.exception():
        case None:
            return future.result()
        case RelayError() as error:
            return [task.subject.unknown(f"{error}".rstrip(".") + ".")]
        case error:
            kind, cause = type(error).__name__, redacted_start(repr(error), 500)
            log.error("a check failed", extra={"check": task.subject.name, "cause": cause})
            return [task.subject.unknown(f"The check itself failed ({kind}).")]
