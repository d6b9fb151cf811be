"""HTTP/1.1 requests as bytes, and answers read from a file of bytes."""

import zlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPResponse, IncompleteRead
from json import dumps
from typing import IO, Any, Protocol, cast
from urllib.parse import quote, urlencode

from shared.constant_contact.response import Response
from shared.domain.web_addresses import dns_name, split_address

# More than any answer that makes sense here; the largest page of lists is far smaller.
LARGEST_ANSWER = 1 << 20
# What may stand in a path or a query as it is, `%` included: most of it is encoded already.
_AS_IT_IS = "%/?:@!$&'()*+,;=~[]"


class AnswerTooLong(ValueError):
    """The answer has more than `LARGEST_ANSWER` bytes."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes. `target` is what its first line names."""

    tls: bool
    host: str
    port: int
    authority: str
    target: str

    @property
    def origin(self) -> tuple[bool, str, int]:
        return self.tls, self.host, self.port


# Nearly all requests go to the same few addresses.
@lru_cache(maxsize=16)
def read_url(url: str) -> Address:
    """Return where `url` leads. Raises `ValueError` when that cannot be told."""
    parts = split_address(url)
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError("no address of a web server")
    tls = parts.scheme == "https"
    name = parts.hostname
    host = dns_name(name)
    named = f"[{host}]" if ":" in host else host
    path, query = (quote(part, safe=_AS_IT_IS) for part in (parts.path or "/", parts.query))
    return Address(
        tls=tls,
        host=host,
        port=parts.port or (443 if tls else 80),
        authority=f"{named}:{parts.port}" if parts.port else named,
        target=f"{path}?{query}" if query else path,
    )


def request_bytes(
    method: str,
    address: Address,
    headers: Mapping[str, str],
    *,
    json: Any = None,
    data: Mapping[str, str] | None = None,
) -> bytes:
    """Return the whole request, with `json` or the form `data` as its body. Raises `ValueError`."""
    body, content_type = _encoded(json, data)
    lines = [
        f"{method} {address.target} HTTP/1.1",
        f"Host: {address.authority}",
        "User-Agent: signup-relay",
        "Accept-Encoding: gzip",
        *(f"{name}: {value}" for name, value in {"Accept": "*/*", **headers}.items()),
    ]
    if content_type:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    head = "\r\n".join(lines)
    if head.count("\n") + 1 != len(lines) or head.count("\r") + 1 != len(lines):
        raise ValueError("a line break within a header")
    return f"{head}\r\n\r\n".encode("latin-1") + body


def basic_auth(user: str, password: str) -> dict[str, str]:
    """Return the header for a user and a password."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


def _encoded(json: Any, data: Mapping[str, str] | None) -> tuple[bytes, str]:
    """Return the body, and of what type it is; no type without a body."""
    if json is not None:
        return dumps(json, allow_nan=False).encode(), "application/json"
    if data is not None:
        return urlencode(data).encode(), "application/x-www-form-urlencoded"
    return b"", ""


class ByteSource(Protocol):
    """Where an answer comes from."""

    def makefile(self, mode: str) -> IO[bytes]: ...


def read_response(method: str, source: ByteSource) -> tuple[Response, bool]:
    """Return the answer to a request with this method, and whether it is the connection's last.

    Raises `HTTPException` and `ValueError` when it cannot be read.
    """
    answer = HTTPResponse(cast(Any, source), method=method)
    answer.begin()
    body = answer.read(LARGEST_ANSWER + 1)
    if len(body) > LARGEST_ANSWER:
        raise AnswerTooLong
    if answer.length:
        raise IncompleteRead(body, answer.length)
    headers = _by_name(answer.getheaders())
    plain = _decoded(body, headers.get("content-encoding", "identity"))
    return Response(answer.status, headers, plain), answer.will_close


def _by_name(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Return the headers by their names in small letters; the values of one name with commas."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "identity":
        return body
    if encoding != "gzip":
        raise ValueError("an encoding that nobody asked for")
    gzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        plain = gzip.decompress(body, LARGEST_ANSWER + 1)
    except zlib.error as error:
        raise ValueError("no gzip") from error
    if len(plain) > LARGEST_ANSWER:
        raise AnswerTooLong
    if not gzip.eof:
        raise ValueError("gzip that breaks off")
    return plain
