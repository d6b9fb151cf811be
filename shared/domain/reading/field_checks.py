"""Checking fields: from what a page posted to a contact, with every wrong field named at once.

Nothing is ever shortened to fit.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from shared.domain.errors import FieldError, InvalidSignup
from shared.domain.fields import BY_API_NAME, EMAIL, FIELDS, Field
from shared.domain.form import CUSTOM_LIMIT, CustomField, Form
from shared.domain.phrases import shortened
from shared.domain.reading.check_boxes import is_ticked
from shared.domain.reading.dates import read_date
from shared.domain.reading.meanings import CONSENT, find_field
from shared.domain.reading.posted_fields import LISTS, SortedFields, instruction, sort_fields
from shared.domain.reading.sources import take_sources
from shared.domain.reading.values import clean_text
from shared.domain.signup import Contact, CustomValue
from shared.domain.texts import Text, lazy_gettext, lazy_ngettext

CheckEmail = Callable[[str], str]

_NOTHING: Mapping[str, str] = {}
_in_json = json.JSONEncoder(ensure_ascii=False).encode

_API_NAMES = {field.name: field.api_name for field in FIELDS}

# How many errors are named: a robot may post ten thousand unknown lists.
MOST_ERRORS = 20

# Strangers choose what is kept with a sign-up besides what is sent: how many fields of a website's
# own, and how many bytes in all, as JSON has them.
MOST_OTHER = 50
KEPT_BYTES = 8 * 1024


@dataclass(slots=True, kw_only=True)  # a frozen one takes three times as long to make
class CheckedFields:
    """A form's fields, ready to store.

    `box` is None if the form has no consent box; `box_posted` is what was posted for it.
    """

    contact: Contact
    compared_email: str
    lists: tuple[str, ...]
    box: bool | None
    box_posted: str | None = None


@dataclass(slots=True)
class _Room:
    """Room for what is kept with a sign-up besides what is sent.

    What does not fit is left out whole, and counted as `cut`. No value is shortened.
    """

    left: int = KEPT_BYTES
    cut: int = 0

    def fits(self, *texts: str) -> bool:
        size = len("".join(map(_in_json, texts)).encode()) + len(texts)  # with commas
        if size > self.left:
            self.cut += 1
            return False
        self.left -= size
        return True


def check_fields(
    posted: Mapping[str, list[str]],
    form: Form,
    *,
    check_email: CheckEmail,
    arrived: Mapping[str, str] = _NOTHING,
) -> CheckedFields:
    """Return the checked fields of a sign-up for `form`.

    `arrived` has what the request tells of the form's sources: where the visitor came from.
    `check_email` returns an address in the form used for comparing, or raises `ValueError`.
    Raises `InvalidSignup` with the first `MOST_ERRORS` field errors together.
    """
    checked, invalid = _check(posted, form, check_email, arrived, _Room())
    if invalid:
        raise invalid
    return checked


def keep_unchecked(
    posted: Mapping[str, list[str]],
    form: Form,
    *,
    check_email: CheckEmail,
    arrived: Mapping[str, str] = _NOTHING,
) -> CheckedFields:
    """Return the fields of a quarantined sign-up, wrong ones too.

    Each is where a clean sign-up has it, so that an operator can correct and deliver it.
    """
    room = _Room()
    checked, _ = _check(posted, form, check_email, arrived, room)
    contact = _bounded(checked.contact, room)
    compared = checked.compared_email or contact.email.lower()
    return replace(checked, contact=contact, compared_email=compared)


def _bounded(contact: Contact, room: _Room) -> Contact:
    """Return the contact with its address, and of the values over their limits those with room."""
    fields = {
        name: value
        for name, value in contact.fields.items()
        if len(value) <= BY_API_NAME[name].limit or room.fits(name, value)
    }
    custom = tuple(
        each
        for each in contact.custom
        if len(each.value) <= CUSTOM_LIMIT or room.fits(each.name, each.value)
    )
    fields = {EMAIL.api_name: ""} | fields
    return replace(contact, fields=fields, custom=custom, cut=room.cut)


def _check(
    posted: Mapping[str, list[str]],
    form: Form,
    check_email: CheckEmail,
    arrived: Mapping[str, str],
    room: _Room,
) -> tuple[CheckedFields, InvalidSignup | None]:
    """Return the fields, and the error that names all wrong ones."""
    given = sort_fields(posted, form)
    errors: list[FieldError] = []
    box_posted = ", ".join(given.consent)
    if box_posted and not room.fits(box_posted):
        box_posted = ""
    contact = _contact(given, form, arrived, room)
    compared = _check_contact(contact, check_email, errors)
    if contact.custom:
        _check_custom(contact, {custom.id: custom.label for custom in form.custom_fields}, errors)
    lists = _chosen_lists(instruction(posted, LISTS) or list(given.lists), form, errors)
    box = _check_consent(given.consent, form, errors)
    checked = CheckedFields(
        contact=contact,
        compared_email=compared,
        lists=lists,
        box=box,
        box_posted=box_posted or None,
    )
    if not errors:
        return checked, None
    return checked, InvalidSignup(errors[:MOST_ERRORS], missing_field=_missing_field(given, form))


def _missing_field(given: SortedFields, form: Form) -> str | None:
    if not given.names_address and EMAIL.name not in given.fields:
        return EMAIL.name
    # A box that is not ticked is not posted at all. Its hidden input is, or a visitor's page.
    return CONSENT if form.consent_box == "required" and not given.consent else None


def edit_contact(
    contact: Contact,
    changes: Mapping[str, str],
    *,
    check_email: CheckEmail,
    custom_fields: Sequence[CustomField] = (),
) -> Contact:
    """Return `contact` with `changes`, checked by the same rules; an empty value removes a field.

    A name is one of `FIELDS` or its synonym, one of the form's `custom_fields`, or a custom or
    other field that the contact has. A field that only another version knows stays as it is. Raises
    `InvalidSignup` with all field errors together.
    """
    errors: list[FieldError] = []
    edited = _with_changes(contact, changes, {each.name: each.id for each in custom_fields}, errors)
    _check_contact(edited, check_email, errors)
    _check_custom(edited, {custom.id: custom.label for custom in custom_fields}, errors)
    if errors:
        raise InvalidSignup(errors)
    return edited


def editable_values(contact: Contact) -> dict[str, str]:
    """Return the contact's values by the names that `edit_contact` takes."""
    fields = {
        field.name: value
        for name, value in contact.fields.items()
        if (field := BY_API_NAME.get(name))
    }
    custom = {each.name: each.value for each in contact.custom}
    other = {name: value for name, value in contact.other.items() if isinstance(value, str)}
    return other | fields | custom


def _contact(given: SortedFields, form: Form, arrived: Mapping[str, str], room: _Room) -> Contact:
    sources: tuple[CustomValue, ...] = ()
    if form.sources:
        given, sources = take_sources(given, form, arrived)
    typed = {name: text for name, text in given.typed.items() if room.fits(name, text)}
    other = _other_in(room, given.other) if given.other else {}
    return Contact(
        fields={_API_NAMES[name]: value for name, value in given.fields.items()},
        custom=(
            *(
                CustomValue(custom.id, custom.name, given.custom[custom.id])
                for custom in form.custom_fields
                if custom.id in given.custom
            ),
            *sources,
        ),
        other=other,
        typed=typed,
        cut=room.cut,
    )


def _other_in(room: _Room, other: Mapping[str, str | list[str]]) -> dict[str, str | list[str]]:
    """Return the fields of a website's own that have room."""
    fitting = {
        name: value
        for name, value in islice(other.items(), MOST_OTHER)
        if room.fits(name, *([value] if isinstance(value, str) else value))
    }
    room.cut += max(0, len(other) - MOST_OTHER)
    return fitting


def _with_changes(
    contact: Contact,
    changes: Mapping[str, str],
    custom_ids: Mapping[str, str],
    errors: list[FieldError],
) -> Contact:
    fields, other = dict(contact.fields), dict(contact.other)
    custom = {value.name: value for value in contact.custom}
    for name, raw in changes.items():
        if name in custom:
            custom[name] = replace(custom[name], value=clean_text(raw))
        elif name in custom_ids:
            custom[name] = CustomValue(custom_ids[name], name, clean_text(raw))
        elif field := find_field(name):
            fields[field.api_name] = field.clean(raw)
        elif name in other:
            other[name] = clean_text(raw)
        else:
            errors.append(FieldError(name, "invalid", f"This sign-up has no field {name}."))
    edited = replace(
        contact,
        fields={name: value for name, value in fields.items() if value},
        custom=tuple(value for value in custom.values() if value.value),
        other={name: value for name, value in other.items() if value},
    )
    return replace(edited, typed=_typed_before(contact, edited) | contact.typed)


def _typed_before(contact: Contact, edited: Contact) -> dict[str, str]:
    """Return what the person has typed in the fields that are edited now; empty for nothing."""
    before, after = editable_values(contact), editable_values(edited)
    names = [name for name in before | after if before.get(name, "") != after.get(name, "")]
    return {name: before.get(name, "") for name in names}


def _check_contact(contact: Contact, check_email: CheckEmail, errors: list[FieldError]) -> str:
    """Add the contact's field errors to `errors`; return its address for comparing."""
    compared = _check_address(contact.fields.get(EMAIL.api_name, ""), check_email, errors)
    for api_name, value in contact.fields.items():
        field = BY_API_NAME.get(api_name)
        if field and field is not EMAIL:
            _check_field(field, value, errors)
    _check_birthday(contact.fields, errors)
    return compared


def _check_address(address: str, check_email: CheckEmail, errors: list[FieldError]) -> str:
    if not address:
        wanted = lazy_gettext("Please enter your e-mail address.")
        errors.append(FieldError(EMAIL.name, "required", wanted))
    elif _check_length(EMAIL.name, EMAIL.label, address, EMAIL.limit, errors):
        try:
            return check_email(address)
        except ValueError:
            wanted = lazy_gettext("Please enter an e-mail address such as name@example.com.")
            errors.append(FieldError(EMAIL.name, "invalid", wanted))
    return ""


def _check_field(field: Field, value: str, errors: list[FieldError]) -> None:
    fits = _check_length(field.name, field.label, value, field.limit, errors)
    if fits and field.rule and not field.rule.accepts(value):
        errors.append(FieldError(field.name, "invalid", field.rule.message))


def _check_birthday(fields: Mapping[str, str], errors: list[FieldError]) -> None:
    for name, other in (("birthday_month", "birthday_day"), ("birthday_day", "birthday_month")):
        if other in fields and name not in fields:
            wanted = lazy_gettext("Please enter both the month and the day of the birthday.")
            errors.append(FieldError(name, "required", wanted))
    if not errors and "birthday_day" in fields and read_date(_in_leap_year(fields)) is None:
        wrong = lazy_gettext("There is no such day in this month. Please check the birthday.")
        errors.append(FieldError("birthday_day", "invalid", wrong))


def _in_leap_year(fields: Mapping[str, str]) -> str:
    return f"2000-{fields['birthday_month']}-{fields['birthday_day']}"


def _check_custom(contact: Contact, labels: Mapping[str, str], errors: list[FieldError]) -> None:
    """Check the custom fields. `labels` are by id; without one, the message shows the name."""
    for custom in contact.custom:
        label = labels.get(custom.id, custom.name)
        _check_length(custom.name, label, custom.value, CUSTOM_LIMIT, errors)


def _check_length(
    name: str, label: Text | str, value: str, limit: int, errors: list[FieldError]
) -> bool:
    """Whether `value` fits `limit`."""
    if len(value) <= limit:
        return True
    wrong = lazy_ngettext(
        "%(label)s: please use at most %(count)s character. You entered %(entered)s.",
        "%(label)s: please use at most %(count)s characters. You entered %(entered)s.",
        limit,
        label=label,
        entered=len(value),
    )
    errors.append(FieldError(name, "too_long", wrong))
    return False


def _chosen_lists(posted: list[str], form: Form, errors: list[FieldError]) -> tuple[str, ...]:
    """Return the ids of the chosen lists in the form's order; all of them if nothing was posted."""
    if not posted:
        return tuple(ref.id for ref in form.lists)
    by_name = form.list_ids
    names = [name for value in posted for name in _list_names(value, by_name)]
    unknown = (name for name in names if name.lower() not in by_name)
    errors.extend(
        FieldError(
            LISTS,
            "unknown_list",
            lazy_gettext("This form has no list %(name)s.", name=shortened(name)),
        )
        for name in islice(unknown, MOST_ERRORS)
    )
    if not names:
        wanted = lazy_gettext("Please choose at least one list.")
        errors.append(FieldError(LISTS, "required", wanted))
    chosen = {by_name.get(name.lower()) for name in names}
    return tuple(ref.id for ref in form.lists if ref.id in chosen)


def _list_names(value: str, by_name: Mapping[str, str]) -> list[str]:
    # A list's own name may contain a comma, so try the whole value first.
    parts = [value] if value.lower() in by_name else value.split(",")
    return [name for part in parts if (name := part.strip())]


def _check_consent(posted: Sequence[str], form: Form, errors: list[FieldError]) -> bool | None:
    """Return whether the consent box was ticked; None if the form has none."""
    if form.consent_box == "none":
        return None
    ticked = is_ticked(posted)
    if form.consent_box == "required" and not ticked:
        wanted = lazy_gettext("Please tick the box to agree.")
        errors.append(FieldError(CONSENT, "required", wanted))
    return ticked
