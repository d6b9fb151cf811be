"""How redis-py and Celery each reach the address in REDIS_URL."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry
from redis.sentinel import Sentinel

from shared.infrastructure.redis_address import RedisAddress, parse, try_tls

if TYPE_CHECKING:
    import redis.asyncio

_EVERY_CLIENT: dict[str, Any] = {
    # Without it, redis-py looks its own version up on the disk for each connection.
    "driver_info": redis.DriverInfo(lib_version=redis.__version__),
    # With them, redis-py 8 lends out connections that the server has closed. Valkey has none.
    "maint_notifications_config": MaintNotificationsConfig(enabled=False),
}
# Seconds, where a person waits to hear whether Redis is there.
BRIEFLY = {"socket_timeout": 0.3, "socket_connect_timeout": 0.25}


def check_redis_url(url: str) -> str:
    """Return `url` with everything encoded, and in its usual place.

    Raises a `ValueError` that says what is wrong, and contains no part of the address.
    """
    address = parse(url)
    try_tls(address.options)
    return address.url()


def broker_beside(url: str) -> str:
    """Return `url` with the next database number: where Celery's messages go by default."""
    address = parse(url)
    return replace(address, database=address.database + 1).url()


def connect(url: str, **options: Any) -> "redis.Redis":
    """Return a client for `url` that never repeats a command by itself.

    The retries of redis-py repeat a command whose answer was lost, so that the state would change
    twice. Replies are decoded to `str`.
    """
    client: redis.Redis = _connect(url, redis.Redis, Sentinel, Retry, options)
    return client


def connect_async(url: str, **options: Any) -> "redis.asyncio.Redis":
    """Return a client as `connect` does, for an event loop."""
    # Imported here: of all commands, only `relay web` has an event loop.
    from redis import asyncio
    from redis.asyncio.retry import Retry as AsyncRetry

    client: asyncio.Redis = _connect(url, asyncio.Redis, asyncio.Sentinel, AsyncRetry, options)
    return client


def _connect(
    url: str, client: Any, sentinel: Any, retry: Callable[..., Any], options: dict[str, Any]
) -> Any:
    once = retry(NoBackoff(), 0)
    # What is no text comes as one that no JSON has, so that only this one record cannot be read.
    text = {"decode_responses": True, "encoding_errors": "backslashreplace"}
    options = {**text, **_EVERY_CLIENT, "retry": once, "health_check_interval": 25, **options}
    address = parse(url)
    if address.scheme != "sentinel":
        return client.from_url(address.url(), **options)
    sentinels = sentinel(
        [_as_pair(host) for host in address.hosts],
        sentinel_kwargs={**_to_sentinels(address), "retry": once},
        **options,
    )
    login = {"username": address.user, "password": address.password}
    return sentinels.master_for(
        address.path.strip("/"),
        db=address.database,
        **{key: value for key, value in login.items() if value},
    )


def connect_briefly(url: str) -> "redis.Redis":
    """Return a client that finds out soon that Redis is away: a person waits for the answer."""
    return connect(url, **BRIEFLY)


def celery_broker(url: str) -> tuple[str, dict[str, Any]]:
    """Return (broker URL, transport options) by which Celery reaches `url`."""
    address = parse(url)
    at = address.login()
    match address.scheme:
        case "unix":
            place = f"{quote(address.path)}?virtual_host={address.database}"
            return f"redis+socket://{at}{place}", {}
        case "sentinel":
            each = (f"sentinel://{at}{host}/{address.database}" for host in address.hosts)
            master = address.path.strip("/")
            options = {"master_name": master, "sentinel_kwargs": _to_sentinels(address)}
            return ";".join(each), options
        case "rediss":
            # By default, kombu trusts every certificate, unlike redis-py.
            safe = {"ssl_cert_reqs": "required", **address.options}
            return replace(address, options=safe).url(), {}
    return address.url(), {}


def _as_pair(host: str) -> tuple[str, int]:
    name, _, port = host.rpartition(":")
    return name.strip("[]"), int(port)


def _to_sentinels(address: RedisAddress) -> dict[str, Any]:
    """Return how to ask the Sentinels. A visitor may wait, so the next one is asked soon."""
    login = {
        key: address.options[f"sentinel_{key}"]
        for key in ("username", "password")
        if f"sentinel_{key}" in address.options
    }
    return {"socket_timeout": 1.0, "socket_connect_timeout": 0.5, "retry": _once(), **login}


def _once() -> Retry:
    return Retry(NoBackoff(), 0)
