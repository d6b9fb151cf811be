"""Dead letters: choosing, showing, correcting and discarding them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

from shared.domain.account import unknown_account
from shared.domain.errors import Refused
from shared.domain.field_checks import CheckEmail, edit_contact
from shared.domain.signup import DeathReason, Signup, State
from shared.infrastructure.timestamps import timestamp
from shared.ledger.ledger import Ledger
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.stores.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which dead letters: those with these `ids`, or all that match every given filter."""

    ids: tuple[str, ...] = ()
    account: str | None = None
    reason: DeathReason | None = None
    email: str | None = None
    since: datetime | None = None
    all: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing was chosen, which must not mean everything."""
        chosen = (self.ids, self.account, self.reason, self.email, self.since, self.all)
        return not any(chosen)

    def to_json(self) -> str:
        """Return what was chosen, without e-mail addresses."""
        chosen = {
            "ids": len(self.ids) or None,
            "account": self.account,
            "reason": self.reason,
            "email": "one person" if self.email else None,
            "since": timestamp(self.since),
            "all": self.all or None,
        }
        return json.dumps({name: value for name, value in chosen.items() if value is not None})


class DeadLetters:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`."""

    def __init__(
        self,
        ledger: Ledger,
        registry: Registry,
        *,
        fingerprints: Callable[[], Fingerprints],
        check_email: CheckEmail,
        now: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._registry = registry
        self._fingerprints = fingerprints
        self._check_email = check_email
        self._now = now

    def find(self, selection: Selection, limit: int | None = None) -> list[Signup]:
        """Return the chosen dead letters, the latest first; all of them when nothing is chosen."""
        dead = (signup for signup in self._chosen(selection) if signup.state == State.DEAD)
        return list(islice(dead, limit))

    def show(self, id: str) -> tuple[Signup, list[dict[str, Any]]]:
        """Return the sign-up `id`, whatever its state, and all that happened to it."""
        signup = self._ledger.find(id, self._account_names())
        if signup is None:
            raise Refused(
                f"There is no sign-up {id}. List the dead letters with: relay failed list"
            )
        return signup, self._ledger.history(signup)

    def discard(self, selection: Selection) -> list[str]:
        """Discard the chosen dead letters, and quarantined sign-ups named by id; return the ids."""
        chosen = self.chosen_for_change(selection)
        for signup in chosen:
            if signup.state not in (State.DEAD, State.QUARANTINED):
                raise Refused(
                    f"{signup.id} is {signup.state}. Only dead letters and quarantined sign-ups"
                    " can be discarded."
                )
        return [s.id for s in chosen if self._ledger.discard(s.account, s.id)]

    def edit(self, id: str, changes: Mapping[str, str]) -> Signup:
        """Correct fields of a dead letter. Raises `InvalidSignup` when they are wrong."""
        signup, _ = self.show(id)
        if signup.state != State.DEAD:
            raise Refused(f"{id} is {signup.state}. Only dead letters can be edited.")
        contact = edit_contact(signup.contact, changes, check_email=self._check_email)
        person = self._fingerprints().person(self._check_email(contact.email))
        change = {
            "at": round(self._now().timestamp() * 1000),
            "event": "edited",
            "fields": sorted(changes),
            "counted": False,
        }
        if not self._ledger.edit(signup, contact, person=person, change=json.dumps(change)):
            raise Refused(f"Somebody else has changed {id} just now. Look at it again.")
        return self.show(id)[0]

    # --- choosing

    def chosen_for_change(self, selection: Selection) -> list[Signup]:
        """Return the chosen sign-ups, whatever their state; at least something must be chosen."""
        if selection.is_empty:
            raise Refused("Nothing was chosen.")
        return list(self._chosen(selection))

    def _chosen(self, selection: Selection) -> Iterator[Signup]:
        if selection.account:
            self._require_account(selection.account)
        found = self._by_id(selection.ids) if selection.ids else self._dead(selection)
        email = self._comparable(selection.email) if selection.email else None
        return (signup for signup in found if self._matches(signup, selection, email))

    def _matches(self, signup: Signup, selection: Selection, email: str | None) -> bool:
        """Whether the sign-up matches every given filter."""
        ended_at = signup.settled_at or signup.received_at
        return (
            selection.account in (None, signup.account)
            and selection.reason in (None, signup.reason)
            and (selection.since is None or ended_at >= selection.since)
            and (email is None or self._compared(signup) == email)
        )

    def _by_id(self, ids: Iterable[str]) -> Iterator[Signup]:
        return (self.show(id)[0] for id in ids)

    def _dead(self, selection: Selection) -> Iterator[Signup]:
        names = [selection.account] if selection.account else self._account_names()
        found = chain.from_iterable(
            self._ledger.dead_letters(name, selection.reason) for name in names
        )
        if len(names) == 1:
            return found
        oldest = datetime.min.replace(tzinfo=UTC)
        return iter(sorted(found, key=lambda s: s.settled_at or oldest, reverse=True))

    def _comparable(self, email: str) -> str:
        try:
            return self._check_email(email)
        except ValueError as error:
            raise Refused(f"This is not an e-mail address: {error}") from error

    def _compared(self, signup: Signup) -> str | None:
        try:
            return self._check_email(signup.contact.email)
        except ValueError:
            return None

    def _account_names(self) -> list[str]:
        return [account.name for account in self._registry.accounts()]

    def _require_account(self, name: str) -> None:
        if self._registry.account(name) is None:
            raise unknown_account(name, self._account_names())
