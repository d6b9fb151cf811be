"""Pages of a collection: ``limit``, an opaque ``cursor``, and the link to the next page."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Self, TypeVar
from urllib.parse import parse_qsl, urlencode

from flask import request

from sandbox import error_answers

T = TypeVar("T")

# The start of the next page. Only cursors carry it.
_OFFSET = "next"


def query() -> dict[str, str]:
    """Return the query's parameters; a cursor carries those of the first page."""
    cursor = request.args.get("cursor")
    if cursor is None:
        return {name: value for name, value in request.args.items() if name != _OFFSET}
    try:
        return dict(parse_qsl(base64.urlsafe_b64decode(cursor).decode(), strict_parsing=True))
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise error_answers.invalid("cursor is in an invalid format.") from error


def flag(wanted: dict[str, str], name: str) -> bool:
    return wanted.get(name, "false").lower() == "true"


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    items: Sequence[T]
    next_cursor: str | None

    @classmethod
    def of(cls, found: Sequence[T], wanted: dict[str, str], *, default: int, most: int) -> Self:
        """Return the page of ``found`` that ``wanted`` asks for."""
        limit = wanted.get("limit", str(default))
        if not limit.isdecimal() or not 1 <= int(limit) <= most:
            raise error_answers.invalid(
                f"limit does not have a valid value, it must be 1 to {most}"
            )
        start = int(wanted.get(_OFFSET, 0))
        end = start + int(limit)
        after = urlencode(wanted | {_OFFSET: str(end)}).encode()
        cursor = base64.urlsafe_b64encode(after).decode() if end < len(found) else None
        return cls(found[start:end], cursor)

    def links(self) -> dict[str, Any]:
        """Return ``_links`` with the path of the next page; empty on the last page."""
        if self.next_cursor is None:
            return {}
        href = f"{request.path}?{urlencode({'cursor': self.next_cursor})}"
        return {"_links": {"next": {"href": href}}}
