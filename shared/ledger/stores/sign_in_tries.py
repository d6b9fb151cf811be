"""Tries to sign in, counted so that nobody guesses passwords, and nobody keeps others out.

A *source* is an address, or a browser that signed in before. It has so many tries, then it waits.
Tries with a *name* come from anywhere, also from strangers who mean to lock the operator out. So
beyond as many, a name only slows down: each further try has to wait a little longer.

A Redis that is full or a replica takes no counts, and operators must sign in to see that. So this
process counts by itself meanwhile.
"""

import contextlib
import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

import redis

from shared.domain.errors import LedgerUnavailable
from shared.domain.window_counts import WindowCounts
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.time_units import in_milliseconds

FIRST_DELAY = timedelta(seconds=1)
# A stranger with a few addresses can take each free moment of a name for a while. The shorter the
# wait, the more addresses that takes, and the more passwords can be tried: four a minute here.
LONGEST_DELAY = timedelta(seconds=15)

# The kind and the text of what is counted.
Whose = tuple[str, str]


class SignInWait(NamedTuple):
    """How long to wait, and whether the source itself had too many tries, or only the name."""

    span: timedelta
    of_source: bool


def delay_after(tries: int, free: int) -> timedelta:
    """Return how long a name waits after so many tries, of which `free` are not slowed down."""
    if tries < free:
        return timedelta()
    doublings = min(tries - free, 10)  # far beyond the longest
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


class SignInTries:
    """Allows `most` tries in a `window` that begins with the first. `clock` is monotonic, in
    seconds."""

    def __init__(
        self,
        client: "redis.Redis",
        *,
        most: int,
        window: timedelta,
        clock: Callable[[], float],
    ) -> None:
        self._client = client
        self._most = most
        self._window = window
        self._own = WindowCounts(most, window, clock=clock)
        self._own_delays = WindowCounts(1, LONGEST_DELAY, clock=clock)

    def count(self, source: Whose, name: Whose | None) -> SignInWait | None:
        """Count one try of the source, and with the name, unless one of them has to wait.

        Returns how long to wait then. The limit is exact, however many try at once. While Redis
        counts nothing, each process allows as many.
        """
        counters = [_counter(each) for each in (source, name) if each]
        delay = _delay(name) if name else None
        try:
            return self._count(counters, delay)
        except LedgerUnavailable:
            return self._count_here(*counters)

    def _count(self, counters: list[str], delay: str | None) -> SignInWait | None:
        source, *name = counters
        watched = [*counters, *filter(None, [delay])]

        def step(pipeline: Any) -> SignInWait | None:
            used_up = int(pipeline.get(source) or 0) >= self._most
            wait_ms = pipeline.pttl(source) if used_up else pipeline.pttl(delay) if delay else 0
            tries = int(pipeline.get(name[0]) or 0) + 1 if name else 0
            pipeline.multi()
            if used_up or wait_ms > 0:
                return SignInWait(timedelta(milliseconds=max(1, wait_ms)), used_up)
            for key in counters:
                pipeline.set(key, 0, px=in_milliseconds(self._window), nx=True)
                pipeline.incr(key)
            if next_in := delay_after(tries, self._most):
                pipeline.set(delay, 1, px=in_milliseconds(next_in))
            return None

        client: Any = self._client  # whose types know no step that returns something
        with redis_errors_translated():
            wait: SignInWait | None = client.transaction(step, *watched, value_from_callable=True)
        return wait

    def _count_here(self, source: str, *name: str) -> SignInWait | None:
        span = self._own.count(source)
        if span is not None:
            return SignInWait(span, of_source=True)
        if not name or self._own.count(*name) is None:
            return None
        span = self._own_delays.count(*name)
        return SignInWait(span, of_source=False) if span is not None else None

    def forget(self, *whose: Whose) -> None:
        """Forget the tries, as the password was right. Never fails."""
        counters = [_counter(each) for each in whose]
        self._own.forget(*counters)
        self._own_delays.forget(*counters)
        with contextlib.suppress(LedgerUnavailable), redis_errors_translated():
            self._client.delete(*counters, *map(_delay, whose))


def _delay(whose: Whose) -> str:
    """Return the key that is there while the name has to wait."""
    return _counter(("delay", ":".join(whose)))


def _counter(whose: Whose) -> str:
    """Return the key that counts. Not with the text itself: people type anything."""
    digest = hashlib.sha256(" ".join(whose).encode()).hexdigest()
    return f"{keys.SIGN_IN_TRIES}{digest[:32]}"
