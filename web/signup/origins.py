"""Where a request comes from, as far as browsers say."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from shared.domain.form import Form
from shared.domain.reading.sources import CAMPAIGN
from shared.domain.remembering import remembered
from shared.domain.web_addresses import origin_of, split_address
from web.signup.reading.head import LONGEST_USUAL, Head

# The page that posts says which one it is, as most browsers tell its origin alone. Our own error
# page posts again, and says which page posted first.
PAGE = "_page"
# The page says from which other one its visitor came.
REFERRER = "_referrer"
_LONGEST_PAGE = 2000
_LONGEST_REFERRER = 500
_OUR_PAGES = ("/f/", "/connect/", "/console/")


class Source(NamedTuple):
    """Where a request comes from. Every sign-up has one, and a named tuple is made in a third of
    the time of a frozen dataclass.

    `origin` is the `Origin` header, and None if it says nothing. `page` has no query string, and is
    the bare origin if only that is known. `ours` means the origin of our public address; with
    `own_page`, one of our own pages there, not of a website beside them.
    """

    origin: str | None
    page: str | None
    ours: bool
    own_page: bool

    @property
    def website_page(self) -> str | None:
        """The page of a website that posted, if it is known."""
        return None if self.own_page else self.page

    def may_post(self, form: Form) -> bool:
        return self.origin is None or self.ours or form.allows_origin(self.origin)


def source_of(head: Head, public_url: str) -> Source:
    """Return where a request comes from."""
    origin = web_origin(head.headers.get("origin", ""))
    page = page_at(head.headers.get("referer", ""))
    if page is None or origin not in (None, origin_of(page)):
        page = page_at(origin or "")
    sender = origin or (origin_of(page) if page else None)
    ours = sender is not None and (
        sender == origin_of(public_url) or split_address(sender).netloc == head.host
    )
    own_page = ours and page is not None and _is_own_page(page, public_url)
    return Source(origin=origin, page=page, ours=ours, own_page=own_page)


def first_page(source: Source, posted: Mapping[str, list[str]]) -> Source:
    """Return the source with the page that posted first, if the page that posts names it.

    Ours may name any page, that of a website only one of its own.
    """
    if PAGE not in posted or source.page is None:
        return source
    named = next(filter(None, map(page_at, _addresses(posted))), None)
    if named is None:
        return source
    if source.ours:
        return source._replace(page=named, own_page=False)
    return source._replace(page=named) if origin_of(named) == origin_of(source.page) else source


def _addresses(posted: Mapping[str, list[str]]) -> list[str]:
    """Return what was posted as the page's address. Only pages and scripts of ours do that."""
    return [value.strip() for value in posted.get(PAGE, ())]


def referrer_of(posted: Mapping[str, list[str]]) -> str | None:
    """Return the page from which the visitor came to the form, without its query string, which may
    hold personal data."""
    said = posted.get(REFERRER)
    page = said and page_at(said[0])
    return page if page and len(page) <= _LONGEST_REFERRER else None


def campaign_of(head: Head, source: Source, posted: Mapping[str, list[str]]) -> dict[str, str]:
    """Return the campaign's names and values from the address of the website's page that posted, as
    the page or the browser tells it."""
    for address in (*_addresses(posted), head.headers.get("referer", "")):
        page = page_at(address)
        if page and source.page and origin_of(page) == origin_of(source.page):
            query = dict(parse_qsl(split_address(address).query))
            if found := {name: query[name] for name in CAMPAIGN if name in query}:
                return found
    return {}


@remembered(longest=LONGEST_USUAL)
def web_origin(text: str) -> str | None:
    """Return the origin that the text names; None for text that says nothing about the sender.

    Browsers send `null` from pages with a strict Referrer-Policy, `file://` from some apps.
    """
    try:
        parts = split_address(text)
        _ = parts.port  # raises a ValueError for a port that is none
    except ValueError:
        return None
    plain = text.isascii() and text.isprintable() and not set(text) & set(' ,"<>\\')
    return text if plain and parts.scheme and parts.hostname else None


def _is_own_page(page: str, public_url: str) -> bool:
    """Whether `page`, at our origin, is one of ours. A website may share the origin with us."""
    path, prefix = split_address(page).path, split_address(public_url).path
    if not path:
        return not prefix
    return path.removeprefix(prefix).startswith(_OUR_PAGES)


@remembered(longest=LONGEST_USUAL)  # a website's pages post, again and again
def page_at(address: str) -> str | None:
    """Return a page's address without query string, fragment and user; None for other text."""
    try:
        parts = split_address(address)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    if not address.isprintable() or len(address) > _LONGEST_PAGE:
        return None
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
