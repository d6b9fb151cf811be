"""Changing fields of many dead letters alike, each by the rules of a single edit."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.errors import InvalidSignup
from shared.domain.field_change import FieldChange, changed_contact, sent_values
from shared.domain.form import Form
from shared.domain.reading.field_checks import CheckEmail
from shared.domain.signup import Contact, Signup
from shared.ledger.stores.registry import Registry

SHOWN_EXAMPLES = 3
_AS_WANTED = "It has no such field, or has this value already."


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldEdit:
    """A sign-up, and its contact after the change; None if it stays as it is, and why."""

    signup: Signup
    contact: Contact | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EditExample:
    """A sign-up, and by field its value before and after; empty for none."""

    signup: Signup
    values: Sequence[tuple[str, str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditPreview:
    """What a change would do to the sign-ups that were read for it.

    `having` of the `read` ones have one of the fields now. `accounts` has how many it changes, by
    account. Those that stay as they are are counted by why: they fail a check, or the change
    changes nothing of them.
    """

    change: FieldChange
    read: int
    having: int
    accounts: Counter[str]
    staying: Counter[str]
    examples: Sequence[EditExample]

    @property
    def changed(self) -> int:
        return self.accounts.total()


@dataclass(frozen=True, slots=True)
class FieldEdits:
    """Raises `LedgerUnavailable`."""

    registry: Registry
    check_email: CheckEmail

    def of(self, signups: Iterable[Signup], change: FieldChange) -> list[FieldEdit]:
        """Return what the change makes of each. This changes nothing."""
        every = list(signups)
        names = sorted({signup.form for signup in every})
        forms = {form.name: form for form in self.registry.forms_named(names)}
        return [self._of(signup, change, forms) for signup in every]

    def changed(self, signups: Iterable[Signup], change: FieldChange) -> list[Signup]:
        """Return those that the change changes, and that can be sent then."""
        return [each.signup for each in self.of(signups, change) if each.contact]

    def preview(self, signups: Iterable[Signup], change: FieldChange) -> EditPreview:
        edits = self.of(signups, change)
        changed = [each for each in edits if each.contact]
        return EditPreview(
            change=change,
            read=len(edits),
            having=sum(bool(_concerned(each.signup.contact, change)) for each in edits),
            accounts=Counter(each.signup.account for each in changed),
            staying=Counter(each.why_not for each in edits if not each.contact),
            examples=[_example(each, change) for each in changed[:SHOWN_EXAMPLES]],
        )

    def _of(self, signup: Signup, change: FieldChange, forms: Mapping[str, Form]) -> FieldEdit:
        form = forms.get(signup.form)
        try:
            contact = changed_contact(
                signup.contact,
                change,
                check_email=self.check_email,
                custom_fields=form.custom_fields if form else (),
            )
        except InvalidSignup as error:
            why_not = " ".join(wrong.message for wrong in error.errors)
            return FieldEdit(signup=signup, why_not=why_not)
        return FieldEdit(signup=signup, contact=contact, why_not="" if contact else _AS_WANTED)


def fields_of(signups: Iterable[Signup]) -> list[tuple[str, int]]:
    """Return the fields that the sign-ups have and a change may concern, and how many have each."""
    counts = Counter(name for signup in signups for name in sent_values(signup.contact))
    return counts.most_common()


def _concerned(contact: Contact, change: FieldChange) -> set[str]:
    return sent_values(contact).keys() & change.values.keys()


def _example(edit: FieldEdit, change: FieldChange) -> EditExample:
    before = sent_values(edit.signup.contact)
    after = sent_values(edit.contact) if edit.contact else before
    names = sorted(before.keys() | after.keys())
    return EditExample(
        signup=edit.signup,
        values=[
            (name, before.get(name, ""), after.get(name, ""))
            for name in names
            if before.get(name) != after.get(name)
        ],
    )
