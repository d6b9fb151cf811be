"""Turns redis-py's errors into ours, so that no other package knows them."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from shared.domain.errors import LedgerUnavailable
from shared.domain.redis_problem import RedisProblem
from shared.ledger.redis_server.redis_problems import explain

# What a script answers when the ledger has a newer format than this version knows.
NEWER_FORMAT = "NEWERFORMAT"


@contextmanager
def redis_errors_translated() -> Iterator[None]:
    """Raise `LedgerUnavailable` for every error of redis-py; redis_problems.py explains each.

    A read-only replica and a full server refuse as well, and have stored nothing then either.
    """
    try:
        yield
    except redis.RedisError as error:
        if newer := re.search(rf"\b{NEWER_FORMAT} (\d+)", str(error)):
            raise newer_format(newer[1]) from None
        raise LedgerUnavailable(explain(error)) from error


def newer_format(number: str) -> LedgerUnavailable:
    """Return the error for a ledger that a newer version has taken over while this one ran."""
    return LedgerUnavailable(
        RedisProblem(
            f"A newer version of signup-relay uses the ledger now (format {number})",
            "Stop this version's processes.",
        )
    )
