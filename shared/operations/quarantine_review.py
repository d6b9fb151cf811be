"""Reviewing the quarantine: what an operator has ticked, or all that matches a filter."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.signup import Signup, State
from shared.operations.dead_letters import DeadLetters
from shared.operations.quarantine import Delivered, Quarantine
from shared.operations.signup_lists import SignupFilter, SignupLists

# An operator waits for these. What is left matches again.
MOST_AT_ONCE = 500
QUARANTINED = SignupFilter(states=frozenset({State.QUARANTINED}))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewChoice:
    """Quarantined sign-ups: those of `ticked`, each an account and an id, or all that match
    `filter`."""

    ticked: tuple[tuple[str, str], ...] = ()
    filter: SignupFilter = QUARANTINED


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The sign-ups that a choice means now. `left_out` of the ticked ones are not quarantined any
    more. With `more`, further ones match that were not looked at."""

    signups: list[Signup]
    left_out: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class QuarantineReview:
    """Raises `Refused` and `WrongFilter` for what cannot be done, and `LedgerUnavailable`."""

    lists: SignupLists
    quarantine: Quarantine
    dead_letters: DeadLetters

    def find(self, choice: ReviewChoice) -> Reviewed:
        """Return what the choice means now. This changes nothing."""
        if choice.ticked:
            return self._ticked(choice.ticked[:MOST_AT_ONCE])
        page = self.lists.page(choice.filter, limit=MOST_AT_ONCE)
        return Reviewed(signups=page.signups, more=page.next is not None)

    def deliver(self, choice: ReviewChoice) -> Delivered:
        """Make them due. Those that cannot be sent as they are stay."""
        return self.quarantine.deliver(self.find(choice).signups)

    def discard(self, choice: ReviewChoice, note: str) -> list[str]:
        """Discard them; return their ids. `note` says why."""
        return self.dead_letters.discard(self.find(choice).signups, note=note)

    def _ticked(self, ticked: Sequence[tuple[str, str]]) -> Reviewed:
        finder = self.lists.finder
        known = set(finder.registry.account_names())
        wanted = [(account, id) for account, id in ticked if account in known]
        found = [
            signup
            for signup in finder.ledger.signups_in_order(wanted)
            if signup.state == State.QUARANTINED
        ]
        return Reviewed(signups=found, left_out=len(ticked) - len(found))
