"""From a refused request to what is counted and kept of it: nothing that says who it was."""

import re
from collections.abc import Iterable, Sequence

from shared.domain.errors import FieldError
from shared.domain.field_names import plain_names
from shared.domain.refusal import Refusal, code_for
from shared.domain.web_addresses import split_address
from web.signup.client_kind import client_kind
from web.signup.reading.head import Head

# Longer host names do not exist.
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.IGNORECASE)


def refusal_of(
    head: Head, status: int, errors: Sequence[FieldError], fields: Iterable[str]
) -> Refusal:
    """Return the refusal with which a request was answered; `fields` are the posted names."""
    return Refusal(
        code=code_for(status, errors),
        fields=plain_names(fields),
        origin=shown_origin(head.headers.get("origin") or head.headers.get("referer", "")),
        client=client_kind(head.headers.get("user-agent", "")),
    )


def shown_origin(address: str) -> str | None:
    """Return scheme, host and port of a page or an origin; None for any other text."""
    if address == "null":
        return address
    try:
        parts = split_address(address)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return None
    host = parts.netloc.rpartition("@")[2].removesuffix(port)
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return None
    return f"{parts.scheme}://{host.lower()}{port}"
