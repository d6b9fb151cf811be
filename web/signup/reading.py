"""Reading: from a request's body to posted fields, whatever kind of body it is.

The body is read here, not by Flask: Werkzeug shortens a chunked body at its limit
without a word, and replaces bytes that are no UTF-8. Both would change what a
visitor typed.
"""

import json
from collections.abc import Callable, Iterable
from typing import IO, Any, NoReturn
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder, NeedData

from shared.domain.errors import FieldError, InvalidSignup

BODY_LIMIT = 64 * 1024
# A browser shows an answer only after it has sent everything, so this much more is let in.
_READ_AWAY = 1024 * 1024
# No form has so many; each costs time to check and to show again.
MOST_FIELDS = 1000

Posted = dict[str, list[str]]

_FORM = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
# A beacon, or a fetch that wants no preflight, sends its JSON as text/plain.
_JSON = ("application/json", "text/plain")


class Unreadable(Exception):
    """The request cannot be read as a form; `status` is 400, 413 or 415."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def read_posted(request: Request) -> Posted:
    """Return the posted fields in the order given, each with all its values.

    Raises `Unreadable`, or `InvalidSignup` where JSON holds more than plain values.
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
            raise Unreadable(415, f"A form cannot be sent as {mimetype or 'an unnamed type'} here.")
    posted: Posted = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MOST_FIELDS:
            raise Unreadable(400, f"At most {MOST_FIELDS} fields can be sent at once.")
        posted.setdefault(name, []).append(value)
    return posted


def wants_json(request: Request) -> bool:
    """Whether the answer should be JSON rather than a page or a redirect."""
    if request.headers.get("X-Requested-With", "").lower() == "xmlhttprequest":
        return True
    if request.args.get("format") == "json":
        return True
    accepted = request.accept_mimetypes
    json_quality, html_quality = accepted["application/json"], accepted["text/html"]
    if json_quality != html_quality:
        return bool(json_quality > html_quality)
    # Neither is preferred (curl says */*), so the answer is of the question's kind.
    return request.mimetype in _JSON


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
        raise Unreadable(400, "The request ended before all of it had arrived.")
    return body


def _too_large(rest: IO[bytes]) -> NoReturn:
    read_away = 0
    while read_away < _READ_AWAY and (chunk := rest.read(BODY_LIMIT)):
        read_away += len(chunk)
    raise Unreadable(413, f"A sign-up may have {BODY_LIMIT // 1024} KiB, and this one is larger.")


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(400, "What was sent is not UTF-8 text.") from error


def _from_form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(_text(body), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise Unreadable(400, "What was sent is not UTF-8 text.") from error


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
        raise Unreadable(400, "What was sent is not a well-formed multipart form.") from error
    return [(name, _text(value)) for name, value in pairs]


def _from_json(body: bytes) -> list[tuple[str, str]]:
    try:
        document = json.loads(_text(body), parse_constant=_no_constant)
        # An escaped half of a surrogate pair is valid JSON but no text that could be stored.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise Unreadable(400, "What was sent is not well-formed JSON.") from error
    if not isinstance(document, dict):
        raise Unreadable(400, 'The JSON must be an object, such as {"email": "…"}.')
    nested = [name for name, value in document.items() if not _is_plain(value)]
    if nested:
        message = "Only text, numbers, true, false, null or a list of these can be sent."
        raise InvalidSignup([FieldError(name, "invalid", message) for name in nested])
    return [
        (name, _plain_text(value))
        for name, values in document.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


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
