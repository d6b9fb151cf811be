"""Reads indexes of sign-ups, the latest first, without ever reading all of one at once.

An index is a sorted set: id → when. It may change between two pages. Each page begins below the
scores of the last one, so an id that stays where it is comes exactly once.
"""

import heapq
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import redis

from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated

# As many as a terminal shows.
PAGE = 50

# When, whose, and the id.
IndexEntry = tuple[float, str, str]


def latest_first(
    client: "redis.Redis", accounts: Iterable[str], index: str, *, since: float | None = None
) -> Iterator[list[IndexEntry]]:
    """Yield the entries of all these accounts page by page, down to the score `since`.

    Raises `LedgerUnavailable`.
    """
    least = "-inf" if since is None else repr(since)
    of_each = (_of_account(client, account, index, least) for account in accounts)
    entries = heapq.merge(*of_each, reverse=True)
    while page := list(islice(entries, PAGE)):
        yield page


def _of_account(client: Any, account: str, index: str, least: str) -> Iterator[IndexEntry]:
    below = "+inf"
    while page := _page(client, f"{keys.account(account)}{index}", below, least):
        yield from ((score, account, id) for id, score in page)
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
