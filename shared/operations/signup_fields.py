"""The fields of a sign-up as its page shows them: what was typed, what is sent, what can be
corrected. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.domain.fields import BY_API_NAME, FIELDS, Field
from shared.domain.reading.field_checks import editable_values
from shared.domain.reading.meanings import is_of_several_fields
from shared.domain.signup import Contact
from shared.operations.one_signup import SignupDetails


@dataclass(frozen=True, slots=True)
class SentRow:
    """A field: what was typed, and what is sent; None for one that is kept and not sent."""

    label: str
    typed: str
    sent: str | None


@dataclass(frozen=True, slots=True)
class EditInput:
    """A field that an operator can correct. `name` is its name for `edit_contact`."""

    name: str
    label: str
    type: str = "text"


def sent_rows(details: SignupDetails) -> list[SentRow]:
    """Return every field of the sign-up, the address first."""
    contact = details.signup.contact
    rows = [*_standard(contact), *_custom(details), *_kept(contact)]
    return [*rows, *_left_out(details)]


def edit_inputs(details: SignupDetails) -> list[EditInput]:
    """Return the inputs for correcting it: the form's fields, and what else the sign-up has."""
    given = details.signup.contact.fields
    standard = [
        EditInput(each.name, str(each.label), _type(each))
        for each in FIELDS
        if each.always_shown or each.api_name in given
    ]
    own = {each.name: each.name for each in details.signup.contact.custom}
    labels = own | _labels(details)
    return standard + [EditInput(name, label) for name, label in labels.items()]


def _type(field: Field) -> str:
    """Return the type of the input: an address that is wrong must be shown as it is."""
    return "text" if field.input_type == "email" else field.input_type


def _labels(details: SignupDetails) -> dict[str, str]:
    """Return the labels of the form's custom fields by their names."""
    return {each.name: each.label for each in details.form.custom_fields} if details.form else {}


def _standard(contact: Contact) -> Iterator[SentRow]:
    for api_name, sent in contact.fields.items():
        if field := BY_API_NAME.get(api_name):
            yield SentRow(str(field.label), contact.typed.get(field.name, sent), sent)
        else:  # another version stored it, and this one does not send it
            yield SentRow(api_name, contact.typed.get(api_name, sent), None)


def _custom(details: SignupDetails) -> Iterator[SentRow]:
    contact, labels = details.signup.contact, _labels(details)
    for each in contact.custom:
        typed = contact.typed.get(each.name, each.value)
        yield SentRow(labels.get(each.name, each.name), typed, each.value)


def _kept(contact: Contact) -> Iterator[SentRow]:
    for name, value in contact.other.items():
        now = value if isinstance(value, str) else ", ".join(value)
        yield SentRow(name, contact.typed.get(name, now), None)


def _left_out(details: SignupDetails) -> Iterator[SentRow]:
    """Yield what was typed in fields that have no value since an edit."""
    contact, labels = details.signup.contact, _labels(details)
    own = {each.name: str(each.label) for each in FIELDS}
    shown = {*editable_values(contact), *contact.fields, *contact.other}
    for name, typed in contact.typed.items():
        if typed and name not in shown and not is_of_several_fields(name):
            yield SentRow(own.get(name) or labels.get(name, name), typed, "")
