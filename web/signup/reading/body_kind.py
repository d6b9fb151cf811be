"""Which kind of body a request has: by its Content-Type header, or by the body where that is clear.

Scripts often set a wrong header or none: `fetch` sends a string as text/plain, and a multipart
header that is set by hand has no boundary.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from shared.domain.texts import Text, lazy_gettext

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

_URLENCODED = re.compile(rb"[^\s=&<>{}\"]{1,200}=[^\r\n]*([\r\n]\s*)?")
_FIRST_BOUNDARY = re.compile(rb"\s*--([^\r\n]{1,200}?)[ \t]*+\r?\n")
_LAST_BOUNDARY = re.compile(rb"\s*--([^\r\n]{1,200}?)--\s*")


class BodyKind(Enum):
    URLENCODED = auto()  #: a=b&c=d
    MULTIPART = auto()
    JSON = auto()
    LINES = auto()  #: a=b, one to a line: what a form with enctype="text/plain" sends


class UnreadableRequest(Exception):
    """The request cannot be read as a form; `status` is 400, 413 or 415. `may_have_files`: files
    may be why."""

    def __init__(self, status: int, message: Text, *, may_have_files: bool = False) -> None:
        super().__init__(str(message))
        self.status = status
        self.message = message
        self.may_have_files = may_have_files


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentType:
    """The Content-Type header: its media type in lower case, and two of its parameters."""

    mimetype: str
    charset: str | None = None
    boundary: str | None = None

    @property
    def is_json(self) -> bool:
        return self.mimetype.endswith(("/json", "+json", "/x-json"))


def kind_of(body: bytes, header: ContentType) -> BodyKind:
    """Return the kind of `body`, which is not empty.

    Raises `UnreadableRequest` if neither the header nor the body tells.
    """
    if body.lstrip()[:1] in (b"{", b"[", b'"'):
        return BodyKind.JSON
    if boundary_in(body, header):
        return BodyKind.MULTIPART
    if header.mimetype == "text/plain" and b"\n" in body.strip(b"\n"):
        return BodyKind.LINES
    if header.mimetype == FORM or _URLENCODED.fullmatch(body):
        return BodyKind.URLENCODED
    raise _unknown(header)


def boundary_in(body: bytes, header: ContentType) -> bytes | None:
    """Return the boundary of a multipart body: the header's, or the one that the body begins with.

    None for a body of another kind.
    """
    declared = (header.boundary or "").encode()
    if declared and b"--" + declared in body:
        return declared
    found = _FIRST_BOUNDARY.match(body)
    if found and b"content-disposition" in body[:1000].lower():
        return found[1]
    if header.mimetype != MULTIPART:
        return None
    empty = _LAST_BOUNDARY.fullmatch(body)  # a multipart form without any field
    return empty[1] if empty else None


def malformed_json(header: ContentType) -> UnreadableRequest:
    message = lazy_gettext(
        "%(header_says)s The body is not valid JSON.", header_says=_header_says(header)
    )
    return UnreadableRequest(400, message)


def _unknown(header: ContentType) -> UnreadableRequest:
    if header.is_json:
        return malformed_json(header)
    if header.mimetype == MULTIPART:
        return UnreadableRequest(400, _without_boundary(header))
    if header.mimetype == "text/plain":
        return UnreadableRequest(400, _neither_json_nor_fields(header))
    kind = header.mimetype or "(none)"
    message = lazy_gettext("This form does not accept the content type %(kind)s.", kind=kind)
    return UnreadableRequest(415, message)


def _without_boundary(header: ContentType) -> Text:
    return lazy_gettext(
        "%(header_says)s The body does not contain the boundary that this needs. In a script, leave"
        " the header out: the browser sets it.",
        header_says=_header_says(header),
    )


def _neither_json_nor_fields(header: ContentType) -> Text:
    return lazy_gettext(
        "%(header_says)s The body is neither JSON nor a list of fields such as email=…",
        header_says=_header_says(header),
    )


def _header_says(header: ContentType) -> Text:
    named = header.mimetype[:60]
    if not named:
        return lazy_gettext("The request has no Content-Type header.")
    return lazy_gettext("The request's Content-Type header says %(kind)s.", kind=named)
