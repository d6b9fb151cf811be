"""Forms: adding, replacing, opening, closing and removing them."""

import dataclasses
from dataclasses import dataclass

from shared.domain.audit import Action
from shared.domain.form import Form
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry


@dataclass(frozen=True, slots=True)
class Forms:
    """Every method raises `LedgerUnavailable`."""

    registry: Registry
    trail: AuditTrail

    def save(self, form: Form) -> None:
        """Add the form, or replace the one of its name."""
        is_new = form.name not in self.registry.form_names()
        self._save(Action.ADD_FORM if is_new else Action.REPLACE_FORM, form)

    def switch(self, form: Form, *, enabled: bool) -> Form:
        """Open or close the form; return it as it is then."""
        changed = dataclasses.replace(form, enabled=enabled)
        self._save(Action.ENABLE_FORM if enabled else Action.DISABLE_FORM, changed)
        return changed

    def remove(self, form: Form) -> None:
        """Remove the form. Sign-ups that it has taken are still delivered."""
        if self.registry.remove_form(form.name):
            self.trail.add(Action.REMOVE_FORM, account=form.account, target=form.name)

    def _save(self, action: Action, form: Form) -> None:
        self.registry.save_form(form)
        self.trail.add(action, account=form.account, target=form.name)
