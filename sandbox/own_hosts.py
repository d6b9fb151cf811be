"""Which names the sandbox answers to.

It has no password. So a stranger's page must not reach it by having a name of its own lead to
127.0.0.1 (DNS rebinding): the browser would let that page read everything here. The name in the
request's `Host` gives it away.
"""

import ipaddress
import re
from collections.abc import Collection

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]*)?", re.ASCII)


def is_ours(host: str, names: Collection[str]) -> bool:
    """Whether `host`, a `Host` header, is loopback or one of `names`, whatever its port.

    If 0.0.0.0 or :: is among the names, every address is ours: only a name leads a browser astray.
    """
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return False
    name = found[1].strip("[]").removesuffix(".")
    address = _address(name)
    if address is None:
        return name in ("localhost", *names) or name.endswith(".localhost")
    own = [known for known in map(_address, names) if known]
    return address.is_loopback or address in own or any(each.is_unspecified for each in own)


def is_loopback(name: str) -> bool:
    """Whether nobody but this machine reaches a server that listens there."""
    address = _address(name)
    return name == "localhost" if address is None else address.is_loopback


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None
