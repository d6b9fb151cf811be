"""Who signs up, and from where: as far as the request and the page say."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from shared.domain.form import Form
from shared.domain.reading.sources import PAGE, REFERRER
from web.signup.origins import Source, campaign_of, referrer_of
from web.signup.reading.head import Head

_NO_CAMPAIGN: Mapping[str, str] = MappingProxyType({})


class Visitor(NamedTuple):
    """`address` is of the network. `page` has the form, and `referrer` led there, if known.

    `campaign` has the campaign's names and values from the page's address.
    """

    address: str
    page: str | None
    referrer: str | None = None
    campaign: Mapping[str, str] = _NO_CAMPAIGN

    def arrived(self) -> dict[str, str]:
        """Return what is known of the sources that a form may send."""
        pages = {PAGE: self.page, REFERRER: self.referrer}
        return {**self.campaign, **{name: page for name, page in pages.items() if page}}


def visitor_of(
    form: Form, head: Head, source: Source, posted: Mapping[str, list[str]], *, address: str
) -> Visitor:
    """Return who has posted these fields to the form; `source` is the page that posted first."""
    return Visitor(
        address=address,
        page=source.page,
        referrer=referrer_of(posted),
        campaign=campaign_of(head, source, posted) if form.sources else _NO_CAMPAIGN,
    )
