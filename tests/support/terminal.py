"""A terminal with somebody at it: a `relay` command runs in it, is read, and is answered."""

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Self

END_SECONDS = 10


class Terminal:
    """Runs `relay` with `command` in a pseudo-terminal, from ``with`` to its end."""

    def __init__(self, environ: Mapping[str, str], *command: str) -> None:
        self.printed = ""
        self._read_to = 0
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "relay", *command],
            env={**environ, "TERM": "xterm", "COLUMNS": "100"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def read_until(self, text: str, *, within: float = 30) -> str:
        """Wait until `text` is printed; return all from where the last one ended up to it."""
        deadline = time.monotonic() + within
        while text not in self.printed[self._read_to :]:
            assert time.monotonic() < deadline, f"{text!r} was not printed: {self.printed}"
            if not self._read(deadline - time.monotonic()):
                raise AssertionError(f"it ended without {text!r}: {self.printed}")
        begun, self._read_to = self._read_to, self.printed.index(text, self._read_to) + len(text)
        return self.printed[begun : self._read_to]

    def answer(self, line: str) -> None:
        self.press(f"{line}\n")

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self._process.send_signal(signal.SIGINT)

    def end(self, *, within: float = 30) -> int:
        """Wait for the command's end; return its exit status."""
        deadline = time.monotonic() + within
        while self._read(deadline - time.monotonic()):
            assert time.monotonic() < deadline, f"it did not end: {self.printed}"
        return self._process.wait(timeout=END_SECONDS)

    def _read(self, seconds: float) -> bool:
        """Read what is there, waiting for some; False once there will be no more."""
        readable, _, _ = select.select([self._ours], [], [], max(0.0, seconds))
        if not readable:
            return True
        try:
            found = os.read(self._ours, 65536)
        except OSError:  # how Linux says that nobody has the other side open any more
            return False
        self.printed += found.decode(errors="replace").replace("\r\n", "\n")
        return bool(found)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(timeout=END_SECONDS)
        os.close(self._ours)
