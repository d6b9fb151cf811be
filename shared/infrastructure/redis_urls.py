"""The forms of REDIS_URL, and how redis-py and Celery each expect them.

They are `redis://`, `rediss://`, `unix://path?db=N` and
`sentinel://host:port,host:port/MASTER?db=N`. With Sentinel, name and password before the `@` are
those of the primary and its replicas. The options `sentinel_username` and `sentinel_password` are
for the Sentinels themselves. Redis Cluster is not supported, since Celery's transport lacks it.
"""

from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

_SCHEMES = ("redis", "rediss", "unix", "sentinel")
_SENTINEL_OPTIONS = ("db", "sentinel_username", "sentinel_password")


def check_redis_url(url: str) -> str:
    """Return `url` unchanged; raises `ValueError` when it has none of the four forms."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("must begin with redis://, rediss://, unix:// or sentinel://")
    if parts.scheme == "sentinel":
        _check_sentinel(url)
    _database(url)
    return url


def _check_sentinel(url: str) -> None:
    if not _master(url):
        raise ValueError("must name the master: sentinel://host:port,host:port/MASTER?db=0")
    _sentinel_hosts(url)
    unknown = sorted(set(parse_qs(urlsplit(url).query)) - set(_SENTINEL_OPTIONS))
    if unknown:
        known = ", ".join(_SENTINEL_OPTIONS)
        raise ValueError(f"has the option {unknown[0]!r}; with Sentinel there are {known}")


def broker_beside(url: str) -> str:
    """Return `url` with the next database number: where Celery's messages go by default."""
    parts = urlsplit(url)
    number = str(_database(url) + 1)
    query = {key: values[0] for key, values in parse_qs(parts.query).items() if key != "db"}
    if parts.scheme in ("redis", "rediss"):
        return urlunsplit(parts._replace(path=f"/{number}", query=urlencode(query)))
    query["db"] = number
    # Not urlunsplit, which makes unix:///path into unix:/path, which redis-py refuses.
    return f"{url.partition('?')[0]}?{urlencode(query)}"


def connect(url: str, **options: Any) -> "redis.Redis":
    """Return a client for `url` that never repeats a command by itself.

    The retries of redis-py repeat a command whose answer was lost, so that the state would change
    twice. Replies are decoded to `str`.
    """
    options = {
        "decode_responses": True,
        "retry": _once(),
        "health_check_interval": 25,
        **options,
    }
    parts = urlsplit(url)
    if parts.scheme != "sentinel":
        return redis.Redis.from_url(url, **options)
    sentinels: Any = Sentinel(  # type: ignore[no-untyped-call]
        _sentinel_hosts(url), sentinel_kwargs=_to_sentinels(url), **options
    )
    master: redis.Redis = sentinels.master_for(_master(url), db=_database(url), **_credentials(url))
    return master


def connect_briefly(url: str) -> "redis.Redis":
    """Return a client that finds out soon that Redis is away: a person waits for the answer."""
    return connect(url, socket_timeout=0.3, socket_connect_timeout=0.25)


def celery_broker(url: str) -> tuple[str, dict[str, Any]]:
    """Return (broker URL, transport options) by which Celery reaches `url`."""
    parts = urlsplit(url)
    match parts.scheme:
        case "unix":
            user = parts.netloc.rpartition("@")[0]
            at = f"{user}@" if user else ""
            return f"redis+socket://{at}{parts.path}?virtual_host={_database(url)}", {}
        case "sentinel":
            user = parts.netloc.rpartition("@")[0]
            at = f"{user}@" if user else ""
            hosts = [_bracketed(host, port) for host, port in _sentinel_hosts(url)]
            address = ";".join(f"sentinel://{at}{host}/{_database(url)}" for host in hosts)
            return address, {"master_name": _master(url), "sentinel_kwargs": _to_sentinels(url)}
    return url, {}


def _database(url: str) -> int:
    parts = urlsplit(url)
    in_query = parse_qs(parts.query).get("db", [""])[0]
    in_path = parts.path.strip("/") if parts.scheme in ("redis", "rediss") else ""
    number = in_path or in_query or "0"
    if not number.isdigit():
        raise ValueError(f"must name its database by a number, not {number!r}")
    return int(number)


def _sentinel_hosts(url: str) -> list[tuple[str, int]]:
    hosts = urlsplit(url).netloc.rpartition("@")[2].split(",")
    return [_sentinel_host(host) for host in hosts]


def _sentinel_host(host: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        name, port = None, None
    if not name:
        raise ValueError(f"must name each Sentinel as host:port, not {host!r}")
    return name, 26379 if port is None else port


def _bracketed(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _to_sentinels(url: str) -> dict[str, Any]:
    """Return how to ask the Sentinels. A visitor may wait, so the next one is asked soon."""
    query = parse_qs(urlsplit(url).query)
    login = {
        key: query[f"sentinel_{key}"][0]
        for key in ("username", "password")
        if f"sentinel_{key}" in query
    }
    return {"socket_timeout": 1.0, "socket_connect_timeout": 0.5, "retry": _once(), **login}


def _once() -> Retry:
    return Retry(NoBackoff(), 0)


def _master(url: str) -> str:
    return urlsplit(url).path.strip("/")


def _credentials(url: str) -> dict[str, str]:
    user, _, _ = urlsplit(url).netloc.rpartition("@")
    name, _, password = user.partition(":")
    given = {"username": unquote(name), "password": unquote(password)}
    return {key: value for key, value in given.items() if value}
