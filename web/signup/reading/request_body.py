"""Reading a request's body whole, within limits, and its fields; and those in its address.

The body is read here, not by Flask. Werkzeug silently cuts off a chunked body at its limit.
"""

from collections.abc import Sequence
from typing import IO, NoReturn

from flask import Request

from shared.domain.reading.posted_fields import IN_ADDRESS
from shared.domain.reading.values import clean_line
from web.signup.reading.body_kind import FORM, ContentType, UnreadableRequest
from web.signup.reading.json_pairs import Pair
from web.signup.reading.pairs import pairs_in

BODY_LIMIT = 64 * 1024
# A browser shows an answer only after it has sent everything, so read this much more of the body.
_DISCARD_LIMIT = 1024 * 1024
# What an address has for `web.signup.answer_kind`.
_NO_FIELDS = ("format", "__amp_source_origin")

Posted = dict[str, list[str]]


def read_posted(request: Request) -> Posted:
    """Return the posted fields in the order given, each with all its values.

    Fields in the form's address count if the body has none: a script may have put all of them
    there. Else they are kept. Raises `UnreadableRequest`.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        message = "The body is compressed (Content-Encoding). Please send it uncompressed."
        raise UnreadableRequest(415, message)
    posted = _by_name(pairs_in(_read_body(request), content_type_of(request)))
    query = read_query(request) if request.query_string else {}
    if not posted:
        return query
    return posted | {f"{IN_ADDRESS}{name}]": values for name, values in query.items()}


def read_query(request: Request) -> Posted:
    """Return the fields in the request's address. Raises `UnreadableRequest`."""
    found = _by_name(pairs_in(request.query_string, ContentType(mimetype=FORM)))
    return {name: values for name, values in found.items() if name not in _NO_FIELDS}


def _by_name(pairs: Sequence[Pair]) -> Posted:
    posted: Posted = {}
    for name, value in pairs:
        posted.setdefault(clean_line(name), []).append(value)
    return posted


def content_type_of(request: Request) -> ContentType:
    """Return what the request's Content-Type header says."""
    parameters = request.mimetype_params
    return ContentType(
        mimetype=request.mimetype,
        charset=parameters.get("charset"),
        boundary=parameters.get("boundary"),
    )


def _read_body(request: Request) -> bytes:
    length = request.content_length
    if length is not None and length > BODY_LIMIT:
        _too_large(request.stream)
    body = b""
    while chunk := request.stream.read(BODY_LIMIT + 1 - len(body)):
        body += chunk
        if len(body) > BODY_LIMIT:
            _too_large(request.stream)
    if length is not None and len(body) < length:
        raise UnreadableRequest(400, "The request is incomplete.")
    return body


def _too_large(rest: IO[bytes]) -> NoReturn:
    discarded = 0
    while discarded < _DISCARD_LIMIT and (chunk := rest.read(BODY_LIMIT)):
        discarded += len(chunk)
    message = f"A sign-up can have at most {BODY_LIMIT // 1024} KiB. This one is larger."
    raise UnreadableRequest(413, message)
