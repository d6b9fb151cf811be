"""Reading posted fields: which field of the contact each posted name means.

There are three kinds of names:

- a field of the contact or one of the form's custom fields: checked, and sent;
- a name that begins with ``_``: an instruction to us, such as ``_lists``; not kept;
- any other name: kept with the sign-up, not sent.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.domain.fields import EMAIL, FIELDS, find_field, match_key
from shared.domain.form import CustomField, Form

CONSENT = "consent"
LISTS = "_lists"

_FULL_NAME_KEYS = {"name", "fullname", "yourname"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SortedFields:
    """Posted fields by purpose: the contact's by `Field.name`, custom ones by id."""

    fields: dict[str, str]
    custom: dict[str, str]
    other: dict[str, str | list[str]]
    consent: str


def sort_fields(posted: Mapping[str, list[str]], form: Form) -> SortedFields:
    """Return `posted` sorted by purpose. Values are trimmed and unchecked; empty ones are left out.

    If a contact's field has several values, the first counts and the others go to `other`. The
    values of a custom field, such as a group of check boxes, are joined.
    """
    custom_by_key = _custom_by_key(form.custom_fields)
    fields: dict[str, str] = {}
    custom: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    consent = ""
    for name, values in _given(posted):
        field, custom_field = find_field(name), custom_by_key.get(match_key(name))
        if custom_field and field is not EMAIL:
            custom.setdefault(custom_field.id, []).extend(values)
        elif field:
            first = fields.setdefault(field.name, values[0])
            if rest := [value for value in values if value != first]:
                other[name] = rest
        elif match_key(name) == CONSENT and form.consent_box != "none":
            consent = values[0]
        else:
            other[name] = values
    _split_full_name(fields, other)
    return SortedFields(
        fields={field.name: fields[field.name] for field in FIELDS if field.name in fields},
        custom={id: ", ".join(values) for id, values in custom.items()},
        other={name: v[0] if len(v) == 1 else v for name, v in other.items()},
        consent=consent,
    )


def instruction(posted: Mapping[str, list[str]], wanted: str) -> list[str]:
    """Return the trimmed values posted for an instruction, such as ``_next``."""
    return [
        value.strip()
        for name, values in posted.items()
        if name.lower().removesuffix("[]") == wanted
        for value in values
    ]


def _given(posted: Mapping[str, list[str]]) -> Iterable[tuple[str, list[str]]]:
    """Yield each posted name that is no instruction, with its trimmed values that are not empty."""
    for name, values in posted.items():
        given = [trimmed for value in values if (trimmed := value.strip())]
        if given and not _is_instruction(name):
            yield name, given


def _is_instruction(name: str) -> bool:
    # `_replyto` is how Formspree's users name their e-mail field.
    return name.startswith("_") and find_field(name) is not EMAIL


def _custom_by_key(custom_fields: tuple[CustomField, ...]) -> dict[str, CustomField]:
    by_label = {match_key(custom.label): custom for custom in custom_fields}
    return by_label | {match_key(custom.name): custom for custom in custom_fields}


def _split_full_name(fields: dict[str, str], other: dict[str, list[str]]) -> None:
    """Make a first and a last name from a full name if the page posted neither."""
    if "first_name" in fields or "last_name" in fields:
        return
    posted_as = next((name for name in other if match_key(name) in _FULL_NAME_KEYS), None)
    if posted_as is None:
        return
    first, *rest = other.pop(posted_as)[0].split(maxsplit=1)
    fields["first_name"] = first
    if rest:
        fields["last_name"] = rest[0]
