"""Reading the body of a request whole, within limits, before anything else is spent on it.

Bodies are read in the event loop. So a silent, slow or broken one costs a stranger a connection,
and us a little memory: no thread, and no visitor, waits for it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

Receive = Callable[[], Awaitable[dict[str, Any]]]
_Task = asyncio.Task[Any]

_OVER = float("-inf")  # in place of the deadline of a task that was ended for it

# For the whole body. So the largest one needs a line of at least 6.4 KiB a second.
BODY_SECONDS = 10.0
# Of one network, in one process. Of more, the oldest get less time: honest bodies come soon.
MOST_UNFINISHED = 100
CROWDED_SECONDS = 2.0
# A browser shows an answer only after it has sent everything. So this much more is read.
MOST_DROPPED = 1024 * 1024
# Before a connection is closed on a client that still sends. The system then throws away what the
# client has not read: our answer. A proxy needs a moment to read it.
LINGER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Body:
    """What has arrived, and the length that it should have: they differ if it is not whole.

    `too_large` says that the client may still be sending.
    """

    content: bytes
    length: int
    too_large: bool = False

    @property
    def whole(self) -> bool:
        return len(self.content) == self.length and not self.too_large


class BodyReader:
    """Reads the bodies of one process. `seconds` is the deadline for each, `crowded_seconds` the
    one of those that are too many.

    One timer looks after all deadlines. One for each request would cost as much as reading it.
    """

    def __init__(
        self,
        seconds: float = BODY_SECONDS,
        *,
        crowded_seconds: float = CROWDED_SECONDS,
        most_unfinished: int = MOST_UNFINISHED,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._seconds = seconds
        self._crowded_seconds = min(seconds, crowded_seconds)
        self._most_unfinished = most_unfinished
        self._linger_seconds = linger_seconds
        # The tasks that read: of each network with the time at which they began, the oldest first,
        # and of all with their deadlines.
        self._unfinished: dict[str, dict[_Task, float]] = {}
        self._deadlines: dict[_Task, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def read(self, receive: Receive, length: int | None, *, limit: int, network: str) -> Body:
        """Return the body, of at most `limit` bytes. `length` is None for a chunked one.

        A chunked body that is not whole gets a length that it does not have.
        """
        if length == 0:
            return Body(b"", 0)
        if length is not None and length > limit:
            return Body(b"", length, too_large=True)
        content = bytearray()
        if await self._in_time(_collect(content, receive, length, limit), network):
            return Body(bytes(content), len(content))
        if len(content) > limit:
            return Body(b"", len(content), too_large=True)
        return Body(bytes(content), len(content) + 1 if length is None else length)

    async def drop_rest(self, receive: Receive) -> None:
        """Read on, and keep nothing, until the client has sent all, or had the time to see that
        nobody reads on."""
        dropped = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while dropped < MOST_DROPPED:
                    message = await receive()
                    dropped += len(message.get("body", b""))
                    if not message.get("more_body"):
                        return
                await asyncio.sleep(self._linger_seconds)

    async def _in_time(self, reading: Awaitable[bool], network: str) -> bool:
        """Return what `reading` returns; False if its time is up before."""
        task = _this_task()
        self._begin(task, network)
        try:
            return await reading
        except asyncio.CancelledError:
            if self._deadlines[task] != _OVER:
                raise
            task.uncancel()
            return False
        finally:
            self._finish(task, network)

    def _begin(self, task: _Task, network: str) -> None:
        now = asyncio.get_running_loop().time()
        unfinished = self._unfinished.setdefault(network, {})
        if len(unfinished) >= self._most_unfinished:
            oldest = next(iter(unfinished))
            self._deadlines[oldest] = unfinished.pop(oldest) + self._crowded_seconds
        unfinished[task] = now
        self._deadlines[task] = now + self._seconds
        if self._timer is None:
            self._end_late()

    def _finish(self, task: _Task, network: str) -> None:
        del self._deadlines[task]
        unfinished = self._unfinished.get(network, {})
        unfinished.pop(task, None)
        if not unfinished:
            self._unfinished.pop(network, None)

    def _end_late(self) -> None:
        """End what is late, and look again soon, as long as anything is unfinished."""
        loop = asyncio.get_running_loop()
        for task, deadline in self._deadlines.items():
            if _OVER < deadline <= loop.time():
                self._deadlines[task] = _OVER
                task.cancel()
        tick = self._crowded_seconds / 8
        self._timer = loop.call_later(tick, self._end_late) if self._deadlines else None


def _this_task() -> _Task:
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - every coroutine runs in one
    return task


async def _collect(content: bytearray, receive: Receive, length: int | None, limit: int) -> bool:
    """Add to `content` what arrives; whether it is the whole body."""
    while len(content) <= limit:
        message = await receive()
        if message["type"] != "http.request":
            return False  # it broke off: the connection, or its chunks
        content += message["body"]
        if not message["more_body"]:
            return length is None or len(content) == length
        if len(content) == length:
            return True
    return False
