"""Has a real server refuse writes, in each of the ways in which one does, and take them again."""

import redis


def fill(client: "redis.Redis") -> None:
    client.config_set("maxmemory", 1)


def demote(client: "redis.Redis") -> None:
    """Let the server follow a primary that it never reaches, so that it keeps what it has."""
    client.replicaof("127.0.0.1", "1")


def isolate(client: "redis.Redis") -> None:
    """Let the server take no writes, as it misses its replicas."""
    client.config_set("min-replicas-to-write", 1)


def restore(client: "redis.Redis") -> None:
    client.config_set("maxmemory", 0)
    client.config_set("min-replicas-to-write", 0)
    client.replicaof("NO", "ONE")
