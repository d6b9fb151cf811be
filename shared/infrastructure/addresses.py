"""Network addresses: which can be listened on, and which belong to one visitor."""

import ipaddress
import socket

from shared.domain.remembering import remembered
from shared.infrastructure.settings import Bind

_LONGEST_ADDRESS = 100  # with port, zone, brackets and quotes
# Of this host, and of networks that the internet does not reach.
_LOCAL = [
    *map(ipaddress.ip_network, ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")),
    *map(ipaddress.ip_network, ("169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10")),
]


def check_free(bind: Bind) -> None:
    """Raise `OSError` when nobody can listen on `bind`, such as when it is in use."""
    infos = socket.getaddrinfo(bind.host, bind.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = infos[0]
    with socket.socket(family, kind, protocol) as probe:
        # Servers set this, so that a restart need not wait until old connections are gone.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def is_free(bind: Bind) -> bool:
    """Whether a server can listen on `bind`."""
    try:
        check_free(bind)
    except OSError:
        return False
    return True


def free_port() -> int:
    """Return a port of 127.0.0.1 that is not in use."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@remembered(longest=_LONGEST_ADDRESS, most=4096)
def plain_address(text: str) -> str | None:
    """Return the address in `text`, as proxies write it; None for text that is none.

    They add ports, brackets, quotes and zones: `192.0.2.1:5234`, `"[2001:db8::1]:5234"`,
    `fe80::1%eth0`. An IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is one of IPv4.
    """
    if len(text) > _LONGEST_ADDRESS:
        return None
    if _is_plain_ipv4(text):
        return text
    host = text.strip(' \t"')
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def _is_plain_ipv4(text: str) -> bool:
    """Whether `text` is an IPv4 address and nothing else, as nearly all are."""
    try:
        return socket.inet_ntoa(socket.inet_pton(socket.AF_INET, text)) == text
    except (OSError, ValueError):
        return False


@remembered(longest=_LONGEST_ADDRESS, most=4096)
def is_local(address: str) -> bool:
    """Whether the address is of this host or a private network, or none, as that of a socket."""
    plain = plain_address(address)
    if plain is None:
        return True
    parsed = ipaddress.ip_address(plain)
    return any(parsed in network for network in _LOCAL)


@remembered(longest=_LONGEST_ADDRESS, most=4096)
def client_network(address: str) -> str:
    """Return the network that one visitor has: all of an IPv4 address, the /64 of an IPv6 one."""
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if parsed.ipv4_mapped:  # how a socket that takes both kinds names an IPv4 visitor
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


@remembered(longest=_LONGEST_ADDRESS, most=4096)
def wider_network(address: str) -> tuple[str, str]:
    """Return the network that a provider, an office or an attacker has, and the visitor's place in
    it: the /24 of an IPv4 address, the /56 of an IPv6 one.
    """
    visitor = client_network(address)
    head, dot, last = visitor.rpartition(".")
    if dot:  # parsing it would take 12 µs
        return f"{head}.0/24", last
    try:
        mine = ipaddress.IPv6Network(visitor)
    except ValueError:
        return visitor, ""
    place = int(mine.network_address) >> 64 & 0xFF
    return str(mine.supernet(new_prefix=56)), f"{place:x}"
