"""Whether a quarantined sign-up can be sent as it is: a robot is told of no wrong field."""

from dataclasses import dataclass

from shared.domain.errors import InvalidSignup
from shared.domain.reading.field_checks import CheckEmail, edit_contact
from shared.domain.signup import Signup
from shared.ledger.stores.registry import Registry

# Only quarantined sign-ups of earlier versions, whose fields nobody sorted, have kept it.
_UNSORTED = "_gotcha"


@dataclass(frozen=True, slots=True)
class DeliveryChecks:
    """Raises `LedgerUnavailable`."""

    registry: Registry
    check_email: CheckEmail

    def why_not(self, signup: Signup) -> str | None:
        """Return why the sign-up cannot be sent as it is; None if it can."""
        if any(name.lower().startswith(_UNSORTED) for name in signup.contact.other):
            return "An earlier version kept it without reading its fields."
        try:
            edit_contact(signup.contact, {}, check_email=self.check_email)
        except InvalidSignup as error:
            return " ".join(wrong.message for wrong in error.errors)
        if not signup.lists:
            return "It names no list of its form."
        if signup.consent.box is False and self._must_agree(signup.form):
            return "The person did not tick the consent box, which the form requires."
        return None

    def _must_agree(self, form_name: str) -> bool:
        """Whether the form requires consent. If nobody knows the form, assume so."""
        form = next(iter(self.registry.forms_named([form_name])), None)
        return form is None or form.consent_box == "required"
