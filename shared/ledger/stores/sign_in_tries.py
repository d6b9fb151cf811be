"""Tries to sign in, counted for each name and each address, so that nobody guesses passwords.

A Redis that is full or a replica takes no counts, and operators must sign in to see that. So this
process counts by itself meanwhile.
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import redis

from shared.domain.errors import LedgerUnavailable
from shared.domain.window_counts import WindowCounts
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.time_units import in_milliseconds


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

    def count(self, *whose: tuple[str, str]) -> timedelta | None:
        """Count one try for each kind and text, unless there were too many for one of them.

        Returns how long to wait then. The limit is exact, however many try at once. While Redis
        counts nothing, each process allows as many.
        """
        counters = _counters(whose)
        try:
            return self._count(counters)
        except LedgerUnavailable:
            return self._own.count(*counters)

    def _count(self, counters: Sequence[str]) -> timedelta | None:
        def step(pipeline: Any) -> timedelta | None:
            used_up = [key for key in counters if int(pipeline.get(key) or 0) >= self._most]
            wait_ms = pipeline.pttl(used_up[0]) if used_up else 0
            pipeline.multi()
            if used_up:
                return timedelta(milliseconds=max(1, wait_ms))
            for key in counters:
                pipeline.set(key, 0, px=in_milliseconds(self._window), nx=True)
                pipeline.incr(key)
            return None

        client: Any = self._client  # whose types know no step that returns something
        with redis_errors_translated():
            wait: timedelta | None = client.transaction(step, *counters, value_from_callable=True)
        return wait

    def forget(self, *whose: tuple[str, str]) -> None:
        """Forget the tries, as the password was right. Never fails."""
        counters = _counters(whose)
        self._own.forget(*counters)
        with contextlib.suppress(LedgerUnavailable), redis_errors_translated():
            self._client.delete(*counters)


def _counters(whose: Iterable[tuple[str, str]]) -> list[str]:
    """Return the keys that count. Not with the texts themselves: people type anything."""
    digests = (hashlib.sha256(f"{kind} {text}".encode()).hexdigest() for kind, text in whose)
    return [f"{keys.SIGN_IN_TRIES}{digest[:32]}" for digest in digests]
