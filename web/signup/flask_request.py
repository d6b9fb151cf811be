"""A request that Flask has, as the plain values that a sign-up is read from."""

import contextlib

from flask import Request
from werkzeug.exceptions import ClientDisconnected

from shared.domain.texts import lazy_gettext
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.reading.head import Head
from web.signup.reading.request_body import BODY_LIMIT, too_large


def head_of(request: Request) -> Head:
    headers = {name.lower(): value for name, value in request.headers}
    return Head(headers | {"host": request.host}, request.query_string)


def arrived_body(request: Request) -> bytes:
    """Return what has arrived of the body. Raises `UnreadableRequest` if it is too large.

    Werkzeug silently cuts off a body without a length at its limit, so this reads the stream.
    """
    length = request.content_length
    if length is not None and length > BODY_LIMIT:
        raise too_large()
    body = b""
    with contextlib.suppress(ClientDisconnected):
        while chunk := request.stream.read(BODY_LIMIT + 1 - len(body)):
            body += chunk
            if len(body) > BODY_LIMIT:
                raise too_large()
    return body


def check_whole(request: Request, body: bytes) -> None:
    """Raise `UnreadableRequest` if the body did not arrive whole."""
    if request.content_length is not None and len(body) < request.content_length:
        raise UnreadableRequest(400, lazy_gettext("The request is incomplete."))
