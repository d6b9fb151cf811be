"""Runs several processes as one: starts them, restarts those that die, and stops them all."""

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
    """One process to keep running. `ready` tells whether it works yet; `prepare` is called before
    each start, and the process then reads `input`, a few bytes."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    ready: Callable[[], bool]
    prepare: Callable[[], None] = lambda: None
    input: bytes = field(default=b"", repr=False)
    _child: "subprocess.Popen[bytes] | None" = None
    _started_at: float = 0.0
    _start_at: float = 0.0
    _pause: timedelta = field(default_factory=timedelta)

    def start(self) -> None:
        self.prepare()
        self._started_at = time.monotonic()
        # In a group of its own: Ctrl-C reaches the supervisor alone, which then stops the children
        # in order. The child's own processes end with the group.
        self._child = subprocess.Popen(  # noqa: S603 - our own commands
            self.command,
            env=self.environ,
            stdin=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,
        )
        _give(self._child, self.input)

    def died(self) -> int | None:
        """Return the exit status, once, if the process has ended by itself."""
        if self._child is None:
            return None
        status = self._child.poll()
        if status is not None:
            self._end_group(signal.SIGKILL)
            self._child = None
            self._plan_restart()
        return status

    def start_if_due(self) -> bool:
        """Start the process again after its pause. True if this call did."""
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
        """Kill the process and its group."""
        if self._child is not None:
            self._end_group(signal.SIGKILL)
            self._child.wait()
            self._child = None

    def _plan_restart(self) -> None:
        """Restart at once if it had run for a while. If it keeps dying, double the pause."""
        lived = time.monotonic() - self._started_at
        if lived >= LIVED_LONG_ENOUGH.total_seconds():
            self._pause = timedelta()
        self._start_at = time.monotonic() + self._pause.total_seconds()
        self._pause = min(LONGEST_PAUSE, self._pause * 2 or timedelta(seconds=1))

    def _end_group(self, number: signal.Signals) -> None:
        """Signal what is left of its group, such as granian's own worker processes."""
        if self._child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._child.pid, number)


class Supervisor:
    """Keeps processes running until a signal stops them."""

    def __init__(self, say: Callable[[str], None], patience: timedelta) -> None:
        """`patience`: how long a process may take to stop. After that it is killed."""
        self._say = say
        self._patience = patience
        self._groups: list[tuple[Process, ...]] = []
        self._stop_signals = 0

    def listen(self) -> None:
        """Stop at Ctrl-C and the usual signals. The second one kills."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop_once_more())

    @property
    def _processes(self) -> list[Process]:
        return [process for group in self._groups for process in group]

    @property
    def stopping(self) -> bool:
        return self._stop_signals > 0

    def start(self, *processes: Process) -> None:
        """Start a group of processes. Groups are stopped one by one, the last one first."""
        for process in processes:
            process.start()
        self._groups.append(processes)

    def wait_until_ready(self, timeout: timedelta) -> bool:
        """Wait until every process works; False if a signal came first.

        Raises `TimeoutError`, which names the processes that do not work.
        """
        deadline = time.monotonic() + timeout.total_seconds()
        while late := [process for process in self._processes if not process.ready()]:
            if self.stopping:
                return False
            if time.monotonic() > deadline:
                names = ", ".join(process.name for process in late)
                raise TimeoutError(f"{names} did not start in time. The output above may say why.")
            self._restart_dead()
        return not self.stopping

    def run(self) -> None:
        """Keep the processes running until a signal comes."""
        while not self.stopping:
            self._restart_dead()

    def stop(self) -> None:
        """Stop all processes, group by group. Kill late ones, and all at a second Ctrl-C."""
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
                    self._say(f"{process.name} did not stop in time, and is killed")
                process.kill()

    def _restart_dead(self) -> None:
        for process in self._processes:
            status = process.died()
            if status is not None:
                self._say(f"{process.name} ended ({_in_words(status)}). Starting it again")
            process.start_if_due()
        time.sleep(POLL.total_seconds())

    def _stop_once_more(self) -> None:
        self._stop_signals += 1


def _in_words(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}"


def _give(child: "subprocess.Popen[bytes]", input: bytes) -> None:
    """Have the child read `input`, and then the end. It may have died already."""
    assert child.stdin is not None  # noqa: S101 - it is a pipe
    with contextlib.suppress(BrokenPipeError), child.stdin as stream:
        stream.write(input)


def _die_with_parent() -> None:
    """Linux: send this process SIGTERM when the supervisor is killed."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
