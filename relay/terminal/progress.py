"""Waiting for a person or a worker, with a line about it on standard error."""

import shutil
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Self, TextIO

from shared.domain.durations import in_words
from shared.domain.printable import printable
from shared.infrastructure.typed_commands import as_typed

_TICK = timedelta(seconds=1)
# Shows in a log that the command still waits.
_SAID_AGAIN_AFTER = timedelta(seconds=30)


class ProgressLine:
    """A line about the progress.

    On a terminal it is rewritten in place. Elsewhere a new line is printed when the text has
    changed, and every 30 seconds. `clock` gives seconds.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self._in_place = stream.isatty()
        self._said = ""
        self._said_at = 0.0

    def show(self, what: str, left: timedelta | None) -> None:
        """Show what the command waits for, and the time left if it is known."""
        what = as_typed(what)
        line = printable(what if left is None else f"{what} ({in_words(left)} left)")
        if self._in_place:
            self._rewrite(line)
        elif what != self._said or self._clock() - self._said_at >= _SAID_AGAIN_AFTER.seconds:
            self._said, self._said_at = what, self._clock()
            self._write(f"{line}\n")

    def clear(self) -> None:
        """Remove the line from a terminal."""
        if self._in_place and self._said:
            self._rewrite("")

    def _rewrite(self, line: str) -> None:
        # A line that is wider than the terminal would scroll instead of being rewritten.
        line = line[: shutil.get_terminal_size().columns - 1]
        self._write(f"\r{line}{' ' * (len(self._said) - len(line))}\r{line}")
        self._said = line

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class Waiting:
    """Waits in steps, at most `longest` in all, and shows a line meanwhile.

    `clock` and `sleep` are in seconds. As a context manager, it removes its line at the end.
    """

    def __init__(
        self,
        longest: timedelta,
        *,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._ends_at = clock() + longest.total_seconds()
        self._line = ProgressLine(stream or sys.stderr, clock)

    @property
    def left(self) -> timedelta:
        return timedelta(seconds=max(0.0, self._ends_at - self._clock()))

    @property
    def is_over(self) -> bool:
        return not self.left

    def pause(self, span: timedelta, what: str) -> None:
        """Wait for `span` or for the time left, and show `what` every second."""
        until = min(self._clock() + span.total_seconds(), self._ends_at)
        while (seconds := until - self._clock()) > 0:
            self._line.show(what, self.left)
            self._sleep(min(seconds, _TICK.total_seconds()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.clear()
