"""The schema of ``POST /contacts/sign_up_form``, as strict as the real service's.

An unknown property, a wrong type or an over-long value is an error. A check takes the value's
name and the value, and returns the problems as text. The checks of arrays and objects are built
from those of their parts.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Check = Callable[[str, Any], list[str]]

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LOCAL = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"{_LOCAL}@({_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z0-9]")
_MONTH, _DAY = r"(0?[1-9]|1[0-2])", r"(0?[1-9]|[12]\d|3[01])"
_ANNIVERSARY = re.compile(
    rf"{_MONTH}/{_DAY}/\d{{4}}|\d{{4}}/{_MONTH}/{_DAY}|\d{{4}}-{_MONTH}-{_DAY}|{_MONTH}-{_DAY}-\d{{4}}"
)


def is_uuid(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def is_email(value: str) -> bool:
    return _EMAIL.fullmatch(value) is not None


def text(most: int) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if not isinstance(value, str):
            return [f"{name} is invalid, it must be a string"]
        if len(value) > most:
            return [f"{name} is too long (maximum is {most} characters)"]
        return []

    return check


def matching(pattern: Callable[[str], object]) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if isinstance(value, str) and pattern(value):
            return []
        return [f"{name} is in an invalid format."]

    return check


def whole(least: int, most: int) -> Check:
    def check(name: str, value: Any) -> list[str]:
        # bool is a kind of int in Python, but not in JSON.
        if type(value) is int and least <= value <= most:
            return []
        return [f"{name} does not have a valid value"]

    return check


def one_of(*choices: str) -> Check:
    def check(name: str, value: Any) -> list[str]:
        return [] if value in choices else [f"{name} does not have a valid value"]

    return check


def array(item: Check, *, least: int = 0, most: int) -> Check:
    def check(name: str, value: Any) -> list[str]:
        if not isinstance(value, list):
            return [f"{name} is invalid, it must be an array"]
        if not least <= len(value) <= most:
            return [f"{name} must have {least} to {most} items"]
        return [problem for i, each in enumerate(value) for problem in item(f"{name}[{i}]", each)]

    return check


def record(properties: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    needed = tuple(required)

    def check(name: str, value: Any) -> list[str]:
        if not isinstance(value, dict):
            return [f"{name or 'body'} is invalid, it must be an object"]
        prefix = f"{name}." if name else ""
        problems = [f"{prefix}{key} is missing" for key in needed if key not in value]
        for key, each in value.items():
            if key not in properties:
                problems.append(f"{prefix}{key} is not a known property")
            else:
                problems += properties[key](prefix + key, each)
        return problems

    return check


_CONSENT_TEXTS = (
    "sms_consent_permission",
    "consent_type",
    "consent_medium_type",
    "consent_medium_url",
    "consent_medium_details",
)
_SMS_CONSENT = record(
    {
        **{name: text(1024) for name in _CONSENT_TEXTS},
        "advertised_frequency": whole(0, 2**31),
        "advertised_interval": text(50),
    },
    required=_CONSENT_TEXTS,
)
_SMS_TEXTS = ("sms_address", "dial_code", "country_code")
_SMS_CHANNEL = record(
    {
        **{name: text(50) for name in _SMS_TEXTS},
        "sms_channel_consents": array(_SMS_CONSENT, most=10),
    },
    required=(*_SMS_TEXTS, "sms_channel_consents"),
)
_STREET_ADDRESS = record(
    {
        "kind": one_of("home", "work", "other"),
        "street": text(255),
        **{name: text(50) for name in ("city", "state", "postal_code", "country")},
    },
    required=("kind",),
)
_CUSTOM_FIELD = record(
    {"custom_field_id": matching(_UUID.fullmatch), "value": text(255)},
    required=("custom_field_id", "value"),
)
_SIGN_UP: dict[str, Check] = {
    **{name: text(50) for name in ("first_name", "last_name", "job_title", "company_name")},
    "phone_number": text(25),
    "list_memberships": array(matching(_UUID.fullmatch), least=1, most=50),
    "custom_fields": array(_CUSTOM_FIELD, most=50),
    "anniversary": matching(_ANNIVERSARY.fullmatch),
    "birthday_month": whole(1, 12),
    "birthday_day": whole(1, 31),
    "street_address": _STREET_ADDRESS,
    "sms_channel": _SMS_CHANNEL,
}


def _email(most: int) -> Check:
    def check(name: str, value: Any) -> list[str]:
        return text(most)(name, value) or matching(is_email)(name, value)

    return check


def resubscribe_problems(payload: object) -> list[str]:
    """Return the problems in the body of a resubscription."""
    lists = array(matching(_UUID.fullmatch), least=0, most=50)
    return record({"list_ids": lists}, required=("list_ids",))("", payload)


def sign_up_problems(payload: object, *, email_max: int) -> list[str]:
    """Return the problems in the body of a sign-up; empty if it is valid."""
    schema = record(
        {**_SIGN_UP, "email_address": _email(email_max)}, required=("list_memberships",)
    )
    problems = schema("", payload)
    if isinstance(payload, dict):
        if not {"email_address", "sms_channel"} & payload.keys():
            problems.append("email_address or sms_channel is missing")
        if len({"birthday_month", "birthday_day"} & payload.keys()) == 1:
            problems.append("birthday_month and birthday_day must be given together")
    return problems
