"""A request that Flask has, as the plain values that a sign-up is read from."""

from flask import Request

from shared.domain.texts import lazy_gettext
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.reading.head import Head
from web.signup.reading.request_body import BODY_LIMIT, too_large


def head_of(request: Request) -> Head:
    headers = {name.lower(): value for name, value in request.headers}
    return Head(headers | {"host": request.host}, request.query_string)


def arrived_body(request: Request) -> bytes:
    """Return what has arrived of the body, whole or not, which Werkzeug would refuse to read.
    Raises `UnreadableRequest` if it is too large."""
    body: bytes = request.environ["wsgi.input"].read(BODY_LIMIT + 1)
    if max(len(body), request.content_length or 0) > BODY_LIMIT:
        raise too_large(request.mimetype)
    return body


def check_whole(request: Request, body: bytes) -> None:
    """Raise `UnreadableRequest` if the body did not arrive whole."""
    if request.content_length is not None and len(body) < request.content_length:
        raise UnreadableRequest(400, lazy_gettext("The request is incomplete."))
