"""Choosing sign-ups: dead letters or quarantined ones, by their ids or by filters."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from shared.domain.errors import NoSuchSignup, Refused, UnreadableRecord
from shared.domain.form import Form
from shared.domain.reading.field_checks import CheckEmail
from shared.domain.reading.values import clean_address
from shared.domain.short_ids import full_id
from shared.domain.signup import DeathReason, Evidence, Signup, State
from shared.infrastructure.stored_records import collecting
from shared.infrastructure.timestamps import timestamp
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.stores.registry import Registry

# What operators call the sign-ups that they decide about.
NOUNS = {State.DEAD: "failed sign-up", State.QUARANTINED: "quarantined sign-up"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which sign-ups: those with these `ids`, or all that match every given filter.

    `reason` is a reason of dead letters, or any of those of a quarantine.
    """

    ids: tuple[str, ...] = ()
    account: str | None = None
    form: str | None = None
    reason: str | None = None
    email: str | None = None
    since: datetime | None = None
    all: bool = False

    @property
    def full_ids(self) -> tuple[str, ...]:
        """The ids, the short ones in their full form."""
        return tuple(map(full_id, self.ids))

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen, which must not mean everything."""
        filters = (self.account, self.form, self.reason, self.email, self.since)
        return not any((self.ids, *filters, self.all))

    def to_json(self) -> str:
        """Return what was chosen, without e-mail addresses."""
        chosen = {
            "ids": len(self.ids) or None,
            "account": self.account,
            "form": self.form,
            "reason": self.reason,
            "email": "one person" if self.email else None,
            "since": timestamp(self.since),
            "all": self.all or None,
        }
        return json.dumps({name: value for name, value in chosen.items() if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableSignup:
    """A dead letter whose record nobody can read. It can be discarded."""

    id: str
    account: str
    state: State = State.DEAD
    reason: str = DeathReason.UNREADABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupFinder:
    """Finds the sign-ups that an operator means. Raises `Refused` and `LedgerUnavailable`."""

    ledger: Ledger
    registry: Registry
    people: People
    fingerprints: Callable[[], Fingerprints]
    check_email: CheckEmail

    def one(self, id: str) -> Signup:
        """Return the sign-up with this long or short id, whatever its state.

        Raises `UnreadableRecord` and `NoSuchSignup`.
        """
        with collecting() as unreadable:
            signup = self.ledger.find(full_id(id), self.registry.account_names())
        if signup is None and unreadable:
            raise UnreadableRecord(", ".join(map(str, unreadable)))
        if signup is None:
            raise NoSuchSignup(id)
        return signup

    def ticked(self, ticked: Iterable[tuple[str, str]], state: State) -> list[Signup]:
        """Return those of these sign-ups, each an account and an id, that are in this state now.
        Browsers send them, so the accounts may have any names."""
        known = set(self.registry.account_names())
        wanted = [(account, id) for account, id in ticked if account in known]
        found = self.ledger.signups_in_order(wanted)
        return [signup for signup in found if signup.state == state]

    def evidence(self, id: str) -> Evidence | None:
        """Return the evidence of consent that is left of the cleared sign-up `id`."""
        return self.people.evidence_of(self.registry.owners_of_records(), full_id(id))

    def form(self, name: str) -> Form | None:
        """Return the form; None if nobody knows it any more."""
        return next(iter(self.registry.forms_named([name])), None)

    def unreadable(self, ids: Sequence[str]) -> list[UnreadableSignup]:
        """Return those of `ids` that are dead letters which nobody can read."""
        found = self.ledger.unreadable.find(
            [full_id(id) for id in ids], self.registry.account_names()
        )
        return [UnreadableSignup(id=id, account=account) for account, id in found]

    def chosen(self, selection: Selection, state: State) -> Iterator[Signup]:
        """Return the chosen sign-ups that are in `state`, the latest first."""
        found = self._chosen(selection, state)
        return (signup for signup in found if signup.state == state)

    def chosen_for_change(self, selection: Selection, state: State) -> Iterator[Signup]:
        """Return the same, and those of the ids in any state. Something must be chosen."""
        if selection.is_empty:
            raise Refused("Nothing was chosen.")
        return self._chosen(selection, state)

    def _chosen(self, selection: Selection, state: State) -> Iterator[Signup]:
        if selection.account:
            self.registry.check_known(selection.account)
        email = self._comparable(selection.email) if selection.email else None
        found = self._find(selection, state, email)
        return (signup for signup in found if self._matches(signup, selection, email))

    def _matches(self, signup: Signup, selection: Selection, email: str | None) -> bool:
        """Whether the sign-up matches every given filter."""
        return (
            selection.account in (None, signup.account)
            and selection.form in (None, signup.form)
            and (selection.reason is None or signup.has_reason(selection.reason))
            and (selection.since is None or _ended_at(signup) >= selection.since)
            and (email is None or email in map(self._compared, signup.contact.emails))
        )

    def _find(self, selection: Selection, state: State, email: str | None) -> Iterator[Signup]:
        """Return all that may match, with as few others as the ledger's indexes allow."""
        if selection.ids:
            return (self.one(id) for id in selection.full_ids)
        names = [selection.account] if selection.account else self.registry.account_names()
        if email:
            return self._of_person(email, names, state)
        if state == State.QUARANTINED:
            return self.ledger.quarantined(*names, since=selection.since)
        reason = DeathReason(selection.reason) if selection.reason else None
        return self.ledger.dead_letters(*names, reason=reason, since=selection.since)

    def _of_person(self, email: str, accounts: list[str], state: State) -> Iterator[Signup]:
        person = self.fingerprints().person(email)
        found = (each for each in self.people.signups(accounts, person) if each.state == state)
        return iter(sorted(found, key=_ended_at, reverse=True))

    def _comparable(self, email: str) -> str:
        try:
            return self.check_email(email)
        except ValueError as error:
            raise Refused(f"This is not an e-mail address: {error}") from error

    def _compared(self, email: str) -> str | None:
        try:
            return self.check_email(clean_address(email))
        except ValueError:
            return None


class OfAccount(Protocol):
    @property
    def account(self) -> str: ...
    @property
    def id(self) -> str: ...


def ids_by_account(signups: Iterable[OfAccount]) -> dict[str, list[str]]:
    """Return the ids of the sign-ups by account."""
    ids: dict[str, list[str]] = defaultdict(list)
    for signup in signups:
        ids[signup.account].append(signup.id)
    return ids


def oldest_first(signups: Iterable[Signup]) -> list[Signup]:
    """Return them in the order in which they were received, so that a person's keep theirs."""
    return sorted(signups, key=lambda signup: signup.received_at)


def _ended_at(signup: Signup) -> datetime:
    """Return when a dead letter died, or a quarantined sign-up was received."""
    return signup.settled_at or signup.received_at


def chosen_in_words(selection: Selection, signups: Sequence[Signup]) -> str:
    """Return how a job's sign-ups were chosen, for people, as JSON and without addresses."""
    caught = all(each.state == State.QUARANTINED for each in signups)
    state = {"state": State.QUARANTINED} if caught else {}
    return json.dumps(state | json.loads(selection.to_json()))
