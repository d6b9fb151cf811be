"""The edge of the ledger: nothing of redis-py crosses it but as an error of ours."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from shared.domain.errors import LedgerUnavailable


@contextmanager
def unavailable_translated() -> Iterator[None]:
    """Turn redis-py's errors into `LedgerUnavailable`; nothing of redis crosses this edge.

    A read-only replica or a full server refuse too, and nothing was stored then either.
    """
    try:
        yield
    except redis.RedisError as error:
        raise LedgerUnavailable(f"Redis: {type(error).__name__}") from error
