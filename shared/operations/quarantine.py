"""The quarantine: looking at what looks like spam, and delivering it anyway."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

from shared.domain.audit import Action, who_acts
from shared.domain.errors import InvalidSignup, Refused
from shared.domain.reading.field_checks import edit_contact
from shared.domain.signup import Signup, State
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.selection import Selection, SignupFinder, ids_by_account

# Only quarantined sign-ups of earlier versions, whose fields nobody sorted, have kept it.
_UNSORTED = "_gotcha"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The ids of sign-ups that are due now, and why others stay in quarantine, by their ids."""

    due: list[str]
    refused: dict[str, str]


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Raises `Refused` for what cannot be done, and `LedgerUnavailable`.

    `notify_workers` asks the workers to look after an account, and may fail silently.
    """

    finder: SignupFinder
    trail: AuditTrail
    notify_workers: Callable[[str], None]

    def find(self, selection: Selection, limit: int | None = None) -> list[Signup]:
        """Return the chosen quarantined sign-ups, the latest first; all when nothing is chosen."""
        chosen = self.finder.chosen(selection, State.QUARANTINED)
        caught = (signup for signup in chosen if signup.state == State.QUARANTINED)
        return list(islice(caught, limit))

    def chosen(self, selection: Selection) -> list[Signup]:
        """Return the chosen sign-ups. Each must be quarantined, and something must be chosen."""
        chosen = list(self.finder.chosen_for_change(selection, State.QUARANTINED))
        for signup in chosen:
            if signup.state != State.QUARANTINED:
                raise Refused(f"{signup.id} is {signup.state}, not quarantined.")
        return chosen

    def deliver(self, signups: Sequence[Signup]) -> Delivered:
        """Make the sign-ups due. Those with wrong fields stay, and so does what they contain."""
        due: list[str] = []
        refused: dict[str, str] = {}
        # Oldest first: a lane may claim the first before the others are due.
        for signup in sorted(signups, key=lambda signup: signup.received_at):
            why_not = self._why_not(signup)
            if why_not:
                refused[signup.id] = why_not
            elif self.finder.ledger.deliver_anyway(signup, who_acts()):
                due.append(signup.id)
            else:
                refused[signup.id] = "Somebody else has changed it just now."
        done = ids_by_account(signup for signup in signups if signup.id in due)
        self.trail.add_signups(Action.DELIVER, done)
        for account in sorted(done):
            self.notify_workers(account)
        return Delivered(due, refused)

    def _why_not(self, signup: Signup) -> str | None:
        """Return why the sign-up cannot be sent as it is; None if it can."""
        if any(name.lower().startswith(_UNSORTED) for name in signup.contact.other):
            return "An earlier version kept it without reading its fields."
        try:
            edit_contact(signup.contact, {}, check_email=self.finder.check_email)
        except InvalidSignup as error:
            return " ".join(wrong.message for wrong in error.errors)
        if not signup.lists:
            return "It names no list of its form."
        if signup.consent.box is False and self._must_agree(signup.form):
            return "The person did not tick the consent box, which the form requires."
        return None

    def _must_agree(self, form_name: str) -> bool:
        """Whether the form requires consent. If nobody knows the form, assume so."""
        form = self.finder.form(form_name)
        return form is None or form.consent_box == "required"
