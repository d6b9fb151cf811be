"""Runs several processes as one: starts them, starts again what dies, and leaves none behind."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

POLL = timedelta(milliseconds=100)
LIVED_LONG_ENOUGH = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(seconds=10)
_PR_SET_PDEATHSIG = 1


@dataclass(slots=True)
class Process:
    """One process to keep running. `ready` tells whether it does its work yet."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    ready: Callable[[], bool]
    _child: "subprocess.Popen[bytes] | None" = None
    _started_at: float = 0.0
    _start_at: float = 0.0
    _pause: timedelta = field(default_factory=timedelta)

    def start(self) -> None:
        self._started_at = time.monotonic()
        # A group of its own: Ctrl-C reaches the supervisor alone, which then ends the children
        # in their order; and what a child leaves behind can be ended with it.
        self._child = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )

    def died(self) -> int | None:
        """Return the exit status when it has ended by itself, once."""
        if self._child is None:
            return None
        status = self._child.poll()
        if status is not None:
            self._end_group(signal.SIGKILL)
            self._child = None
            self._plan_restart()
        return status

    def start_if_due(self) -> bool:
        """Start it again after its pause; True when that happened just now."""
        if self._child is not None or time.monotonic() < self._start_at:
            return False
        self.start()
        return True

    def ask_to_stop(self) -> None:
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError):
                self._child.terminate()

    def has_ended(self) -> bool:
        return self._child is None or self._child.poll() is not None

    def kill(self) -> None:
        """End whatever is left of it."""
        if self._child is not None:
            self._end_group(signal.SIGKILL)
            self._child.wait()
            self._child = None

    def _plan_restart(self) -> None:
        """Start at once what had run for a while; wait longer and longer for what keeps dying."""
        lived = time.monotonic() - self._started_at
        if lived >= LIVED_LONG_ENOUGH.total_seconds():
            self._pause = timedelta()
        self._start_at = time.monotonic() + self._pause.total_seconds()
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or timedelta(seconds=1))

    def _end_group(self, number: signal.Signals) -> None:
        """End what is left of its group, such as granian's own worker processes."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


class Supervisor:
    """Keeps processes running until it is told to stop."""

    def __init__(self, say: Callable[[str], None], patience: timedelta) -> None:
        """`patience`: how long a process may take to stop before it is killed."""
        self._say = say
        self._patience = patience
        self._groups: list[tuple[Process, ...]] = []
        self._stop_signals = 0

    def listen(self) -> None:
        """Stop on Ctrl-C and on the usual signals; kill at the second one."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop_once_more())

    @property
    def _processes(self) -> list[Process]:
        return [process for group in self._groups for process in group]

    @property
    def stopping(self) -> bool:
        return self._stop_signals > 0

    def start(self, *processes: Process) -> None:
        """Start processes that are also stopped together; the last such group is stopped first."""
        for process in processes:
            process.start()
        self._groups.append(processes)

    def wait_until_ready(self, timeout: timedelta) -> bool:
        """Wait until every process started so far does its work; False when told to stop first.

        Raises `TimeoutError`, naming those that do not.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        while late := [process for process in self._processes if not process.ready()]:
            if self.stopping:
                return False
            if time.monotonic() > deadline:
                names = ", ".join(process.name for process in late)
                raise TimeoutError(f"{names} did not become ready; what it said is above")
            self._look_after()
        return not self.stopping

    def run(self) -> None:
        """Look after the processes until told to stop."""
        while not self.stopping:
            self._look_after()

    def stop(self) -> None:
        """Stop all processes, group by group; kill what takes too long, or at a second Ctrl-C."""
        signals_before = self._stop_signals
        while self._groups:
            group = self._groups.pop()
            for process in group:
                process.ask_to_stop()
            deadline = time.monotonic() + self._patience.total_seconds()
            while not all(process.has_ended() for process in group):
                if time.monotonic() > deadline or self._stop_signals > signals_before:
                    break
                time.sleep(POLL.total_seconds())
            for process in group:
                if not process.has_ended():
                    self._say(f"{process.name} did not stop in time and is killed")
                process.kill()

    def _look_after(self) -> None:
        for process in self._processes:
            status = process.died()
            if status is not None:
                self._say(f"{process.name} ended ({_in_words(status)}); starting it again")
            process.start_if_due()
        time.sleep(POLL.total_seconds())

    def _stop_once_more(self) -> None:
        self._stop_signals += 1


def _in_words(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def _die_with_parent() -> None:
    """Linux: have this process told to stop when the supervisor itself is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
