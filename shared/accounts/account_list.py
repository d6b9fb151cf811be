"""All accounts, page by page, with those first that an operator should look at.

An installation may have thousands. A page reads the names of all, and everything else of those
that it shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.accounts.account_summary import AccountSummaries, AccountSummary
from shared.accounts.advice import in_trouble_first

PER_PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountPage:
    """The page `number`, from 1, of `pages`. `found` accounts fit, of `total`."""

    summaries: Sequence[AccountSummary]
    number: int
    pages: int
    found: int
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
    pages = max(1, -(-len(in_order) // per_page))
    number = min(max(1, number), pages)
    shown = in_order[(number - 1) * per_page : number * per_page]
    return AccountPage(
        summaries=in_trouble_first(summaries.named(shown)),
        number=number,
        pages=pages,
        found=len(names),
        total=len(every),
    )


def _found(summaries: AccountSummaries, words: str) -> list[str]:
    wanted = words.strip().casefold()
    return [
        account.name
        for account in summaries.registry.accounts()
        if wanted in account.name.casefold() or wanted in (account.organization or "").casefold()
    ]
