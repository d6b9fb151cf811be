"""One request, as ASGI describes it: its method, path, head and peer.

https://asgi.readthedocs.io/en/stable/specs/www.html
"""

from collections.abc import Iterable
from typing import Any

from web.request_ids import RequestId
from web.signup.reading.head import Head

# A name, and a port.
LONGEST_HOST = 253 + len(":65535")


class HttpRequest:
    """Wraps the ASGI `scope` of a request, and has its id. `head` has its headers, the values of
    one name joined, and its query."""

    def __init__(self, scope: dict[str, Any], id: RequestId) -> None:
        self.scope = scope
        self.id = id
        self.head = Head(_headers(scope["headers"]), scope["query_string"])

    @property
    def method(self) -> str:
        """The method in upper case, as Flask has it, too."""
        method: str = self.scope["method"]
        return method.upper()

    @property
    def has_one_host(self) -> bool:
        """Whether there is exactly one `Host`, as HTTP/1.1 demands (RFC 9112, 3.2), and one that
        DNS can have.

        Browsers write every name in ASCII. What reads it later would need seconds for other text.
        """
        host = self.head.host
        is_one = "," not in host and (host != "" or self.scope["http_version"] != "1.1")
        return is_one and host.isascii() and len(host) <= LONGEST_HOST

    @property
    def is_plain(self) -> bool:
        """Whether the body has no transfer coding but `chunked`, the only one that is read here."""
        return self.head.headers.get("transfer-encoding", "chunked").strip().lower() == "chunked"

    @property
    def path(self) -> str:
        """The path, percent-decoded."""
        path: str = self.scope["path"]
        return path

    @property
    def peer(self) -> str:
        """The address of whoever has opened the connection: a visitor, or a proxy."""
        peer: str = self.scope["client"][0]
        return peer

    @property
    def length(self) -> int | None:
        """The length of the body; None if it is chunked."""
        headers = self.head.headers
        return None if "transfer-encoding" in headers else int(headers.get("content-length", 0))


def _headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers by name.

    One with an underscore in its name is left out. WSGI would give it the name of another, such as
    `X_Forwarded_For`, and no proxy that we trust sends one.
    """
    headers: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" not in name:
            headers[name] = _joined(name, headers[name], value) if name in headers else value
    return headers


def _joined(name: str, first: str, second: str) -> str:
    """Return one value for two headers of the name `name` (RFC 9110, 5.3; RFC 9113, 8.2.3)."""
    return f"{first}; {second}" if name == "cookie" else f"{first},{second}"
