"""Asks Redis to forget what was deleted: in its append-only file, and in its log of slow calls."""

from collections.abc import Callable

import redis

from shared.ledger.redis_server.redis_problems import explain


def rewrite_append_only_file(client: "redis.Redis") -> str | None:
    """Return why Redis does not rewrite it now; None if it does."""
    return _refusal(lambda: client.bgrewriteaof())


def forget_slow_calls(client: "redis.Redis") -> str | None:
    """Have the slow log emptied, as it quotes its calls. Return why it is not; None if it is."""
    return _refusal(lambda: client.slowlog_reset())


def _refusal(ask: Callable[[], object]) -> str | None:
    try:
        ask()
    except redis.RedisError as error:
        return str(explain(error))
    return None
