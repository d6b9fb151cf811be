"""Sign-ups as a list shows them: each with why it stands as it does, and what happens next."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.account import Hold
from shared.domain.signup import Signup
from shared.domain.signup_advice import Why, why
from shared.domain.signup_outlook import NextStep, Outlook, next_step
from shared.ledger.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSignup:
    """A row of a list. `next_step` is None for what is settled."""

    signup: Signup
    why: Why
    next_step: NextStep | None
    outlook: Outlook


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSignups:
    """Raises `LedgerUnavailable`."""

    ledger: Ledger
    now: Callable[[], datetime]

    def waiting(self, signups: Sequence[Signup]) -> list[ListedSignup]:
        """Return sign-ups that are due with what the ledger knows of their future: two round trips
        for all of them."""
        holds = self._holds({signup.account for signup in signups})
        outlooks = self.ledger.outlooks(signups)
        return [
            self._listed(signup, outlook, holds[signup.account])
            for signup, outlook in zip(signups, outlooks, strict=True)
        ]

    def settled(self, signups: Sequence[Signup]) -> list[ListedSignup]:
        """Return sign-ups to which nothing happens by itself."""
        return [self._listed(signup, Outlook(), ()) for signup in signups]

    def _holds(self, accounts: set[str]) -> dict[str, tuple[Hold, ...]]:
        names = sorted(accounts)
        figures = self.ledger.figures_of(names)
        return {name: each.holds for name, each in zip(names, figures, strict=True)}

    def _listed(self, signup: Signup, outlook: Outlook, holds: Sequence[Hold]) -> ListedSignup:
        return ListedSignup(
            signup=signup,
            why=why(signup, outlook, holds),
            next_step=next_step(signup, outlook, holds, self.now()),
            outlook=outlook,
        )
