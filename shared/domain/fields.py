"""The table of a contact's fields. To add a field, add one entry to `FIELDS`.

The entry says how pages name the field, how its value is checked, how the hosted form shows it,
and where the API expects it. The checks, the hosted form and the API client read this table only.
The limits are those of ``POST /contacts/sign_up_form``.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value must look like. `message` tells the visitor what to enter."""

    accepts: Callable[[str], bool]
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a contact.

    `name` is what pages post and errors name; `synonyms` are other names that websites use.
    `api_name` is the field's name in the API and in stored contacts. `api_object` is the object
    of the API's body that holds the field; None means the body itself. The API expects an integer
    where `is_number` is set. `input_type` and `autocomplete` are attributes of the hosted form's
    input. That form shows a field when `always_shown` is set, or when the page posted a value.
    """

    name: str
    api_name: str
    label: str
    limit: int
    synonyms: tuple[str, ...] = ()
    api_object: str | None = None
    is_number: bool = False
    rule: Rule | None = None
    always_shown: bool = False
    input_type: str = "text"
    autocomplete: str = "on"


_DATE_FORMATS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
        r"(?P<year>\d{4})/(?P<month>\d{1,2})/(?P<day>\d{1,2})",
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<month>[1-9]\d?)-(?P<day>\d{1,2})-(?P<year>\d{4})",
    )
)
_INTEGER = re.compile(r"\d{1,2}", re.ASCII)


def _is_integer(value: str, least: int, most: int) -> bool:
    return _INTEGER.fullmatch(value) is not None and least <= int(value) <= most


def _is_date(value: str) -> bool:
    found = next(filter(None, (pattern.fullmatch(value) for pattern in _DATE_FORMATS)), None)
    if found is None:
        return False
    try:
        date(int(found["year"]), int(found["month"]), int(found["day"]))
    except ValueError:
        return False
    return True


_MONTH = Rule(
    lambda value: _is_integer(value, 1, 12),
    "Please enter the month of the birthday as a number from 1 to 12.",
)
_DAY = Rule(
    lambda value: _is_integer(value, 1, 31),
    "Please enter the day of the birthday as a number from 1 to 31.",
)
_DATE = Rule(_is_date, "Please enter the anniversary as a date, such as 2001-12-31 or 12/31/2001.")

EMAIL = Field(
    name="email",
    api_name="email_address",
    label="E-mail address",
    # Constant Contact stores up to 80 characters. The documentation of sign_up_form says 50; it is
    # unknown whether the API enforces that. We send 51 to 80 characters unchanged.
    limit=80,
    synonyms=("_replyto", "email_address", "your-email", "mail", "user_email", "contact_email"),
    always_shown=True,
    input_type="email",
    autocomplete="email",
)

FIELDS = (
    EMAIL,
    Field(
        name="first_name",
        api_name="first_name",
        label="First name",
        limit=50,
        synonyms=("fname", "given_name", "forename", "your-first-name"),
        always_shown=True,
        autocomplete="given-name",
    ),
    Field(
        name="last_name",
        api_name="last_name",
        label="Last name",
        limit=50,
        synonyms=("lname", "surname", "family_name", "your-last-name"),
        always_shown=True,
        autocomplete="family-name",
    ),
    Field(
        name="phone",
        api_name="phone_number",
        label="Phone",
        limit=25,
        synonyms=("phone_number", "tel", "telephone", "mobile", "your-phone", "your-tel"),
        input_type="tel",
        autocomplete="tel",
    ),
    Field(
        name="job_title",
        api_name="job_title",
        label="Job title",
        limit=50,
        synonyms=("organization_title", "your-job-title"),
        autocomplete="organization-title",
    ),
    Field(
        name="company_name",
        api_name="company_name",
        label="Company",
        limit=50,
        synonyms=("company", "organization", "organisation", "your-company"),
        autocomplete="organization",
    ),
    Field(
        name="street",
        api_name="street",
        api_object="street_address",
        label="Street",
        limit=255,
        synonyms=("address", "street_address", "address_line1", "address1"),
        autocomplete="street-address",
    ),
    Field(
        name="city",
        api_name="city",
        api_object="street_address",
        label="City",
        limit=50,
        synonyms=("town", "address_level2"),
        autocomplete="address-level2",
    ),
    Field(
        name="state",
        api_name="state",
        api_object="street_address",
        label="State",
        limit=50,
        synonyms=("province", "region", "address_level1"),
        autocomplete="address-level1",
    ),
    Field(
        name="postal_code",
        api_name="postal_code",
        api_object="street_address",
        label="Postal code",
        limit=50,
        synonyms=("zip", "zip_code", "postcode"),
        autocomplete="postal-code",
    ),
    Field(
        name="country",
        api_name="country",
        api_object="street_address",
        label="Country",
        limit=50,
        synonyms=("country_name",),
        autocomplete="country-name",
    ),
    Field(
        name="birthday_month",
        api_name="birthday_month",
        label="Birthday (month)",
        limit=2,
        is_number=True,
        rule=_MONTH,
    ),
    Field(
        name="birthday_day",
        api_name="birthday_day",
        label="Birthday (day)",
        limit=2,
        is_number=True,
        rule=_DAY,
    ),
    Field(name="anniversary", api_name="anniversary", label="Anniversary", limit=10, rule=_DATE),
)

# What the API requires in an object of its body besides our fields.
API_OBJECTS = {"street_address": {"kind": "home"}}


def match_key(name: str) -> str:
    """Return `name` without case, blanks, ``-``, ``_`` and a trailing ``[]``: names with the same
    key mean the same field."""
    return re.sub(r"[\s_-]|\[\]$", "", name).lower()


_BY_KEY = {match_key(name): field for field in FIELDS for name in (field.name, *field.synonyms)}
BY_API_NAME = {field.api_name: field for field in FIELDS}


def find_field(posted_name: str) -> Field | None:
    """Return the field that a page means by `posted_name`, its own name or a synonym."""
    return _BY_KEY.get(match_key(posted_name))
