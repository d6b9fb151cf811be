"""All accounts, page by page, with those first that an operator should look at.

An installation may have thousands. A page reads the names of all, and everything else of those
that it shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.accounts.account_summary import AccountSummaries, AccountSummary
from shared.accounts.advice import in_trouble_first
from shared.domain.paging import PageNumber, numbered

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class AccountPage:
    """A page of the accounts. `total` is how many accounts there are, whether they fit or not."""

    summaries: Sequence[AccountSummary]
    at: PageNumber
    total: int


def account_page(
    summaries: AccountSummaries, words: str = "", number: int = 1, *, per_page: int = PER_PAGE
) -> AccountPage:
    """Return a page of the accounts with `words` in their name or organization; the last page if
    there are fewer. Raises `LedgerUnavailable`."""
    every = summaries.registry.account_names()
    names = _found(summaries, words) if words else every
    in_trouble = summaries.ledger.in_trouble(names)
    in_order = sorted(names, key=lambda name: (name not in in_trouble, name.casefold()))
    at = numbered(len(in_order), number, per_page)
    shown = summaries.named(in_order[at.first : at.end])
    return AccountPage(in_trouble_first(shown), at, len(every))


def _found(summaries: AccountSummaries, words: str) -> list[str]:
    wanted = words.strip().casefold()
    return [
        account.name
        for account in summaries.registry.accounts()
        if wanted in account.name.casefold() or wanted in (account.organization or "").casefold()
    ]
