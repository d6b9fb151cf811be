"""The id of each request. The answer has it as `X-Request-Id`, and so has every line that web and
the workers log about the request and its sign-up.

It is an id of ours, which a sign-up that comes with the request gets as its own: so nothing more is
made or stored. Only an id that a trusted proxy gave the request takes its place, and is stored.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

HEADER = "X-Request-Id"
# In the WSGI environment.
REQUEST_ID = "relay.request_id"

# Not so long that the log would take it for a token.
_SANE = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class RequestId(NamedTuple):
    """`own` is ours, `given` is the trusted proxy's, if there is one."""

    own: str
    given: str | None = None

    def shown(self, signup: str | None = None) -> str:
        """Return what the answer has; `signup` is the sign-up that it is about. A repeat is about
        the first one, and must look like it."""
        return self.given or signup or self.own


def request_id_in(environ: Mapping[str, Any]) -> RequestId:
    """Return the id of the request of a WSGI environment; a new one if the app is served without
    the entrance, which gives it one."""
    return environ.get(REQUEST_ID) or RequestId(str(uuid.uuid4()))


class RequestIds:
    """Makes them. `new` returns an id that no other has. `trusted` says whether all requests come
    through a trusted proxy."""

    def __init__(self, new: Callable[[], str], *, trusted: bool) -> None:
        self._new = new
        self._trusted = trusted

    def of(self, headers: Iterable[tuple[bytes, bytes]]) -> RequestId:
        """Return the id of a request with these headers, whose names are in lower case."""
        return RequestId(self._new(), _given(headers) if self._trusted else None)


def _given(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    values = [value for name, value in headers if name == b"x-request-id"]
    sane = len(values) == 1 and _SANE.fullmatch(values[0])
    return values[0].decode() if sane else None
