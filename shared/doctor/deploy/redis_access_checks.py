"""The checks of who else can reach Redis, and of the memory that it may take."""

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import redis

from shared.domain.check import Check, CheckSubject
from shared.infrastructure.redis_address import RedisAddress, parse
from shared.ledger.redis_server.server_inspection import ServerFacts

PASSWORD = CheckSubject("redis_password", "Redis asks for a password")
TLS = CheckSubject("redis_tls", "Nobody on the way reads what goes to Redis")
MEMORY_LIMIT = CheckSubject("redis_memory_limit", "Redis' memory has a limit")

Connect = Callable[[str], "redis.Redis"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a `setting` leads to a server. `asks`: it refuses whoever has no password; None if it
    does not answer. `nearby`: it is on this host; `private`: there, or in a private network."""

    setting: str
    asks: bool | None
    tls: bool
    nearby: bool
    private: bool


def access(urls: Mapping[str, str], connect: Connect) -> Iterator[Check]:
    """Check the ways to the ledger's and the broker's server, by the settings that name them."""
    ways = [_way(setting, parse(url), connect) for setting, url in urls.items()]
    yield password(ways)
    yield tls(ways)


def password(ways: Sequence[Way]) -> Check:
    open_ways = [way for way in ways if way.asks is False]
    if not open_ways:
        if any(way.asks is None for way in ways):
            return PASSWORD.unknown("It does not answer whoever asks without one.")
        return PASSWORD.ok("It refuses whoever has none.")
    fix = f"Give it a password, or a user (docs/redis.md), and put it into {_named(open_ways)}."
    if all(way.private for way in open_ways):
        return PASSWORD.advice(
            "It asks for none. Whoever is on its host, or in its private network, can read and"
            " change everything.",
            fix,
        )
    return PASSWORD.problem("It asks for none, at an address that is not private.", fix)


def tls(ways: Sequence[Way]) -> Check:
    plain = [way for way in ways if not way.tls and not way.nearby]
    if not plain:
        return TLS.ok("It is on this host, or reached by TLS.")
    fix = f"Use rediss:// in {_named(plain)}, or reach it through a tunnel."
    if all(way.private for way in plain):
        return TLS.advice("It is in a private network, and reached without TLS.", fix)
    return TLS.problem("Sign-ups and tokens go to it in the clear, through other networks.", fix)


def memory_limit(inspect: Callable[[], ServerFacts]) -> Check:
    limit = inspect().memory_limit
    if limit is None:
        return MEMORY_LIMIT.unknown("The server does not report it.")
    if limit:
        return MEMORY_LIMIT.ok(f"It is {limit >> 20:,} MiB.")
    return MEMORY_LIMIT.problem(
        "It has none. When the host has no memory left, the system kills Redis.",
        "Set maxmemory in the server's configuration, to less than the host has.",
    )


def _named(ways: Sequence[Way]) -> str:
    return " and ".join(way.setting for way in ways)


def _way(setting: str, address: RedisAddress, connect: Connect) -> Way:
    places = [place for host in address.hosts for place in _addresses(host)]
    known = bool(places) or address.scheme == "unix"
    return Way(
        setting=setting,
        asks=_asks(address, connect),
        tls=address.scheme == "rediss",
        nearby=known and all(place.is_loopback for place in places),
        private=known and all(place.is_private for place in places),
    )


def _asks(address: RedisAddress, connect: Connect) -> bool | None:
    if address.scheme == "unix":  # the socket's file says who may use it
        return True
    try:
        with connect(replace(address, user="", password="").url()) as stranger:
            stranger.ping()
    except (redis.ResponseError, redis.AuthenticationError):
        return True
    except redis.RedisError:
        return None
    return False


def _addresses(host: str) -> list["ipaddress.IPv4Address | ipaddress.IPv6Address"]:
    """Return the addresses of `host`, which may have a port; none if it is not known."""
    name = host.rpartition(":")[0] or host
    try:
        found = socket.getaddrinfo(name.strip("[]") or "localhost", None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return [ipaddress.ip_address(str(place[0]).partition("%")[0]) for *_, place in found]
