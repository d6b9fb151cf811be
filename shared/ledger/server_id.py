"""Which Redis server this is: told by the running server, so that no copy of its data has it."""

import redis

from shared.ledger.redis_errors import redis_errors_translated


def server_id(client: "redis.Redis") -> str:
    """Return an id of the running server and the database in use; empty where it is not told.

    It is another one after each restart of the server, and on any other server.
    """
    with redis_errors_translated():
        try:
            run_id = client.info("server").get("run_id", "")
        except redis.ResponseError:  # a managed Redis may not allow INFO
            return ""
    database = client.connection_pool.connection_kwargs.get("db", 0)
    return f"{run_id}/{database}" if run_id else ""
