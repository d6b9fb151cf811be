"""Parts of web addresses, as browsers compare them."""

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

# Longer names do not exist. Beside the name, an address may have a user and a port.
_LONGEST_NAME = 253
# `urlsplit` skips tabs and line breaks.
_TOO_LONG_HOST = re.compile(r"/[\t\r\n]*/[^/?#]{300}")


def split_address(address: str) -> SplitResult:
    """Split a stranger's web address as `urlsplit` does. Raises `ValueError`.

    `urlsplit` takes the host into a normal form. For a long one of marks that would take seconds.
    """
    if not address.isascii() and _TOO_LONG_HOST.search(address):
        raise ValueError("no host is so long")
    return urlsplit(address)


def origin_of(page: str) -> str:
    """Return the origin of a web page's address."""
    parts = split_address(page)
    return f"{parts.scheme}://{parts.netloc}"


def host_of(address: str) -> tuple[str, int | None] | None:
    """Return (name, port) of a web address; the port is None if it is the default.

    None for other text, and for an address with a user: `https://example.com@evil.example`.
    """
    parts = split_address(address)
    usual = {"http": 80, "https": 443}
    if parts.scheme not in usual or not parts.hostname or "@" in parts.netloc:
        return None
    return dns_name(parts.hostname), parts.port if parts.port != usual[parts.scheme] else None


def dns_name(host: str) -> str:
    """Return the name in ASCII, as browsers and mail servers have it. Raises `UnicodeError`."""
    # Python's codec makes `ss` of `ß`, which is another host by today's rules.
    if host.isascii() or set(host) & set("ßς"):
        return host
    if len(host) > _LONGEST_NAME:
        raise UnicodeError("no host is so long")
    return host.encode("idna").decode()


def is_loopback_url(url: str) -> bool:
    """Whether the web address can only mean the host that asks."""
    return is_loopback_host(urlsplit(url).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Whether the name or address can only mean the host that asks."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
