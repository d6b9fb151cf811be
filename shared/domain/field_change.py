"""A change of fields that is made to many sign-ups alike: a field is left out, or set to one value.

Pure. It concerns what is sent, and never the e-mail address.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from shared.domain.errors import FieldError, InvalidSignup, Refused
from shared.domain.fields import EMAIL
from shared.domain.form import CustomField
from shared.domain.reading.field_checks import CheckEmail, edit_contact, editable_values
from shared.domain.reading.meanings import BIRTHDAY, find_field
from shared.domain.signup import Contact

# Neither of these is sent without the other.
_TOGETHER = {BIRTHDAY: ("birthday_month", "birthday_day")}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """The new value of each field, by the name that forms have for it; empty to leave it out."""

    values: Mapping[str, str] = field(repr=False)

    @property
    def without(self) -> list[str]:
        return sorted(name for name, value in self.values.items() if not value)

    @property
    def set(self) -> list[str]:
        return sorted(name for name, value in self.values.items() if value)

    def names(self) -> dict[str, list[str]]:
        """Return which fields it leaves out and which it sets, but not to which values."""
        found = {"without": self.without, "set": self.set}
        return {what: names for what, names in found.items() if names}

    def to_json(self) -> str:
        return json.dumps(dict(self.values))

    @classmethod
    def from_json(cls, stored: str) -> "FieldChange":
        return cls(values=json.loads(stored))

    @classmethod
    def chosen(cls, without: Iterable[str], values: Iterable[tuple[str, str]]) -> "FieldChange":
        """Return what an operator wants: to leave these out, and to set the others.

        Raises `Refused` if it says nothing, says two things of a field, or is about the address.
        """
        left_out = [part for name in without for part in _TOGETHER.get(name.strip(), (name,))]
        pairs = [(name.strip(), value.strip()) for name, value in values]
        wanted = [*((name.strip(), "") for name in left_out), *pairs]
        names = [name for name, _ in wanted]
        if not wanted or "" in names:
            raise Refused("Name the field that is left out or set.")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise Refused(f"Name {twice[0]} once.")
        if any(find_field(name) is EMAIL for name in names):
            raise Refused("E-mail addresses cannot be changed in bulk. Edit each sign-up.")
        return cls(values=dict(wanted))


def sent_values(contact: Contact) -> dict[str, str]:
    """Return all values that a change may concern, by the names of their fields."""
    custom = {each.name for each in contact.custom}
    return {
        name: value
        for name, value in editable_values(contact).items()
        if name != EMAIL.name and (name in custom or name not in contact.other)
    }


def changed_contact(
    contact: Contact,
    change: FieldChange,
    *,
    check_email: CheckEmail,
    custom_fields: Sequence[CustomField],
) -> Contact | None:
    """Return the contact with the change, by the rules of a single edit; None if that is the same.

    Raises `InvalidSignup` if the contact would break a rule.
    """
    custom = {each.name for each in contact.custom} | {each.name for each in custom_fields}
    known = {name: name in custom or bool(find_field(name)) for name in change.values}
    if unknown := [name for name, value in change.values.items() if value and not known[name]]:
        raise InvalidSignup([_no_such_field(name) for name in unknown])
    wanted = {name: value for name, value in change.values.items() if known[name]}
    edited = edit_contact(contact, wanted, check_email=check_email, custom_fields=custom_fields)
    return edited if sent_values(edited) != sent_values(contact) else None


def _no_such_field(name: str) -> FieldError:
    return FieldError(name, "invalid", f"Its form has no field {name}.")
