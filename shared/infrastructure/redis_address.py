"""The forms of REDIS_URL: its parts, and what is wrong with one.

They are `redis://`, `rediss://`, `unix://path?db=N` and
`sentinel://host:port,host:port/MASTER?db=N`. With Sentinel, name and password before the `@` are
those of the primary and its replicas. The options `sentinel_username` and `sentinel_password` are
for the Sentinels themselves. Redis Cluster is not supported, since Celery's transport lacks it.

No library parses what people wrote. Each reads a password with a `#` or a `/` differently, and
puts parts of it into its errors. What is wrong here is said without any part of the address.
"""

import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode

_ENCODE = (
    "has a character in its user name or password that must be percent-encoded: # is %23, % is %25,"
    " / is %2F, ? is %3F, @ is %40, [ is %5B, ] is %5D"
)
_BY_NUMBER = "must name its database by a number, as in redis://host:6379/0"
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[^\s\[\]:,%]*)(:(?P<port>.*))?")
_NOT_ENCODED = re.compile(r"[\s\[\]@]|%(?![0-9A-Fa-f]{2})")
_SENTINEL_PORT = 26379


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisAddress:
    """The parts of an address, decoded. `hosts` are as host:port, several for Sentinels alone;
    `path` is that of the socket, or the name of the primary."""

    scheme: str
    user: str
    password: str
    hosts: tuple[str, ...]
    path: str
    database: int
    options: Mapping[str, str]

    def login(self) -> str:
        """Return user and password as they stand before the host."""
        both = f"{_quoted(self.user)}:{_quoted(self.password)}@"
        return both if self.user or self.password else ""

    def url(self) -> str:
        """Return the address with everything encoded, and in its usual place."""
        start = f"{self.scheme}://{self.login()}{','.join(self.hosts)}"
        if self.scheme in ("redis", "rediss"):
            query = urlencode(self.options, quote_via=quote)
            return f"{start}/{self.database}{'?' if query else ''}{query}"
        options = urlencode({"db": self.database, **self.options}, quote_via=quote)
        return f"{start}{quote(self.path)}?{options}"


def parse(url: str) -> RedisAddress:
    """Return the parts of `url`. Raises a `ValueError` that contains none of them."""
    scheme, _, rest = url.partition("://")
    scheme = scheme.lower()
    if scheme not in _OPTIONS:
        raise ValueError("must begin with redis://, rediss://, unix:// or sentinel://")
    authority, path, query = _split(rest)
    login, _, hosts = authority.rpartition("@")
    if _NOT_ENCODED.search(login) or (scheme == "unix" and hosts):
        raise ValueError(_ENCODE)
    user, _, password = login.partition(":")
    options = _options(scheme, query)
    in_path = path.strip("/") if scheme in ("redis", "rediss") else ""
    database = in_path or options.pop("db", "") or "0"
    if not re.fullmatch("[0-9]{1,9}", database):
        raise ValueError(_BY_NUMBER)
    return RedisAddress(
        scheme=scheme,
        user=unquote(user),
        password=unquote(password),
        hosts=_hosts(scheme, hosts),
        path=_path(scheme, unquote(path)),
        database=int(database),
        options=options,
    )


def _split(rest: str) -> tuple[str, str, str]:
    """Return login and hosts, path, and query. An `@` after them belongs to a password."""
    end = min((rest.find(mark) for mark in "/?#" if mark in rest), default=len(rest))
    authority, tail = rest[:end], rest[end:]
    if "#" in tail or "@" in tail:
        raise ValueError(_ENCODE)
    path, _, query = tail.partition("?")
    return authority, path, query


def _hosts(scheme: str, hosts: str) -> tuple[str, ...]:
    if scheme == "unix":
        return ()
    if scheme == "sentinel":
        return tuple(_sentinel(host) for host in hosts.split(","))
    name, port = _host(hosts)
    return (f"{name}:{port}" if port else name,)


def _sentinel(host: str) -> str:
    name, port = _host(host)
    if not name:
        raise ValueError("must name each Sentinel as host:port")
    return f"{name}:{port or _SENTINEL_PORT}"


def _host(host: str) -> tuple[str, int | None]:
    found = _HOST.fullmatch(host)
    if found is None:
        raise ValueError("must name each host as in host:6379, an IPv6 address in brackets")
    port = found["port"]
    if not port:
        return found["name"], None
    if not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65_536:
        raise ValueError("must name each port by a number from 1 to 65535")
    return found["name"], int(port)


def _path(scheme: str, path: str) -> str:
    match scheme:
        case "unix" if not path.strip("/"):
            raise ValueError("must name the socket: unix:///run/redis.sock?db=0")
        case "sentinel" if not path.strip("/"):
            raise ValueError("must name the master: sentinel://host:port,host:port/MASTER?db=0")
        case "unix" | "sentinel":
            return path
    return ""


# --- options


def _text(value: str) -> str:
    if not value:
        raise ValueError("a value")
    return value


def _certificates(value: str) -> str:
    """Return what to demand of the certificate; Celery writes it CERT_NONE."""
    known = value.lower().removeprefix("ssl.").removeprefix("cert_")
    if known not in ("none", "optional", "required"):
        raise ValueError("none, optional or required")
    return known


def _flag(value: str) -> str:
    match value.lower():
        case "1" | "true" | "yes" | "on":
            return "true"
        case "0" | "false" | "no" | "off":
            return "false"
    raise ValueError("true or false")


_Option = Callable[[str], str]
_TLS: dict[str, _Option] = {
    "ssl_cert_reqs": _certificates,
    "ssl_check_hostname": _flag,
    **dict.fromkeys(("ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile"), _text),
    "ssl_password": _text,
}
_OPTIONS: dict[str, dict[str, _Option]] = {
    "redis": {"db": _text},
    "rediss": {"db": _text, **_TLS},
    "unix": {"db": _text},
    "sentinel": {"db": _text, "sentinel_username": _text, "sentinel_password": _text},
}


def _options(scheme: str, query: str) -> dict[str, str]:
    known, found = _OPTIONS[scheme], {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _TLS and name not in known:
            raise ValueError("has an option for TLS, and does not begin with rediss://")
        if name not in known:
            called = f" {name!r}" if re.fullmatch("[a-z_]{1,30}", name) else ""
            raise ValueError(f"has the option{called}; {scheme}:// knows {', '.join(known)}")
        try:
            found[name] = known[name](value)
        except ValueError as error:
            raise ValueError(f"has the option {name!r}, which must be {error}") from None
    return found


def try_tls(options: Mapping[str, str]) -> None:
    """Load the files that the options name. Raises `ValueError`."""
    authorities = options.get("ssl_ca_certs"), options.get("ssl_ca_path")
    own, key = options.get("ssl_certfile"), options.get("ssl_keyfile")
    if key and not own:
        raise ValueError("has the option 'ssl_keyfile', and not the 'ssl_certfile' that it is for")
    if not own and not any(authorities):
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if any(authorities):
            context.load_verify_locations(*authorities)
        if own:
            # Without a password, OpenSSL would ask for it at the terminal.
            context.load_cert_chain(own, key, options.get("ssl_password", ""))
    except OSError as error:
        cause = error.strerror or type(error).__name__
        raise ValueError(f"names a certificate or key that cannot be used: {cause}") from None


def _quoted(text: str) -> str:
    return quote(text, safe="")
