"""Which Redis server this is, and what time it has: both as the running server says."""

from datetime import UTC, datetime

import redis

from shared.ledger.redis_server.redis_errors import redis_errors_translated


def server_id(client: "redis.Redis") -> str:
    """Return an id of the running server and the database in use; empty when it does not report it.

    It is another one after each restart of the server, and on any other server. No copy of the
    server's data has it.
    """
    with redis_errors_translated():
        try:
            run_id = client.info("server").get("run_id", "")
        except redis.ResponseError:  # a managed Redis may not allow INFO
            return ""
    database = client.connection_pool.connection_kwargs.get("db", 0)
    return f"{run_id}/{database}" if run_id else ""


def redis_time(client: "redis.Redis") -> datetime:
    """Return the time by Redis' clock."""
    with redis_errors_translated():
        seconds, microseconds = client.time()
    return datetime.fromtimestamp(int(seconds) + int(microseconds) / 1_000_000, UTC)
