"""The deadline for Redis: how long one visitor's request waits for it, all calls together.

Socket timeouts alone do not bound a request, since each command has its own. So the calls run on
a small pool of threads, and the request gives up at its deadline. The outcome of the call is then
unknown; every step of the ledger is safe to repeat.
"""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from datetime import timedelta
from typing import TypeVar

import redis

from shared.domain.errors import LedgerUnavailable
from shared.ledger.redis_server.redis_problems import explain

log = logging.getLogger(__name__)

T = TypeVar("T")

# Visitors hardly notice this wait. Even two timeouts of one page stay below two seconds.
VISITOR_WAITS = timedelta(seconds=0.8)
# Nobody waits for a process that starts. Beside others that start, its own imports take long.
START_WAITS = timedelta(seconds=5)
# After a timeout, further calls fail at once for this long, so that they do not fill the threads.
FAILS_AT_ONCE = timedelta(seconds=1)


class DeadlinePool:
    """The threads that call Redis for all requests. `clock` is monotonic, in seconds."""

    def __init__(self, *, threads: int, clock: Callable[[], float]) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="redis")
        self._clock = clock
        self._lock = threading.Lock()
        self._closed_until = float("-inf")

    def start(self) -> "RedisDeadline":
        """Return the deadline of one request, which begins now."""
        return RedisDeadline(self, VISITOR_WAITS.total_seconds(), self._clock)

    def answers(self) -> bool:
        """Whether Redis has answered in time lately."""
        return self._clock() >= self._closed_until

    def run(self, work: Callable[[], T], seconds: float) -> T:
        """Return what `work` returns if it does so within `seconds`.

        Raises `LedgerUnavailable` if not, or when Redis fails; other errors pass through.
        """
        if not self.answers():
            raise LedgerUnavailable("Redis did not answer in time a moment ago")
        future = self._pool.submit(work)
        try:
            return future.result(timeout=max(0.0, seconds))
        except (Overdue, redis.RedisError, LedgerUnavailable) as error:
            raise self._unavailable(future, error) from error

    def _unavailable(self, future: "Future[T]", error: Exception) -> LedgerUnavailable:
        # Work that has not begun must not begin after its visitor has read that it failed.
        future.cancel()
        if _is_timeout(error) or _is_timeout(error.__cause__):
            self.timed_out()
        if isinstance(error, LedgerUnavailable):
            return error
        return LedgerUnavailable(explain(error))

    def timed_out(self) -> None:
        """Fail further calls at once for a while."""
        with self._lock:
            first = self._clock() >= self._closed_until
            self._closed_until = self._clock() + FAILS_AT_ONCE.total_seconds()
        if first:
            log.warning("Redis does not answer in time")


class RedisDeadline:
    """The time that is left for the calls to Redis of one request, or of web's start."""

    def __init__(self, pool: DeadlinePool, seconds: float, clock: Callable[[], float]) -> None:
        self._pool = pool
        self._left = seconds
        self._clock = clock

    def ask(self, work: Callable[[], T]) -> T:
        """Return what `work` returns; raises `LedgerUnavailable` when the time is up."""
        began = self._clock()
        try:
            return self._pool.run(work, self._left)
        finally:
            self._left -= self._clock() - began


def _is_timeout(error: BaseException | None) -> bool:
    return isinstance(error, Overdue | redis.TimeoutError)
