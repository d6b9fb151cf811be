"""Fields: from what a page posted to a contact, with every wrong field named at once.

Names are matched without regard to case, `-`, `_`, blanks and a trailing `[]`, and the
synonyms that pages in the wild use are known. The limits are those of
``POST /contacts/sign_up_form``; nothing is ever shortened to fit. Three kinds of names:

- a field of the contact or one of the form's custom fields: checked, and sent;
- a name that begins with ``_``: an instruction to us, such as ``_lists``; not kept;
- any other: kept with the sign-up, not sent.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from shared.domain.errors import FieldError, InvalidSignup
from shared.domain.form import CustomField, Form
from shared.domain.signup import Contact, CustomValue

CheckEmail = Callable[[str], str]

CUSTOM_LIMIT = 255
CONSENT = "consent"
LISTS = "_lists"

# A text area brings these along; anywhere else they are as wrong as the other control characters.
_LAYOUT = "\t\n\r"
_NOT_TICKED = {"", "0", "false", "no", "off"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a contact: `name` in our pages and errors, `api_name` at Constant Contact."""

    name: str
    api_name: str
    label: str
    limit: int
    synonyms: tuple[str, ...] = ()


FIELDS = (
    Field(
        name="email",
        api_name="email_address",
        label="E-mail address",
        # What an address may have at Constant Contact. sign_up_form documents 50, without
        # anyone knowing whether it means it: 51 to 80 are sent as they are.
        limit=80,
        synonyms=("_replyto", "email_address", "your-email", "mail", "user_email", "contact_email"),
    ),
    Field(
        name="first_name",
        api_name="first_name",
        label="First name",
        limit=50,
        synonyms=("fname", "given_name", "forename", "your-first-name"),
    ),
    Field(
        name="last_name",
        api_name="last_name",
        label="Last name",
        limit=50,
        synonyms=("lname", "surname", "family_name", "your-last-name"),
    ),
    Field(
        name="phone",
        api_name="phone_number",
        label="Phone",
        limit=25,
        synonyms=("phone_number", "tel", "telephone", "mobile", "your-phone", "your-tel"),
    ),
    Field(
        name="job_title",
        api_name="job_title",
        label="Job title",
        limit=50,
        synonyms=("organization_title", "your-job-title"),
    ),
    Field(
        name="company_name",
        api_name="company_name",
        label="Company",
        limit=50,
        synonyms=("company", "organization", "organisation", "your-company"),
    ),
    Field(
        name="street",
        api_name="street",
        label="Street",
        limit=255,
        synonyms=("address", "street_address", "address_line1", "address1"),
    ),
    Field(
        name="city",
        api_name="city",
        label="City",
        limit=50,
        synonyms=("town", "address_level2"),
    ),
    Field(
        name="state",
        api_name="state",
        label="State",
        limit=50,
        synonyms=("province", "region", "address_level1"),
    ),
    Field(
        name="postal_code",
        api_name="postal_code",
        label="Postal code",
        limit=50,
        synonyms=("zip", "zip_code", "postcode"),
    ),
    Field(
        name="country",
        api_name="country",
        label="Country",
        limit=50,
        synonyms=("country_name",),
    ),
    Field(name="birthday_month", api_name="birthday_month", label="Birthday (month)", limit=2),
    Field(name="birthday_day", api_name="birthday_day", label="Birthday (day)", limit=2),
    Field(name="anniversary", api_name="anniversary", label="Anniversary", limit=10),
)

_FULL_NAME = {"name", "fullname", "yourname"}

_DATES = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<month>[1-9]\d?)-(?P<day>\d{1,2})-(?P<year>\d{4})",
    )
)
_WHOLE = re.compile(r"\d{1,2}", re.ASCII)


def _key(name: str) -> str:
    """Return `name` as names are matched: ``Your-Email``, ``your_email`` and ``yourEmail[]``."""
    return re.sub(r"[\s_-]|\[\]$", "", name).lower()


_BY_KEY = {_key(name): field for field in FIELDS for name in (field.name, *field.synonyms)}
_BY_API_NAME = {field.api_name: field for field in FIELDS}
_EMAIL = FIELDS[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A form's fields that passed: `box` is None where the form has no consent box."""

    contact: Contact
    compared_email: str
    lists: tuple[str, ...]
    box: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Posted fields by what they are for: the contact's by `Field.name`, custom ones by id."""

    fields: dict[str, str]
    custom: dict[str, str]
    other: dict[str, str | list[str]]
    consent: str


def check_fields(
    posted: Mapping[str, list[str]], form: Form, *, check_email: CheckEmail
) -> Checked:
    """Return what `posted` makes of a sign-up for `form`.

    `check_email` returns an address in its form for comparing, or raises `ValueError`.
    Raises `InvalidSignup` with all field errors together.
    """
    given = sort_fields(posted, form)
    errors: list[FieldError] = []
    contact = Contact(
        fields={_named(name).api_name: value for name, value in given.fields.items()},
        custom=tuple(
            CustomValue(custom.id, custom.name, given.custom[custom.id])
            for custom in form.custom_fields
            if custom.id in given.custom
        ),
        other=given.other,
    )
    compared = _check_contact(contact, check_email, errors)
    labels = {custom.id: custom.label for custom in form.custom_fields}
    for value in contact.custom:
        _check_text(value.name, labels[value.id], value.value, CUSTOM_LIMIT, _LAYOUT, errors)
    lists = _chosen_lists(instruction(posted, LISTS), form, errors)
    box = None if form.consent_box == "none" else given.consent.lower() not in _NOT_TICKED
    if form.consent_box == "required" and not box:
        errors.append(FieldError(CONSENT, "required", "Please tick the box to agree."))
    if errors:
        raise InvalidSignup(errors)
    return Checked(contact=contact, compared_email=compared, lists=lists, box=box)


def keep_unchecked(posted: Mapping[str, list[str]], form: Form) -> Checked:
    """Return what was posted as it is, for a sign-up that is quarantined and never sent."""
    email = sort_fields(posted, form).fields.get(_EMAIL.name, "")
    return Checked(
        contact=Contact(fields={_EMAIL.api_name: email}, other={**posted}),
        compared_email=email.lower(),
        lists=tuple(found.id for found in form.lists),
        box=None,
    )


def edit_contact(
    contact: Contact, changes: Mapping[str, str], *, check_email: CheckEmail
) -> Contact:
    """Return `contact` with `changes`, checked by the same rules; an empty value removes a field.

    A name is one of `FIELDS` or its synonym, or a custom or other field that the contact has.
    Raises `InvalidSignup` with all field errors together.
    """
    fields, other = dict(contact.fields), dict(contact.other)
    custom = {value.name: value for value in contact.custom}
    errors: list[FieldError] = []
    for name, raw in changes.items():
        value = raw.strip()
        if name in custom:
            custom[name] = replace(custom[name], value=value)
        elif field := _BY_KEY.get(_key(name)):
            fields[field.api_name] = value
        elif name in other:
            other[name] = value
        else:
            errors.append(FieldError(name, "invalid", f"This sign-up has no field {name}."))
    edited = Contact(
        fields={name: value for name, value in fields.items() if value},
        custom=tuple(value for value in custom.values() if value.value),
        other={name: value for name, value in other.items() if value},
    )
    _check_contact(edited, check_email, errors)
    for each in edited.custom:
        _check_text(each.name, each.name, each.value, CUSTOM_LIMIT, _LAYOUT, errors)
    if errors:
        raise InvalidSignup(errors)
    return edited


# --- whose field is it


def sort_fields(posted: Mapping[str, list[str]], form: Form) -> Sorted:
    """Return `posted` sorted by what each field is for, trimmed, unchecked, empty ones left out.

    Of several values for one field of the contact the first counts and the rest are kept
    among the others; those of a custom field, a group of check boxes, are joined.
    """
    custom_by_key = _custom_by_key(form.custom_fields)
    fields: dict[str, str] = {}
    custom: dict[str, list[str]] = {}
    other: dict[str, list[str]] = {}
    consent = ""
    for name, raw in posted.items():
        values = [value.strip() for value in raw]
        given = [value for value in values if value]
        key = _key(name)
        if _is_instruction(name) or not given:
            continue
        if key in custom_by_key and _BY_KEY.get(key) is not _EMAIL:
            custom.setdefault(custom_by_key[key].id, []).extend(given)
        elif field := _BY_KEY.get(key):
            first = fields.setdefault(field.name, given[0])
            if rest := [value for value in given if value != first]:
                other[name] = rest
        elif key == CONSENT and form.consent_box != "none":
            consent = given[0]
        else:
            other[name] = given
    _split_full_name(fields, other)
    return Sorted(
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


def _is_instruction(name: str) -> bool:
    # `_replyto` is how Formspree's users name their e-mail field.
    return name.startswith("_") and _BY_KEY.get(_key(name)) is not _EMAIL


def _custom_by_key(custom_fields: Iterable[CustomField]) -> dict[str, CustomField]:
    custom_fields = tuple(custom_fields)
    by_label = {_key(custom.label): custom for custom in custom_fields}
    return by_label | {_key(custom.name): custom for custom in custom_fields}


def _split_full_name(fields: dict[str, str], other: dict[str, list[str]]) -> None:
    """Make a first and a last name of a full one, where the page asked for neither."""
    if "first_name" in fields or "last_name" in fields:
        return
    posted_as = next((name for name in other if _key(name) in _FULL_NAME), None)
    if posted_as is None:
        return
    first, *rest = other[posted_as][0].split(maxsplit=1)
    fields["first_name"] = first
    if rest:
        fields["last_name"] = rest[0]
    del other[posted_as]


# --- is it right


def _check_contact(contact: Contact, check_email: CheckEmail, errors: list[FieldError]) -> str:
    """Add to `errors` what is wrong with the contact; return its address for comparing."""
    compared = _check_address(contact.fields.get(_EMAIL.api_name, ""), check_email, errors)
    for api_name, value in contact.fields.items():
        field = _BY_API_NAME[api_name]
        if field is not _EMAIL and _check_text(
            field.name, field.label, value, field.limit, "", errors
        ):
            _check_kind(field, value, errors)
    _check_birthday(contact.fields, errors)
    for name, kept in contact.other.items():
        if not name.isprintable():
            errors.append(FieldError("", "invalid", "A field's name has a control character."))
        for value in [kept] if isinstance(kept, str) else kept:
            _check_text(name, name, value, len(value), _LAYOUT, errors)
    return compared


def _check_address(address: str, check_email: CheckEmail, errors: list[FieldError]) -> str:
    if not address:
        errors.append(FieldError(_EMAIL.name, "required", "Please enter your e-mail address."))
        return ""
    if not _check_text(_EMAIL.name, _EMAIL.label, address, _EMAIL.limit, "", errors):
        return ""
    try:
        return check_email(address)
    except ValueError:
        message = "This is not an e-mail address such as name@example.com."
        errors.append(FieldError(_EMAIL.name, "invalid", message))
        return ""


def _check_text(
    name: str, label: str, value: str, limit: int, allowed: str, errors: list[FieldError]
) -> bool:
    """Whether `value` fits `limit` and has no control characters other than the `allowed`."""
    if len(value) > limit:
        message = f"{label}: at most {limit} characters fit, and this has {len(value)}."
        errors.append(FieldError(name, "too_long", message))
        return False
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in allowed for c in value):
        message = f"{label}: there are characters in it that cannot be typed; please retype it."
        errors.append(FieldError(name, "invalid", message))
        return False
    return True


def _check_kind(field: Field, value: str, errors: list[FieldError]) -> None:
    match field.name:
        case "birthday_month" if not _between(value, 1, 12):
            message = "The month of the birthday is a number from 1 to 12."
        case "birthday_day" if not _between(value, 1, 31):
            message = "The day of the birthday is a number from 1 to 31."
        case "anniversary" if not _is_date(value):
            message = "The anniversary is a date such as 2001-12-31 or 12/31/2001."
        case _:
            return
    errors.append(FieldError(field.name, "invalid", message))


def _check_birthday(fields: Mapping[str, str], errors: list[FieldError]) -> None:
    for name, other in (("birthday_month", "birthday_day"), ("birthday_day", "birthday_month")):
        if other in fields and name not in fields:
            message = "A birthday needs both its month and its day."
            errors.append(FieldError(name, "required", message))


def _between(value: str, least: int, most: int) -> bool:
    return _WHOLE.fullmatch(value) is not None and least <= int(value) <= most


def _is_date(value: str) -> bool:
    for pattern in _DATES:
        if found := pattern.fullmatch(value):
            try:
                date(int(found["year"]), int(found["month"]), int(found["day"]))
            except ValueError:
                return False
            return True
    return False


def _chosen_lists(posted: list[str], form: Form, errors: list[FieldError]) -> tuple[str, ...]:
    """Return the ids of the chosen lists, in the form's order; all where nothing was asked."""
    if not posted:
        return tuple(ref.id for ref in form.lists)
    by_name = {name.lower(): ref.id for ref in form.lists for name in (ref.name, ref.id)}
    chosen: set[str] = set()
    for value in posted:
        # A list's own name may have a comma in it, so the whole is looked at first.
        wanted = [value] if value.lower() in by_name else value.split(",")
        for name in filter(None, map(str.strip, wanted)):
            if name.lower() in by_name:
                chosen.add(by_name[name.lower()])
            else:
                errors.append(FieldError(LISTS, "unknown_list", f"This form has no list {name}."))
    if not chosen and not any(error.field == LISTS for error in errors):
        errors.append(FieldError(LISTS, "required", "Please choose at least one list."))
    return tuple(ref.id for ref in form.lists if ref.id in chosen)


def _named(name: str) -> Field:
    return _BY_KEY[_key(name)]
