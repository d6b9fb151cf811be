"""Lists of sign-ups, the last received first, a page at a time; and the causes of dead letters.

A page costs the same among a thousand sign-ups and among a million. Filters that no index serves
are looked up in the records, of which a page reads `MOST_READ` at most.
"""

import base64
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.domain.account import told_name, unknown_account
from shared.domain.errors import WrongFilter
from shared.domain.failure_group import FailureGroup
from shared.domain.job_filter import JobFilter
from shared.domain.reading.values import clean_address
from shared.domain.signup import QUARANTINE_FILTERS, DeathReason, Signup, State
from shared.ledger.records import FirstLine
from shared.ledger.script_library import batches
from shared.ledger.signup_index import IndexPlace, SignupIndex, WantedSignups
from shared.ledger.time_units import from_milliseconds
from shared.operations.people import compared_forms
from shared.operations.selection import SignupFinder

DUE = frozenset({State.QUEUED, State.DELIVERING, State.RETRYING})
# Then a page ends, and says where to search on.
MOST_READ = 2_000
_READ_AT_ONCE = 100
_GROUP = re.compile(r"[a-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupFilter:
    """Which sign-ups. What is None, or empty, matches everything.

    `reason` is one of death, or any of a quarantine's. `group` is the id of a failure group.
    `since` and `until`, which is exclusive, go by `received_at`, `settled_since` by `settled_at`.
    `words` are part of the error key or message.
    """

    states: frozenset[State] = frozenset()
    account: str | None = None
    form: str | None = None
    reason: str | None = None
    group: str | None = None
    email: str | None = field(default=None, repr=False)
    since: datetime | None = None
    until: datetime | None = None
    settled_since: datetime | None = None
    words: str | None = None

    @property
    def of_records(self) -> JobFilter:
        """The part that only the records of sign-ups tell, but for the address."""
        return JobFilter(
            form=self.form,
            since=self.since,
            until=self.until,
            settled_since=self.settled_since,
            words=self.words,
        )


@dataclass(frozen=True, slots=True)
class SignupPage:
    """Some sign-ups, the last received first. With `next`, an opaque cursor, the list goes on, even
    if this page has few of them or none. `read` is how many records were read for it."""

    signups: list[Signup]
    next: str | None
    read: int


@dataclass(frozen=True, slots=True)
class SignupLists:
    """Raises `WrongFilter` for a filter that cannot be right, and `LedgerUnavailable`. Records that
    nobody can read are left out and collected (`stored_records.py`)."""

    finder: SignupFinder
    index: SignupIndex

    def page(
        self, chosen: SignupFilter, *, cursor: str | None = None, limit: int = 100
    ) -> SignupPage:
        """Return the next sign-ups after `cursor`, the `next` of another page; `limit` at most."""
        below = None if cursor is None else _place(cursor)
        places = self._places(chosen, below, limit)
        matches = self._matcher(chosen)
        found: list[Signup] = []
        read = 0
        for some in batches(places, _READ_AT_ONCE):
            for place, signup in self._signups(some, chosen.of_records.may_match):
                read += 1
                if signup and matches(signup):
                    found.append(signup)
                if len(found) == limit or read == MOST_READ:
                    is_last = place == some[-1] and next(places, None) is None
                    return SignupPage(found, None if is_last else _cursor(place), read)
        return SignupPage(found, None, read)

    def groups(
        self, *, account: str | None = None, form: str | None = None, reason: str | None = None
    ) -> list[FailureGroup]:
        """Return the groups of dead letters, the largest first."""
        found = (
            group
            for group in self.index.groups(self._accounts(account))
            if form in (None, group.form) and reason in (None, group.reason)
        )
        return sorted(found, key=lambda group: (-group.count, group.account, group.id))

    def group_of(self, signup: Signup) -> FailureGroup | None:
        """Return the group of a dead letter; None if it is none any more."""
        groups = {each.id: each for each in self.groups(account=signup.account)}
        found = self.index.groups_with(signup.account, signup.id, list(groups))
        return groups[found[0]] if found else None

    def dead_by_reason(self, account: str | None = None) -> dict[DeathReason, int]:
        """Return how many dead letters there are of each reason, also where there are none."""
        return self.index.dead_by_reason(self._accounts(account))

    def _places(
        self, chosen: SignupFilter, below: IndexPlace | None, limit: int
    ) -> Iterator[IndexPlace]:
        """Yield the places that may match, with as few others as the indexes allow."""
        accounts = self._accounts(chosen.account, removed=chosen.email is not None)
        self._check_names(chosen, accounts)
        if chosen.email is not None and chosen.group is None:
            found = self._of_person(chosen.email, accounts)
            return (place for place in found if below is None or place < below)
        wanted = WantedSignups(
            states=_states(chosen),
            reason=chosen.reason,
            form=chosen.form,
            group=chosen.group,
            since=chosen.since,
            until=chosen.until,
        )
        return self.index.places(accounts, wanted, below=below, most=limit)

    def _accounts(self, account: str | None, *, removed: bool = False) -> list[str]:
        """Return the account, or all; with `removed`, those of which only records are left, too."""
        registry = self.finder.registry
        names = registry.owners_of_records() if removed else registry.account_names()
        if account is None:
            return names
        if account not in names:
            raise WrongFilter("account", str(unknown_account(account, names)))
        return [account]

    def _check_names(self, chosen: SignupFilter, accounts: Sequence[str]) -> None:
        _check_reason(chosen.reason)
        if chosen.group is not None and not _GROUP.fullmatch(chosen.group):
            raise WrongFilter("group", "This is not the id of a failure group.")
        if chosen.form is not None and not self._is_known(chosen.form, accounts):
            raise WrongFilter(
                "form", f"There is no form {told_name(chosen.form)} and no sign-up of one."
            )

    def _is_known(self, form: str, accounts: Sequence[str]) -> bool:
        """Whether there is such a form, or these accounts have accepted a sign-up of one."""
        there = form in self.finder.registry.form_names()
        return there or self.index.has_had_form(accounts, form)

    def _of_person(self, email: str, accounts: Sequence[str]) -> list[IndexPlace]:
        fingerprints = self.finder.fingerprints()
        people = map(fingerprints.person, self._compared(email))
        found = {place for each in people for place in self.index.of_person(accounts, each)}
        return sorted(found, reverse=True)

    def _compared(self, email: str) -> list[str]:
        if "@" not in email:
            raise WrongFilter("email", "This is not an e-mail address.")
        return self._forms(email)

    def _forms(self, email: str) -> list[str]:
        return compared_forms(email, self.finder.check_email)

    def _signups(
        self, places: Sequence[IndexPlace], may_match: Callable[[FirstLine], bool]
    ) -> Iterator[tuple[IndexPlace, Signup | None]]:
        """Yield each place with its sign-up, if that is still there, can be read and may match."""
        wanted = [(place.account, place.id) for place in places]
        readable = self.finder.ledger.signups_in_order(wanted, may_match)
        found = {(each.account, each.id): each for each in readable}
        return ((place, found.get(each)) for place, each in zip(places, wanted, strict=True))

    def _matcher(self, chosen: SignupFilter) -> Callable[[Signup], bool]:
        """Return what tells whether a sign-up matches all filters that it may fail."""
        states, of_records = _states(chosen), chosen.of_records
        person = set(self._compared(chosen.email)) if chosen.email is not None else set()

        def is_theirs(email: str) -> bool:
            return not person.isdisjoint(self._forms(clean_address(email)))

        def matches(signup: Signup) -> bool:
            return (
                signup.state in states
                and of_records.matches(signup)
                and (chosen.reason is None or signup.has_reason(chosen.reason))
                and (not person or any(map(is_theirs, signup.contact.emails)))
            )

        return matches


def _states(chosen: SignupFilter) -> frozenset[State]:
    """Return the states that sign-ups may be in which match. Only some have a reason."""
    states = chosen.states or frozenset(State)
    if chosen.group is not None:
        return states & {State.DEAD}
    if chosen.reason is None:
        return states
    with_it = State.DEAD if chosen.reason in list(DeathReason) else State.QUARANTINED
    return states & {with_it, State.DISCARDED}


def _check_reason(reason: str | None) -> None:
    known = [*DeathReason, *QUARANTINE_FILTERS]
    if reason is not None and reason not in known:
        raise WrongFilter(
            "reason", f"There is no reason {told_name(reason)}. Reasons: {', '.join(known)}."
        )


# --- where a page begins, which a client keeps for us


def _cursor(place: IndexPlace) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place(cursor: str) -> IndexPlace:
    """Return the place of the last sign-up on the page before."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        time, account, id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not (isinstance(time, float) and isinstance(account, str) and isinstance(id, str)):
            raise TypeError
        from_milliseconds(time)
    except (ValueError, TypeError, RecursionError) as error:
        message = "This is no cursor of a list. Begin again without one."
        raise WrongFilter("cursor", message) from error
    return IndexPlace(time, account, id)
