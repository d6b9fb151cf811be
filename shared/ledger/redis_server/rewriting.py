"""Asks Redis for a new append-only file, without what was deleted since the last one."""

import redis

from shared.ledger.redis_server.redis_problems import explain


def rewrite_append_only_file(client: "redis.Redis") -> str | None:
    """Return why Redis does not rewrite it now; None if it does."""
    try:
        client.bgrewriteaof()
    except redis.RedisError as error:
        return str(explain(error))
    return None
