"""Turns redis-py's errors into ours, so that no other package knows them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from shared.domain.errors import LedgerUnavailable

# What a script answers when the ledger has a newer format than this version knows.
NEWER_FORMAT = "NEWERFORMAT"


@contextmanager
def redis_errors_translated() -> Iterator[None]:
    """Raise `LedgerUnavailable` for every error of redis-py.

    A read-only replica and a full server refuse as well, and have stored nothing then either.
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
        f"a newer version uses the ledger now (format {number}); stop this version"
    )
