"""Files that are sent while they are made: they take the memory of one part, whatever their size.

Each part is made on a thread of its own, once the one before it is sent. So a client that reads
slowly holds no thread, and one that goes away ends its file.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from web.server.bodies import Receive
from web.signup.receipt import BodyParts

log = logging.getLogger(__name__)

# In one process. Each takes half of a thread's time at most, and a connection to Redis.
MOST_FILES = 2

Send = Callable[[dict[str, Any]], Awaitable[None]]


class FileSender:
    """Sends the files of one process. Used by one event loop alone."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="flask-files")
        self._open = 0

    @property
    def is_full(self) -> bool:
        return self._open >= MOST_FILES

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take a place. Look before whether there is one."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def send(
        self, parts: BodyParts, send: Send, receive: Receive, *, request_id: str
    ) -> None:
        """Send the parts until the last one, or until the client goes away.

        If a part cannot be made, the answer ends without its end: the client sees that it is not
        whole.
        """
        gone = asyncio.ensure_future(_leaves(receive))
        try:
            if await self._send_parts(parts, send, gone):
                await send({"type": "http.response.body", "body": b""})
        except Exception as error:  # noqa: BLE001 - any error: nobody else can tell of it any more
            of = {"cause": str(error) or type(error).__name__, "request_id": request_id}
            log.warning("a file breaks off: the client has to ask for it again", extra=of)
        finally:
            gone.cancel()
            await self._on_thread(parts.close)

    async def _send_parts(self, parts: BodyParts, send: Send, gone: "asyncio.Future[Any]") -> bool:
        """Whether all of them were sent."""
        clock = asyncio.get_running_loop().time
        while not gone.done():
            began = clock()
            part = await self._on_thread(next, parts, None)
            took = clock() - began
            if part is None:
                return True
            if part:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await asyncio.sleep(took)  # others need the processor and Redis, too
        return False

    async def _on_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def close(self) -> None:
        """End the thread once it has made its part."""
        self._pool.shutdown()


async def _leaves(receive: Receive) -> None:
    """Wait until the client goes away. Before that, the end of its body may be left to read."""
    while (await receive())["type"] != "http.disconnect":
        pass
