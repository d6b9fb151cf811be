"""From a refused request to what is counted and kept of it: nothing that says who it was."""

import re
from collections.abc import Sequence

from shared.domain.errors import FieldError
from shared.domain.field_names import plain_names
from shared.domain.form import Form
from shared.domain.reading.posted_names import posted_name
from shared.domain.refusal import Refusal, code_for, wrong_fields
from shared.domain.web_addresses import split_address
from web.signup.client_kind import client_kind
from web.signup.origins import Source, first_page, referrer_of
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted

_NOTHING: Posted = {}
# Longer host names do not exist.
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]{2,45}\]", re.IGNORECASE)


def refusal_of(
    form: Form,
    head: Head,
    source: Source,
    status: int,
    errors: Sequence[FieldError] = (),
    posted: Posted = _NOTHING,
) -> Refusal:
    """Return the refusal with which a request from `source` was answered."""

    def arrived(field: str) -> bool:
        return source.own_page or posted_name(field, posted, form) is not None

    # Those of our own page that nobody fills in tell nothing.
    names = (name for name in posted if not (source.own_page and name.startswith("_")))
    return Refusal(
        code=code_for(status, errors),
        fields=plain_names(names),
        origin=shown_origin(_page(head, source, posted)),
        client=client_kind(head.headers.get("user-agent", "")),
        wrong=tuple(wrong_fields(errors, arrived)),
        hosted=source.own_page,
    )


def _page(head: Head, source: Source, posted: Posted) -> str:
    """Return the website's page that posted; of our own page, the one that frames or links it."""
    if source.own_page:
        return first_page(source, posted).website_page or referrer_of(posted) or ""
    return head.headers.get("origin") or head.headers.get("referer", "")


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
