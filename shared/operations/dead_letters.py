"""Dead letters: showing, correcting and discarding them."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.domain.reading.field_checks import edit_contact
from shared.domain.signup import Signup, State
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.selection import (
    Selection,
    SignupFinder,
    UnreadableSignup,
    ids_by_account,
)

_KEPT = (State.DEAD, State.QUARANTINED)


class DeadLetters:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`."""

    def __init__(
        self, finder: SignupFinder, trail: AuditTrail, *, now: Callable[[], datetime]
    ) -> None:
        self._finder = finder
        self._ledger = finder.ledger
        self._trail = trail
        self._now = now

    def find(self, selection: Selection, limit: int | None = None) -> list[Signup]:
        """Return the chosen dead letters, the latest first; all of them when nothing is chosen."""
        chosen = self._finder.chosen(selection, State.DEAD)
        return list(islice((signup for signup in chosen if signup.state == State.DEAD), limit))

    def show(self, id: str) -> tuple[Signup, list[dict[str, Any]]]:
        """Return the sign-up `id`, whatever its state, and all that happened to it."""
        signup = self._finder.one(id)
        return signup, self._ledger.history(signup)

    def to_discard(self, selection: Selection) -> list[Signup | UnreadableSignup]:
        """Return the chosen dead letters, and quarantined sign-ups named by id. Those that nobody
        can read must be named, too."""
        unreadable = self._finder.unreadable(selection.ids) if selection.ids else []
        dead = {each.id for each in unreadable}
        left = tuple(id for id in selection.ids if id not in dead)
        if unreadable and not left:
            return [*unreadable]
        selection = replace(selection, ids=left)
        chosen = list(self._finder.chosen_for_change(selection, State.DEAD))
        for signup in chosen:
            if signup.state not in _KEPT:
                raise Refused(
                    f"{signup.id} is {signup.state}. Only dead letters and quarantined sign-ups"
                    " can be discarded."
                )
        return [*unreadable, *chosen]

    def discard(self, signups: Sequence[Signup | UnreadableSignup]) -> list[str]:
        """Discard them; return the ids of those that were not settled otherwise meanwhile."""
        done = [s for s in signups if self._ledger.discard(s.account, s.id)]
        self._trail.add_signups(Action.DISCARD, ids_by_account(done))
        return [signup.id for signup in done]

    def edit(self, id: str, changes: Mapping[str, str]) -> Signup:
        """Correct fields of a dead letter or quarantined sign-up.

        Raises `InvalidSignup` when they are wrong.
        """
        signup = self._finder.one(id)
        if signup.state not in _KEPT:
            raise Refused(
                f"{id} is {signup.state}. Only dead letters and quarantined sign-ups can be edited."
            )
        check_email = self._finder.check_email
        contact = edit_contact(signup.contact, changes, check_email=check_email)
        person = self._finder.fingerprints().person(check_email(contact.email))
        change = {
            "at": round(self._now().timestamp() * 1000),
            "event": "edited",
            "fields": sorted(changes),
            "counted": False,
        }
        if not self._ledger.edit(signup, contact, person=person, change=json.dumps(change)):
            raise Refused(f"Somebody else has changed {id} just now. Look at it again.")
        self._trail.add(Action.EDIT, account=signup.account, target=id, fields=sorted(changes))
        return self._finder.one(id)
