"""Dead letters: showing, correcting and discarding them."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from shared.domain.audit import Action, who_acts
from shared.domain.errors import Refused
from shared.domain.phrases import shortened
from shared.domain.reading.field_checks import edit_contact, editable_values
from shared.domain.signup import Contact, Signup, State
from shared.domain.state_words import state_words
from shared.infrastructure.logs import redacted_start
from shared.ledger.ledger import Who, event_by
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.selection import (
    Selection,
    SignupFinder,
    UnreadableSignup,
    ids_by_account,
)

_KEPT = (State.DEAD, State.QUARANTINED)
_CHANGED = "Somebody else has changed {id} just now. Look at it again."

# Of why something was discarded, and of each value that was corrected, the history keeps so much.
LONGEST_NOTE = 200
LONGEST_OLD_VALUE = 255


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
        return list(islice(self.chosen(selection), limit))

    def chosen(self, selection: Selection) -> Iterator[Signup]:
        """Yield them as they are read."""
        return self._finder.chosen(selection, State.DEAD)

    def show(self, id: str) -> tuple[Signup, list[dict[str, Any]]]:
        """Return the sign-up `id`, whatever its state, and all that happened to it."""
        signup = self._finder.one(id)
        return signup, self._ledger.history(signup)

    def to_discard(self, selection: Selection) -> list[Signup | UnreadableSignup]:
        """Return the chosen dead letters, and quarantined sign-ups named by id. Those that nobody
        can read must be named, too."""
        ids = selection.full_ids
        unreadable = self._finder.unreadable(ids) if ids else []
        dead = {each.id for each in unreadable}
        left = tuple(id for id in ids if id not in dead)
        if unreadable and not left:
            return [*unreadable]
        selection = replace(selection, ids=left)
        chosen = list(self._finder.chosen_for_change(selection, State.DEAD))
        for signup in chosen:
            if signup.state not in _KEPT:
                raise Refused(
                    f"{signup.id} is {state_words(signup.state)}. Only failed and quarantined"
                    " sign-ups can be discarded."
                )
        return [*unreadable, *chosen]

    def discard(self, signups: Sequence[Signup | UnreadableSignup], *, note: str = "") -> list[str]:
        """Discard them; return the ids of those that were not settled otherwise meanwhile.

        `note` says why, in the operator's words.
        """
        why = discard_note(note)
        who = {**who_acts(), **why}
        done = [s for s in signups if self._ledger.discard(s.account, s.id, who)]
        self._trail.add_signups(Action.DISCARD, ids_by_account(done), **why)
        return [signup.id for signup in done]

    def undo_discard(self, ids: Sequence[str]) -> list[str]:
        """Make discarded sign-ups what they were before; return the ids of these. Raises `Refused`
        for one that was never discarded."""
        chosen = [self._finder.one(id) for id in ids]
        for signup in chosen:
            if signup.state != State.DISCARDED:
                raise Refused(f"{signup.id} is {state_words(signup.state)}, not discarded.")
        who = who_acts()
        done = [s for s in chosen if self._ledger.undo_discard(s.account, s.id, who)]
        self._trail.add_signups(Action.UNDO_DISCARD, ids_by_account(done))
        return [signup.id for signup in done]

    def edit(
        self,
        id: str,
        changes: Mapping[str, str],
        *,
        edits: int | None = None,
        form_lists: bool = False,
    ) -> Signup:
        """Correct fields of a dead letter or quarantined sign-up; the same values change nothing.

        `edits` is how often it had been edited when the operator read it. With `form_lists`, it
        goes to the lists that its form has now. Raises `InvalidSignup` for wrong fields.
        """
        signup = self._finder.one(id)
        if signup.state not in _KEPT:
            raise Refused(
                f"{id} is {state_words(signup.state)}. Only failed and quarantined sign-ups can be"
                " edited."
            )
        if edits not in (None, signup.edits):
            raise Refused(_CHANGED.format(id=id))
        form = self._finder.form(signup.form)
        edited = edit_contact(
            signup.contact,
            changes,
            check_email=self._finder.check_email,
            custom_fields=form.custom_fields if form else (),
        )
        before = changed_values(signup.contact, edited)
        now = form.lists_for(signup.account) if form and form_lists else ()
        lists = tuple(each.id for each in now) or signup.lists
        if lists != signup.lists:
            before["lists"] = ", ".join(signup.lists)
        if before:
            self._store(replace(signup, lists=lists), edited, before)
        return self._finder.one(id)

    def _store(self, signup: Signup, contact: Contact, before: Mapping[str, str]) -> None:
        person = self._finder.fingerprints().person(self._finder.check_email(contact.email))
        at = round(self._now().timestamp() * 1000)
        change = {"at": at, **edited_event(before, who_acts())}
        if not self._ledger.edit(signup, contact, person=person, change=json.dumps(change)):
            raise Refused(_CHANGED.format(id=signup.id))
        fields = sorted(before)
        self._trail.add(Action.EDIT, account=signup.account, target=signup.id, fields=fields)


def edited_event(before: Mapping[str, str], who: Who) -> dict[str, Any]:
    """Return what the history says of an edit, but for its time. `before` has the old values."""
    return {**event_by("edited", who), "fields": sorted(before), "before": dict(before)}


def changed_values(before: Contact, after: Contact) -> dict[str, str]:
    """Return the values that are changed, as they were; empty for one that there was not."""
    old, new = editable_values(before), editable_values(after)
    return {
        name: shortened(old.get(name, ""), LONGEST_OLD_VALUE)
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    }


def discard_note(note: str) -> dict[str, str]:
    """Return the operator's words as history and audit trail have them: without addresses and
    secrets, and not too long."""
    kept = redacted_start(note.strip(), LONGEST_NOTE)
    return {"note": kept} if kept else {}
