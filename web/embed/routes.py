"""``/embed.js``: the script, the same for every website."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, request

bp = Blueprint("embed", __name__)

BUILT = Path(__file__).with_name("embed.min.js")

_HEADERS = {
    "Content-Type": "text/javascript; charset=utf-8",
    # An upgrade reaches every website within the hour.
    "Cache-Control": "public, max-age=3600",
    "Vary": "Accept-Encoding",
    # Pages that isolate themselves (COEP) load it, and those that ask with `crossorigin`.
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
}


@dataclass(frozen=True, slots=True)
class _Encoded:
    content: bytes
    etag: str
    headers: dict[str, str]


@bp.get("/embed.js")
def script() -> Response:
    """Return the script, or 304 to a browser that has it."""
    found = _encoded(compressed=request.accept_encodings.quality("gzip") > 0)
    response = Response(found.content, headers=found.headers)
    response.set_etag(found.etag)
    response.make_conditional(request)
    return response


@cache
def _encoded(*, compressed: bool) -> _Encoded:
    content, headers = BUILT.read_bytes(), _HEADERS
    if compressed:
        content = gzip.compress(content, 9, mtime=0)
        headers = {**headers, "Content-Encoding": "gzip"}
    return _Encoded(content, hashlib.sha256(content).hexdigest()[:20], headers)
