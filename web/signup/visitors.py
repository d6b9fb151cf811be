"""Who signs up, and from where: as far as the request and the page say."""

from collections.abc import Mapping
from dataclasses import dataclass

from web.signup.origins import Source, referrer_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """`address` is of the network. `page` has the form, and `referrer` led there, if known."""

    address: str
    page: str | None
    referrer: str | None = None


def visitor_of(source: Source, posted: Mapping[str, list[str]], *, address: str) -> Visitor:
    """Return who has posted these fields; `source` is the page that posted first."""
    return Visitor(address=address, page=source.page, referrer=referrer_of(posted))
