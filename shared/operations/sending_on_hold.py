"""Whether what an operator sends is sent now: not while its account, or its API key, is on hold."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.domain.account import Hold
from shared.domain.holds_in_words import waits_now, what_follows, would_wait
from shared.ledger.ledger import Ledger

# Of the accounts of many sign-ups, so many are looked up by name.
NAMED = 10


@dataclass(frozen=True, slots=True)
class SendingOnHold:
    """Raises `LedgerUnavailable`."""

    ledger: Ledger
    now: Callable[[], datetime]

    def held(self, accounts: Counter[str]) -> dict[str, tuple[Hold, ...]]:
        """Return the holds of those that have some, of the accounts with the most sign-ups."""
        names = [name for name, _ in accounts.most_common(NAMED)]
        figures = zip(names, self.ledger.figures_of(names), strict=True)
        return {name: found.holds for name, found in figures if found.holds}

    def before(self, accounts: Counter[str], verb: str) -> list[str]:
        """Return, in sentences, what the holds of these accounts will do to what is sent."""
        held, now = self.held(accounts), self.now()
        return [would_wait(name, holds, now, verb) for name, holds in held.items()]

    def of_one(self, account: str, sent: str) -> str:
        """Return what becomes of a sign-up that was made due: `sent`, unless a hold keeps it."""
        holds = self.ledger.figures(account).holds
        return waits_now(account, holds, self.now()) if holds else sent

    def of_many(self, due: Counter[str], done: str = "sent") -> list[str]:
        """Return, in sentences, what becomes of those that were made due, counted by account."""
        return what_follows(due, self.held(due), self.now(), done)
