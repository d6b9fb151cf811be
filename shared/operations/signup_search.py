"""The search: sign-ups by e-mail address, id or contact id, wherever they are.

If there is none, it tells what is known that may explain it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from shared.domain.errors import NoSuchSignup, Refused, UnreadableRecord
from shared.domain.phrases import shortened
from shared.domain.refusal import KeptRefusal
from shared.domain.retention import KeptRecords
from shared.domain.short_ids import full_id
from shared.domain.signup import Evidence
from shared.domain.signup_advice import Remedy
from shared.infrastructure.email_syntax import check_email
from shared.ledger.spools import SpoolReport
from shared.operations.form_targets import FormTargets
from shared.operations.listed_signups import ListedSignups
from shared.operations.one_signup import OneSignup, SignupDetails
from shared.operations.people import FoundSignup, PersonalData
from shared.operations.selection import UnreadableSignup
from shared.operations.system_status import SystemStatus

CLEARED = "cleared"  # the state of a sign-up of which only the evidence of consent is left

# A contact id is in the records alone. So many of the latest delivered ones are read for it.
MOST_READ = 2_000
# Of so many sign-ups, the latest of a person, the search says why they stand as they do.
MOST_EXPLAINED = 10
# So many forms are looked at for their last refusals, and shown with them.
MOST_FORMS, MOST_SHOWN = 1_000, 20

# In characters, of what is no question.
_LONGEST_TOLD = 100

# What an id may stand for: a sign-up; a dead letter that nobody can read; the evidence of a cleared
# one; or one that waits on this host's disk.
Whereabouts = SignupDetails | UnreadableSignup | Evidence | FoundSignup


@dataclass(frozen=True, slots=True, kw_only=True)
class FormRefusals:
    """The last refusals of a form, the newest first. They have no personal data."""

    form: str
    refusals: Sequence[KeptRefusal]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownElsewhere:
    """What may explain that nothing was found: the forms' last refusals, what waits on the disks of
    web hosts, and what is kept for how long."""

    refusals: list[FormRefusals]
    spools: list[SpoolReport]
    kept: list[KeptRecords]


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What a search found, the newest first; or what else is known, if it found nothing.

    `exact` is the id of the only sign-up that was asked for. `is_id` says that an id was asked for,
    which may be a contact id. `why` says in a few words why the latest stand as they do, by id.
    """

    exact: str | None = None
    found: list[FoundSignup] = field(default_factory=list)
    why: Mapping[str, str] = field(default_factory=dict)
    known: KnownElsewhere | None = None
    is_id: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignupSearch:
    """Raises `Refused` for what can be no question, and `LedgerUnavailable`."""

    one_signup: OneSignup
    people: PersonalData
    status: SystemStatus
    listed: ListedSignups
    targets: FormTargets

    def find(self, question: str) -> Findings:
        """Return the sign-ups of a person, by the e-mail address; or with this id or contact id."""
        question = question.strip()
        if id := _id_in(question):
            return self._with_id(id)
        # What looked like spam may stand under an address that is none.
        found = self._of_person(question)
        if not found:
            check_searchable(question)
        return Findings(found=found, why=self._why(found), known=None if found else self._known())

    def look(self, id: str) -> Whereabouts:
        """Return what a long or short id stands for. Raises `NoSuchSignup`."""
        try:
            return self.one_signup.look(id)
        except UnreadableRecord:
            unreadable = self.one_signup.finder.unreadable([id])
            if not unreadable:
                raise
            return unreadable[0]
        except NoSuchSignup:
            kept = self.one_signup.finder.evidence(id) or self.people.disk.find_id(full_id(id))
            if kept is None:
                raise
            return kept

    def _of_person(self, email: str) -> list[FoundSignup]:
        found = self.people.find(email)
        known = {each.id for each in found}
        cleared = [
            FoundSignup(each.id, each.account, each.form, CLEARED, each.given_at)
            for each in self.people.consent(email)
            if each.id not in known
        ]
        return sorted([*found, *cleared], key=lambda each: each.received_at, reverse=True)

    def _why(self, found: Sequence[FoundSignup]) -> dict[str, str]:
        """Return why those of the first stand as they do that are in the ledger, if there is more
        than one: a single one has a page that says it."""
        latest = [(each.account, each.id) for each in found[:MOST_EXPLAINED]]
        signups = self.one_signup.finder.ledger.signups_in_order(latest) if latest[1:] else ()
        listed = self.listed.waiting(list(signups))
        told = {each.signup.id: each.why.short for each in listed}
        of_lists = [each.signup for each in listed if each.why.remedy == Remedy.LISTS]
        targets = self.targets.of_each(of_lists)
        return told | {id: f"{target.cause}." for id, target in targets.items()}

    def _with_id(self, id: str) -> Findings:
        try:
            self.look(id)
        except NoSuchSignup:
            found = self._with_contact_id(id)
            return Findings(found=found, known=None if found else self._known(), is_id=True)
        return Findings(exact=id)

    def _with_contact_id(self, contact_id: str) -> list[FoundSignup]:
        names = self.one_signup.finder.registry.account_names()
        latest = islice(self.one_signup.finder.ledger.delivered(*names), MOST_READ)
        return [
            FoundSignup(each.id, each.account, each.form, each.state, each.received_at)
            for each in latest
            if each.contact_id == contact_id
        ]

    def _known(self) -> KnownElsewhere:
        return KnownElsewhere(
            refusals=self._refusals(),
            spools=[each for each in self.status.spools() if each.figures.count],
            kept=self.kept(),
        )

    def kept(self) -> list[KeptRecords]:
        """Return which records are cleared, and after how long."""
        return [each for each in self.status.records() if each.kept_for and each.first_at]

    def _refusals(self) -> list[FormRefusals]:
        names = self.one_signup.finder.registry.form_names()[:MOST_FORMS]
        last = zip(names, self.status.form_counts.last_refusals(names), strict=True)
        found = [FormRefusals(form=name, refusals=refusals) for name, refusals in last if refusals]
        newest_first = sorted(found, key=lambda each: each.refusals[0].at, reverse=True)
        return newest_first[:MOST_SHOWN]


def check_searchable(question: str) -> None:
    """Raise `Refused` for what is no id, unless it may be an e-mail address."""
    try:
        check_email(question)
    except ValueError:
        raise Refused(
            f"“{shortened(question, _LONGEST_TOLD)}” is no whole e-mail address and no id. Search"
            " does not find a part of an address, or a name. Ask for the whole address, as it was"
            " typed into the form."
        ) from None


def _id_in(question: str) -> str | None:
    """Return the id whose long or short form this is; None if it is none."""
    try:
        return str(UUID(full_id(question)))
    except ValueError:
        return None
