"""Reads what a Redis server tells about itself, and what is overdue in it, for `relay doctor`.

Managed servers refuse some of the questions; the answer is None then.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from redis.exceptions import NoPermissionError

from shared.domain.memory_forecast import MemoryForecast
from shared.domain.redis_problem import RedisProblem
from shared.ledger import keys
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.redis_problems import explain
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """`version` is that of the Redis whose commands the server knows. `software` is the server's
    own name and version. `refuses_writes` is why it does, None when it accepts writes."""

    software: str | None = None
    version: tuple[int, ...] | None = None
    is_replica: bool | None = None
    append_only: bool | None = None
    append_failed: bool | None = None
    fsync: str | None = None
    eviction: str | None = None
    memory_limit: int | None = None
    memory: MemoryForecast | None = None
    knows_waitaof: bool | None = None
    refuses_writes: RedisProblem | None = None


@dataclass(frozen=True, slots=True)
class OverdueSignups:
    """`since` is how long a sign-up has been due without being claimed, None when none is. `rest`
    is how long its API key still rests. `delivered` is how long ago the last sign-up was
    delivered, None when none was."""

    since: timedelta | None
    rest: timedelta
    delivered: timedelta | None


def inspect_server(client: "redis.Redis") -> ServerFacts:
    """Return what the server tells. Raises `LedgerUnavailable` when it does not answer."""
    with redis_errors_translated():
        info = {
            **_info(client, "server"),
            **_info(client, "replication"),
            **_info(client, "persistence"),
            **_info(client, "memory"),
        }
        set_to = _answer(lambda: client.config_get("appendfsync")) or {}
        return ServerFacts(
            software=_software(info),
            version=_version(info.get("redis_version")),
            is_replica=_is("slave", info.get("role")),
            append_only=_is(1, info.get("aof_enabled")),
            append_failed=_is("err", info.get("aof_last_write_status")),
            fsync=set_to.get("appendfsync"),
            eviction=info.get("maxmemory_policy"),
            memory_limit=info.get("maxmemory"),
            memory=ServerMemory(client).forecast(),
            knows_waitaof=_knows_waitaof(client),
            refuses_writes=refused_writes(client),
        )


def round_trip(client: "redis.Redis", clock: Callable[[], float], tries: int = 5) -> timedelta:
    """Return how long the server takes to answer, the middle one of some tries.

    `clock` is in seconds, and never goes back. Raises `LedgerUnavailable`.
    """
    with redis_errors_translated():
        client.ping()  # connects, which is not what a sign-up waits for
        took = []
        for _ in range(tries):
            began = clock()
            client.ping()
            took.append(clock() - began)
    return timedelta(seconds=sorted(took)[tries // 2])


def clock_ahead(client: "redis.Redis", now: Callable[[], datetime]) -> timedelta:
    """Return by how much the server's clock is ahead of ours. Raises `LedgerUnavailable`."""
    with redis_errors_translated():
        client.ping()
        before = now()
        seconds, microseconds = client.time()
        after = now()
    there = datetime.fromtimestamp(int(seconds), UTC) + timedelta(microseconds=int(microseconds))
    return there - (before + (after - before) / 2)


def find_overdue(client: "redis.Redis", account: str) -> OverdueSignups:
    """Return how long the account's oldest due sign-up waits. Its holds are not looked at.

    Raises `LedgerUnavailable`.
    """
    due_ms, rest_ms, delivered_ms = Scripts(client).run(
        "signups/overdue", account=keys.account(account)
    )
    return OverdueSignups(_span(due_ms), duration(rest_ms), _span(delivered_ms))


def _span(ms: int) -> timedelta | None:
    return None if ms < 0 else duration(ms)


def _info(client: "redis.Redis", section: str) -> dict[str, Any]:
    return _answer(lambda: client.info(section)) or {}


def _answer(ask: Callable[[], Any]) -> Any:
    """Return the answer; None when the server says that this must not be asked of it."""
    try:
        return ask()
    except redis.ResponseError:
        return None


def _software(info: dict[str, Any]) -> str | None:
    name = str(info.get("server_name", "redis"))
    version = info.get(f"{name}_version")
    return f"{name.capitalize()} {version}" if version else None


def _version(info: Any) -> tuple[int, ...] | None:
    parts = str(info or "").split(".")
    return tuple(map(int, parts)) if all(part.isdigit() for part in parts) else None


def _is(value: Any, info: Any) -> bool | None:
    return None if info is None else bool(info == value)


def _knows_waitaof(client: "redis.Redis") -> bool | None:
    try:
        client.waitaof(0, 0, 1)
    except NoPermissionError:
        return None
    except redis.ResponseError as error:
        return "unknown command" not in str(error).lower()
    return True


def refused_writes(client: "redis.Redis") -> RedisProblem | None:
    """Return why the server accepts no writes; None when it does. Raises `LedgerUnavailable`."""
    with redis_errors_translated():
        try:
            client.set(keys.DOCTOR, "1", px=1000)
        except redis.ResponseError as error:
            return explain(error)
    return None
