"""Reading a request's body: from any kind of body to posted fields.

The body is read here, not by Flask. Werkzeug silently cuts off a chunked body at its limit, and
replaces bytes that are not UTF-8. Both would change what a visitor typed.
"""

import json
from collections.abc import Callable, Iterable
from typing import IO, Any, NoReturn
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from shared.domain.errors import FieldError, InvalidSignup

BODY_LIMIT = 64 * 1024
# A browser shows an answer only after it has sent everything, so read this much more of the body.
_DISCARD_LIMIT = 1024 * 1024
# No real form has more. Each field costs time to check and to show again.
MOST_FIELDS = 1000

Posted = dict[str, list[str]]

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
# A beacon, or a fetch without a preflight, sends its JSON as text/plain.
_JSON = ("application/json", "text/plain")


class UnreadableRequest(Exception):
    """The request cannot be read as a form; `status` is 400, 413 or 415."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def read_posted(request: Request) -> Posted:
    """Return the posted fields in the order given, each with all its values.

    Raises `UnreadableRequest`, or `InvalidSignup` where JSON holds more than plain values.
    """
    body = _read_body(request)
    match request.mimetype:
        case _ if not body:
            pairs: Iterable[tuple[str, str]] = []
        case mimetype if mimetype == _FORM:
            pairs = _from_form(body)
        case mimetype if mimetype == _MULTIPART:
            pairs = _from_multipart(body, request.mimetype_params.get("boundary", ""))
        case mimetype if mimetype in _JSON:
            pairs = _from_json(body)
        case mimetype:
            message = f"This form does not accept the content type {mimetype or '(none)'}."
            raise UnreadableRequest(415, message)
    posted: Posted = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MOST_FIELDS:
            raise UnreadableRequest(400, f"A form can have at most {MOST_FIELDS} fields.")
        posted.setdefault(name, []).append(value)
    return posted


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


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise UnreadableRequest(400, "The request is not valid UTF-8 text.") from error


def _from_form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(_text(body), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise UnreadableRequest(400, "The request is not valid UTF-8 text.") from error


def _from_multipart(body: bytes, boundary: str) -> list[tuple[str, str]]:
    """Return the fields of a multipart body; files are ignored."""
    decoder = MultipartDecoder(boundary.encode())
    decoder.receive_data(body)
    decoder.receive_data(None)
    pairs: list[tuple[str, bytes]] = []
    name: str | None = None
    try:
        while not isinstance(event := decoder.next_event(), Epilogue | NeedData):
            match event:
                case Field():
                    name = event.name
                    pairs.append((name, b""))
                case File():
                    name = None
                case Data() if name is not None:
                    pairs[-1] = (name, pairs[-1][1] + event.data)
    except ValueError as error:
        raise UnreadableRequest(400, "The request is not a valid multipart form.") from error
    return [(name, _text(value)) for name, value in pairs]


def _from_json(body: bytes) -> list[tuple[str, str]]:
    try:
        document = json.loads(_text(body), parse_constant=_no_constant)
        # An escaped half of a surrogate pair is valid JSON, but cannot be stored as text.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UnreadableRequest(400, "The request is not valid JSON.") from error
    if not isinstance(document, dict):
        raise UnreadableRequest(400, 'The JSON must be an object, such as {"email": "…"}.')
    nested = [name for name, value in document.items() if not _is_plain(value)]
    if nested:
        message = "A value must be text, a number, true, false, null, or a list of these."
        raise InvalidSignup([FieldError(name, "invalid", message) for name in nested])
    return [
        (name, _plain_text(value))
        for name, values in document.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_plain(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return not any(isinstance(each, list | dict) for each in values)


def _plain_text(value: str | float | bool | None) -> str:
    texts: dict[type, Callable[[Any], str]] = {
        str: str,
        bool: lambda flag: "true" if flag else "false",
        type(None): lambda _: "",
    }
    return texts.get(type(value), json.dumps)(value)
