"""Where a request comes from, as far as browsers say, and which pages CORS lets read the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Request

from shared.domain.form import Form
from shared.domain.posted_fields import instruction

# Our own error page posts again. This field carries along the page that posted first.
PAGE = "_page"
_LONGEST_PAGE = 2000

_PREFLIGHT = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "Accept, Content-Type, X-Requested-With, Idempotency-Key",
    "Access-Control-Max-Age": "86400",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a request comes from: the `Origin` header, and the page without its query string.

    `ours` means one of our own pages.
    """

    origin: str | None
    page: str | None
    ours: bool

    @property
    def page_origin(self) -> str | None:
        return _origin_of(self.page) if self.page else None

    def may_post(self, form: Form) -> bool:
        return self.origin is None or self.ours or form.allows_origin(self.origin)


def source_of(request: Request, public_url: str) -> Source:
    """Return where `request` comes from."""
    origin = request.headers.get("Origin")
    referrer = _page(request.referrer or "") or _page(origin or "")
    sender = origin or (_origin_of(referrer) if referrer else None)
    ours = sender is not None and (
        sender == _origin_of(public_url) or _netloc(sender) == request.host
    )
    return Source(origin=origin, page=referrer, ours=ours)


def first_page(source: Source, posted: Mapping[str, list[str]]) -> Source:
    """Return the source with the page that posted first, if our own page carried it along."""
    carried = [page for value in instruction(posted, PAGE) if (page := _page(value))]
    if not (source.ours and carried):
        return source
    return Source(origin=source.origin, page=carried[0], ours=source.ours)


def cors_headers(form: Form | None, source: Source, *, preflight: bool) -> dict[str, str]:
    """Return the headers that let the form's pages read an answer, errors included.

    A page that may not read the answer gets the name of one that may: browsers show both.
    """
    headers = {"Access-Control-Expose-Headers": "Retry-After"} | (_PREFLIGHT if preflight else {})
    if form is None or not form.origins:
        return headers | {"Access-Control-Allow-Origin": "*"}
    allowed = source.origin if source.origin and source.may_post(form) else form.origins[0]
    return headers | {"Access-Control-Allow-Origin": allowed, "Vary": "Origin"}


def _page(address: str) -> str | None:
    """Return a page's address without query string, fragment and user; None for other text."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    if not address.isprintable() or len(address) > _LONGEST_PAGE:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _origin_of(page: str) -> str:
    return f"{urlsplit(page).scheme}://{_netloc(page)}"


def _netloc(address: str) -> str | None:
    """Return host and port; None if `address` is not an address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None
