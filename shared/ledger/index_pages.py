"""Reads an account's index of sign-ups, the latest first, without ever reading all of it at once.

An index is a sorted set: id → when. It may change between two pages. Each page begins below the
scores of the last one, so an id that stays where it is comes exactly once.
"""

from collections.abc import Iterator
from typing import Any

import redis

from shared.ledger.redis_server.redis_errors import redis_errors_translated

PAGE = 200


def latest_first(
    client: "redis.Redis", key: str, *, since: float | None = None
) -> Iterator[list[str]]:
    """Yield the ids page by page, down to the score `since`. Raises `LedgerUnavailable`."""
    least = "-inf" if since is None else repr(since)
    below = "+inf"
    while page := _page(client, key, below, least):
        yield [id for id, _ in page]
        below = f"({page[-1][1]!r}"


def _page(client: Any, key: str, below: str, least: str) -> list[tuple[str, float]]:
    with redis_errors_translated():
        page: list[tuple[str, float]] = client.zrange(
            key, below, least, desc=True, byscore=True, withscores=True, offset=0, num=PAGE
        )
        if len(page) < PAGE:
            return page
        # More may have the score of the last one. All of these belong to this page.
        last, known = page[-1][1], set(page)
        tied = client.zrange(key, last, last, desc=True, byscore=True, withscores=True)
    return page + [each for each in tied if each not in known]
