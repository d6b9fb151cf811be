"""Forms: adding, replacing, changing, opening, closing and removing them."""

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.domain.audit import Action
from shared.domain.errors import Refused, UnreadableRecord
from shared.domain.form import KEPT_BY_US, Form
from shared.infrastructure.timestamps import timestamp
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry


class NameTaken(Refused):
    """There is a form of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a form {name!r} already.")


class FormGone(Refused):
    """Somebody has removed the form meanwhile."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no form {name!r} any more. Nothing was changed.")


class FormChanged(Refused):
    """Somebody has changed the form meanwhile; `now` is how it is."""

    def __init__(self, now: Form) -> None:
        super().__init__(f"Somebody has changed the form {now.name!r} meanwhile.")
        self.now = now


@dataclass(frozen=True, slots=True)
class Forms:
    """Every method raises `LedgerUnavailable`.

    Each change keeps the consent texts that the form has shown before.
    """

    registry: Registry
    trail: AuditTrail
    now: Callable[[], datetime]

    def add(self, form: Form) -> None:
        """Add the form; raises `NameTaken`."""
        if not self.registry.swap_form(self._after(None, form), before=None):
            raise NameTaken(form.name)
        self._note(Action.ADD_FORM, form)

    def save(self, form: Form) -> Form | None:
        """Add the form, or replace the one of its name, and return that one if it can be read."""
        is_new, before = form.name not in self.registry.form_names(), None
        with contextlib.suppress(UnreadableRecord):  # which the form replaces
            before = self.registry.form(form.name)
        self.registry.save_form(self._after(before, form))
        self._note(Action.ADD_FORM if is_new else Action.REPLACE_FORM, form)
        return before

    def change(self, form: Form, version: str) -> None:
        """Replace the form that had this version when somebody began to change it.

        Raises `FormChanged` if it has another one now, and `FormGone`.
        """
        before = self._known(form.name)
        changed = self._after(before, form)
        if before.version != version or not self.registry.swap_form(changed, before=before):
            raise FormChanged(self._known(form.name))
        self._note(Action.REPLACE_FORM, form, changed=differences(before, form))

    def switch(self, form: Form, *, enabled: bool) -> Form:
        """Open or close the form, as it is by now; return it as it is then."""
        switched = False
        while not switched:
            before = self._known(form.name)
            changed = dataclasses.replace(before, enabled=enabled)
            switched = self.registry.swap_form(changed, before=before)
        self._note(Action.ENABLE_FORM if enabled else Action.DISABLE_FORM, changed)
        return changed

    def allow(self, form: Form, origin: str) -> Form:
        """Let the website post to the form, as it is by now; return it as it is then.

        Nothing is changed if it may already. `origin` is as `checked_origin` returns it.
        """
        while not (before := self._known(form.name)).allows_origin(origin):
            changed = dataclasses.replace(before, origins=(*before.origins, origin))
            if self.registry.swap_form(changed, before=before):
                self._note(Action.REPLACE_FORM, form, changed=["origins"], allowed=origin)
                return changed
        return before

    def remove(self, form: Form) -> None:
        """Remove the form. Sign-ups that it has taken are still delivered."""
        if self.registry.remove_form(form.name):
            self._note(Action.REMOVE_FORM, form)

    def _after(self, before: Form | None, form: Form) -> Form:
        return form.after(before, now=timestamp(self.now()))

    def _known(self, name: str) -> Form:
        form = self.registry.form(name)
        if form is None:
            raise FormGone(name)
        return form

    def _note(self, action: Action, form: Form, **detail: Any) -> None:
        self.trail.add(action, account=form.account, target=form.name, **detail)


def differences(one: Form, other: Form) -> list[str]:
    """Return the names of the fields in which two forms differ, of those that an operator sets."""
    names = (each.name for each in dataclasses.fields(Form) if each.name not in KEPT_BY_US)
    return [name for name in names if getattr(one, name) != getattr(other, name)]
