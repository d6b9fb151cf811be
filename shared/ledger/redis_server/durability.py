"""Checks, when a process starts, whether this Redis keeps what it is given."""

import logging

import redis
from redis.exceptions import NoPermissionError

from shared.domain.errors import Refused
from shared.ledger.redis_server.redis_errors import redis_errors_translated

log = logging.getLogger(__name__)

# With `appendfsync everysec` the disk may take a second.
_DISK_WAIT_MS = 2000


def durability_problems(client: "redis.Redis") -> list[str]:
    """Return a sentence for each setting of the server that could lose sign-ups.

    Returns none when the server does not answer, or does not report it; many managed ones do not.
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


def demand_fsync(client: "redis.Redis") -> None:
    """Raise `Refused` when the server cannot tell what is on its disk, as RELAY_ACCEPT_FSYNC asks.

    Raises `LedgerUnavailable` when it does not answer. A replica passes: it may become a primary
    that can tell.
    """
    with redis_errors_translated():
        try:
            client.waitaof(1, 0, 1)
        except redis.ResponseError as error:
            if why := _no_fsync(error):
                raise Refused(f"RELAY_ACCEPT_FSYNC is 1, but {why}") from error


def _no_fsync(error: redis.ResponseError) -> str | None:
    said = str(error).lower()
    if isinstance(error, NoPermissionError):
        return "this Redis does not let WAITAOF be used: allow it, or set RELAY_ACCEPT_FSYNC=0"
    if "unknown command" in said:
        return (
            "this Redis does not know WAITAOF: use Valkey, or Redis 7.2 or newer;"
            " or set RELAY_ACCEPT_FSYNC=0"
        )
    if "appendonly" in said:
        return "this Redis has its append-only file off: set appendonly yes in its configuration"
    return None


def reached_disk(client: "redis.Redis") -> bool:
    """Wait until the server's disk has all that `client` wrote, on its one connection.

    Returns True as well when the server cannot wait for the disk: it has no append-only file,
    leaves writing it to the system, or does not know WAITAOF.
    """
    try:
        local, _ = client.waitaof(1, 0, _DISK_WAIT_MS)
    except redis.ResponseError:
        return True
    return local >= 1 or _leaves_it_to_the_system(client)


def _leaves_it_to_the_system(client: "redis.Redis") -> bool:
    try:
        return bool(client.config_get("appendfsync").get("appendfsync") == "no")
    except redis.ResponseError:  # many managed ones do not tell
        return False
