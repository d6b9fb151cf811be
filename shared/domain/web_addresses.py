"""Parts of web addresses, as browsers compare them."""

import ipaddress
from urllib.parse import urlsplit


def origin_of(page: str) -> str:
    """Return the origin of a web page's address."""
    parts = urlsplit(page)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(address: str) -> tuple[str, int | None] | None:
    """Return (name, port) of a web address; the port is None if it is the default.

    None for other text, and for an address with a user: `https://example.com@evil.example`.
    """
    parts = urlsplit(address)
    usual = {"http": 80, "https": 443}
    if parts.scheme not in usual or not parts.hostname or "@" in parts.netloc:
        return None
    return dns_name(parts.hostname), parts.port if parts.port != usual[parts.scheme] else None


def dns_name(host: str) -> str:
    """Return the name in ASCII, as browsers and mail servers have it. Raises `UnicodeError`."""
    # Python's codec makes `ss` of `ß`, which is another host by today's rules.
    if host.isascii() or set(host) & set("ßς"):
        return host
    return host.encode("idna").decode()


def is_loopback_host(host: str) -> bool:
    """Whether the name or address can only mean the host that asks."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
