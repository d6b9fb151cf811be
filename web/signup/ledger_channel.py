"""One connection to the ledger for all sign-ups that one event loop takes.

What waits at the same time goes out together, in one write and one round trip. Each sign-up is
answered with the answer to its own script.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import hiredis
import redis
import redis.asyncio

from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import CommandWords, ScriptCall

# Seconds. A server or a firewall may have closed a connection that was idle for longer.
CHECK_AFTER = 1.0

WaitingCall = tuple[ScriptCall, "asyncio.Future[list[Any]]"]


class HeldBack(Exception):
    """Nothing was sent, as `may_send` said no."""


class LedgerChannel:
    """Runs scripts, each followed by the commands in `then`. `may_send` is asked before each batch.

    Nothing waits for longer than `waits`, whatever Redis does: the deadline is for connecting,
    sending, and all answers together. `timed_out` is told when it was missed.
    """

    def __init__(
        self,
        client: "redis.asyncio.Redis",
        *,
        then: tuple[CommandWords, ...],
        waits: timedelta,
        timed_out: Callable[[], None],
        may_send: Callable[[], bool],
    ) -> None:
        self._pool: Any = client.connection_pool
        self._then = then
        self._waits = waits.total_seconds()
        self._timed_out = timed_out
        self._may_send = may_send
        self._connection: Any = None
        self._idle_since = 0.0
        self._waiting: list[WaitingCall] = []
        self._waiting_since = 0.0
        self._sender: asyncio.Task[None] | None = None

    async def run(self, call: ScriptCall) -> list[Any]:
        """Return the answers of the script and of `then`. Raises `LedgerUnavailable`, and
        `HeldBack`."""
        loop = asyncio.get_running_loop()
        answers: asyncio.Future[list[Any]] = loop.create_future()
        if not self._waiting:
            self._waiting_since = loop.time()
        self._waiting.append((call, answers))
        if self._sender is None:
            self._sender = loop.create_task(self._send_all())
        try:
            return await answers
        except redis.RedisError:
            with redis_errors_translated():
                raise

    async def close(self) -> None:
        await self._pool.disconnect()
        manager = getattr(self._pool, "sentinel_manager", None)
        for sentinel in manager.sentinels if manager else ():
            await sentinel.aclose()

    async def _send_all(self) -> None:
        """Send batch after batch until nothing waits. It never fails."""
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                await self._send(batch, self._waiting_since + self._waits)
        finally:
            self._sender = None

    async def _send(self, batch: list[WaitingCall], deadline: float) -> None:
        try:
            if not self._may_send():
                raise HeldBack
            async with asyncio.timeout_at(deadline):
                found = await self._exchange([call for call, _ in batch])
        except (TimeoutError, redis.TimeoutError):  # connecting has a shorter one of its own
            self._timed_out()
            late = [*batch, *self._waiting]  # the others would only wait behind it
            self._waiting = []
            _fail(late, redis.TimeoutError("Timeout reading from socket"))
        except Exception as error:  # noqa: BLE001 - any error: each one who waits must get it
            _fail(batch, error)
        else:
            common = found[len(batch) :]
            for (_, answers), answer in zip(batch, found, strict=False):
                _settle(answers, [answer, *common])

    async def _exchange(self, calls: list[ScriptCall]) -> list[Any]:
        """Return the answers to all calls and to `then`, in this order. Errors are among them."""
        commands = [*(call.command for call in calls), *self._then]
        connection = await self._connected()
        try:
            found = await _answers(connection, commands)
            if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in found):
                loads = [("SCRIPT", "LOAD", source) for source in {call.source for call in calls}]
                # Every step is safe to repeat, so those that have run may run again.
                found = (await _answers(connection, [*loads, *commands]))[len(loads) :]
        except BaseException:
            self._connection = None
            await connection.disconnect(nowait=True)  # the rest of the answers must reach nobody
            await self._pool.release(connection)
            raise
        self._idle_since = asyncio.get_running_loop().time()
        return found

    async def _connected(self) -> Any:
        """Return the connection. After a pause the pool checks whether it still stands."""
        idle = asyncio.get_running_loop().time() - self._idle_since
        if self._connection is not None and idle > CHECK_AFTER:
            await self._pool.release(self._connection)
            self._connection = None
        if self._connection is None:
            self._connection = await self._pool.get_connection()
        return self._connection


# redis-py's connections for event loops pack in Python, which takes five times as long.
_pack: Callable[[CommandWords], bytes] = hiredis.pack_command  # type: ignore[assignment]


async def _answers(connection: Any, commands: list[CommandWords]) -> list[Any]:
    packed = b"".join([_pack(command) for command in commands])
    await connection.send_packed_command(packed, check_health=False)
    return [await _answer(connection) for _ in commands]


async def _answer(connection: Any) -> Any:
    try:
        return await connection.read_response()
    except redis.ResponseError as error:
        return error


def _settle(answers: "asyncio.Future[list[Any]]", found: list[Any]) -> None:
    if answers.done():
        return  # nobody waits any more
    for each in found:
        if isinstance(each, Exception):
            answers.set_exception(each)
            return
    answers.set_result(found)


def _fail(waiting: list[WaitingCall], error: Exception) -> None:
    for _, answers in waiting:
        _settle(answers, [error])
