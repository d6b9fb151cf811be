"""Checking fields: from what a page posted to a contact, with every wrong field named at once.

Nothing is ever shortened to fit.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from shared.domain.errors import FieldError, InvalidSignup
from shared.domain.fields import BY_API_NAME, EMAIL, FIELDS, find_field
from shared.domain.form import Form
from shared.domain.posted_fields import CONSENT, LISTS, SortedFields, instruction, sort_fields
from shared.domain.signup import Contact, CustomValue

CheckEmail = Callable[[str], str]

CUSTOM_LIMIT = 255

# Control characters that a text area may contain. Every other one is an error.
_LAYOUT = "\t\n\r"
_NOT_TICKED = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFields:
    """A form's fields, ready to store. `box` is None if the form has no consent box."""

    contact: Contact
    compared_email: str
    lists: tuple[str, ...]
    box: bool | None


def check_fields(
    posted: Mapping[str, list[str]], form: Form, *, check_email: CheckEmail
) -> CheckedFields:
    """Return the checked fields of a sign-up for `form`.

    `check_email` returns an address in the form used for comparing, or raises `ValueError`.
    Raises `InvalidSignup` with all field errors together.
    """
    checked, errors = _check(posted, form, check_email)
    if errors:
        raise InvalidSignup(errors)
    return checked


def keep_unchecked(
    posted: Mapping[str, list[str]], form: Form, *, check_email: CheckEmail
) -> CheckedFields:
    """Return the fields of a quarantined sign-up, wrong ones too.

    Each is where a clean sign-up has it, so that an operator can correct and deliver it.
    """
    checked, _ = _check(posted, form, check_email)
    contact = checked.contact
    fields = {EMAIL.api_name: ""} | contact.fields
    compared = checked.compared_email or fields[EMAIL.api_name].lower()
    return replace(checked, contact=replace(contact, fields=fields), compared_email=compared)


def _check(
    posted: Mapping[str, list[str]], form: Form, check_email: CheckEmail
) -> tuple[CheckedFields, list[FieldError]]:
    """Return the fields and all their errors."""
    given = sort_fields(posted, form)
    errors: list[FieldError] = []
    contact = _contact(given, form)
    compared = _check_contact(contact, check_email, errors)
    _check_custom(contact, {custom.id: custom.label for custom in form.custom_fields}, errors)
    lists = _chosen_lists(instruction(posted, LISTS), form, errors)
    box = _check_consent(given.consent, form, errors)
    return CheckedFields(contact=contact, compared_email=compared, lists=lists, box=box), errors


def edit_contact(
    contact: Contact, changes: Mapping[str, str], *, check_email: CheckEmail
) -> Contact:
    """Return `contact` with `changes`, checked by the same rules; an empty value removes a field.

    A name is one of `FIELDS` or its synonym, or a custom or other field that the contact has.
    Raises `InvalidSignup` with all field errors together.
    """
    errors: list[FieldError] = []
    edited = _with_changes(contact, changes, errors)
    _check_contact(edited, check_email, errors)
    _check_custom(edited, {}, errors)
    if errors:
        raise InvalidSignup(errors)
    return edited


def _contact(given: SortedFields, form: Form) -> Contact:
    return Contact(
        fields={
            field.api_name: given.fields[field.name]
            for field in FIELDS
            if field.name in given.fields
        },
        custom=tuple(
            CustomValue(custom.id, custom.name, given.custom[custom.id])
            for custom in form.custom_fields
            if custom.id in given.custom
        ),
        other=given.other,
    )


def _with_changes(
    contact: Contact, changes: Mapping[str, str], errors: list[FieldError]
) -> Contact:
    fields, other = dict(contact.fields), dict(contact.other)
    custom = {value.name: value for value in contact.custom}
    for name, raw in changes.items():
        value = raw.strip()
        if name in custom:
            custom[name] = replace(custom[name], value=value)
        elif field := find_field(name):
            fields[field.api_name] = value
        elif name in other:
            other[name] = value
        else:
            errors.append(FieldError(name, "invalid", f"This sign-up has no field {name}."))
    return Contact(
        fields={name: value for name, value in fields.items() if value},
        custom=tuple(value for value in custom.values() if value.value),
        other={name: value for name, value in other.items() if value},
    )


def _check_contact(contact: Contact, check_email: CheckEmail, errors: list[FieldError]) -> str:
    """Add the contact's field errors to `errors`; return its address for comparing."""
    compared = _check_address(contact.fields.get(EMAIL.api_name, ""), check_email, errors)
    for api_name, value in contact.fields.items():
        if api_name != EMAIL.api_name:
            _check_field(api_name, value, errors)
    _check_birthday(contact.fields, errors)
    _check_other(contact.other, errors)
    return compared


def _check_address(address: str, check_email: CheckEmail, errors: list[FieldError]) -> str:
    if not address:
        errors.append(FieldError(EMAIL.name, "required", "Please enter your e-mail address."))
    elif _check_text(EMAIL.name, EMAIL.label, address, EMAIL.limit, "", errors):
        try:
            return check_email(address)
        except ValueError:
            message = "Please enter an e-mail address such as name@example.com."
            errors.append(FieldError(EMAIL.name, "invalid", message))
    return ""


def _check_field(api_name: str, value: str, errors: list[FieldError]) -> None:
    field = BY_API_NAME[api_name]
    fits = _check_text(field.name, field.label, value, field.limit, "", errors)
    if fits and field.rule and not field.rule.accepts(value):
        errors.append(FieldError(field.name, "invalid", field.rule.message))


def _check_birthday(fields: Mapping[str, str], errors: list[FieldError]) -> None:
    for name, other in (("birthday_month", "birthday_day"), ("birthday_day", "birthday_month")):
        if other in fields and name not in fields:
            message = "Please enter both the month and the day of the birthday."
            errors.append(FieldError(name, "required", message))


def _check_other(other: Mapping[str, str | list[str]], errors: list[FieldError]) -> None:
    for name, kept in other.items():
        if not name.isprintable():
            message = "The name of a field contains a control character."
            errors.append(FieldError("", "invalid", message))
        for value in [kept] if isinstance(kept, str) else kept:
            _check_text(name, name, value, len(value), _LAYOUT, errors)


def _check_custom(contact: Contact, labels: Mapping[str, str], errors: list[FieldError]) -> None:
    """Check the custom fields. `labels` are by id; without one, the message shows the name."""
    for custom in contact.custom:
        label = labels.get(custom.id, custom.name)
        _check_text(custom.name, label, custom.value, CUSTOM_LIMIT, _LAYOUT, errors)


def _check_text(
    name: str, label: str, value: str, limit: int, allowed: str, errors: list[FieldError]
) -> bool:
    """Whether `value` fits `limit` and has no control characters except those in `allowed`."""
    if len(value) > limit:
        message = f"{label}: please use at most {limit} characters. You entered {len(value)}."
        errors.append(FieldError(name, "too_long", message))
        return False
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in value):
        message = f"{label}: this text contains invisible control characters. Please type it again."
        errors.append(FieldError(name, "invalid", message))
        return False
    return True


def _chosen_lists(posted: list[str], form: Form, errors: list[FieldError]) -> tuple[str, ...]:
    """Return the ids of the chosen lists in the form's order; all of them if nothing was posted."""
    if not posted:
        return tuple(ref.id for ref in form.lists)
    by_name = {name.lower(): ref.id for ref in form.lists for name in (ref.name, ref.id)}
    names = [name for value in posted for name in _list_names(value, by_name)]
    unknown = [name for name in names if name.lower() not in by_name]
    errors.extend(
        FieldError(LISTS, "unknown_list", f"This form has no list {name}.") for name in unknown
    )
    if not names:
        errors.append(FieldError(LISTS, "required", "Please choose at least one list."))
    chosen = {by_name.get(name.lower()) for name in names}
    return tuple(ref.id for ref in form.lists if ref.id in chosen)


def _list_names(value: str, by_name: Mapping[str, str]) -> list[str]:
    # A list's own name may contain a comma, so try the whole value first.
    parts = [value] if value.lower() in by_name else value.split(",")
    return [name for part in parts if (name := part.strip())]


def _check_consent(posted: str, form: Form, errors: list[FieldError]) -> bool | None:
    """Return whether the consent box was ticked; None if the form has none."""
    if form.consent_box == "none":
        return None
    ticked = posted.lower() not in _NOT_TICKED
    if form.consent_box == "required" and not ticked:
        errors.append(FieldError(CONSENT, "required", "Please tick the box to agree."))
    return ticked
