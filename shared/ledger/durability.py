"""Whether this Redis keeps what it is given: looked at when a process starts, and said aloud."""

import logging

import redis

log = logging.getLogger(__name__)


def durability_problems(client: "redis.Redis") -> list[str]:
    """Return a sentence for each setting of the server that could lose sign-ups.

    Nothing where the server does not answer, or does not tell, as many managed ones.
    """
    try:
        found = client.config_get("appendonly", "maxmemory-policy")
    except redis.RedisError:
        return []
    problems = []
    if found.get("appendonly") == "no":
        problems.append("its append-only file is off: set appendonly yes")
    if found.get("maxmemory-policy", "noeviction") != "noeviction":
        problems.append("it may drop keys when it is full: set maxmemory-policy noeviction")
    return problems


def warn_of_losses(client: "redis.Redis") -> None:
    """Log what `durability_problems` finds."""
    for problem in durability_problems(client):
        log.warning("this Redis can lose sign-ups: %s", problem)
