"""The edge of the ledger: nothing of redis-py crosses it but as an error of ours."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from shared.domain.errors import LedgerUnavailable

# What a script answers when the ledger has a newer format than this version knows.
NEWER_FORMAT = "NEWERFORMAT"


@contextmanager
def redis_errors_translated() -> Iterator[None]:
    """Turn redis-py's errors into `LedgerUnavailable`; nothing of redis crosses this edge.

    A read-only replica or a full server refuse too, and nothing was stored then either.
    """
    try:
        yield
    except redis.RedisError as error:
        if newer := re.search(rf"\b{NEWER_FORMAT} (\d+)", str(error)):
            raise newer_format(newer[1]) from None
        raise LedgerUnavailable(f"Redis: {type(error).__name__}") from error


def newer_format(number: str) -> LedgerUnavailable:
    """Return the error for a ledger that a newer version has taken over while this one ran."""
    return LedgerUnavailable(
        f"a newer version uses the ledger now, which has format {number}; stop this version"
    )
