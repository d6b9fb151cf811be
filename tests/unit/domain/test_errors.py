"""Errors: what they say, and what they carry for whoever catches them."""

from datetime import timedelta

from shared.domain.errors import (
    FieldError,
    InvalidSignup,
    SettingsError,
    TokenUnavailable,
    VisitorLimited,
)
from tests.support.builders import NOON


def test_an_invalid_signup_names_each_field_and_shows_no_value() -> None:
    errors = [FieldError("email", "invalid", "ada?"), FieldError("phone", "too_long", "1" * 26)]
    error = InvalidSignup(errors)
    assert error.errors == errors
    assert str(error) == "email: invalid; phone: too_long"


def test_wrong_settings_are_told_one_to_a_line() -> None:
    assert str(SettingsError(["A is not set", "B is wrong"])) == "A is not set\nB is wrong"


def test_errors_that_pass_say_when() -> None:
    limited = VisitorLimited(timedelta(seconds=7))
    assert (str(limited), limited.retry_after) == (
        "too many sign-ups from one address",
        timedelta(seconds=7),
    )
    assert TokenUnavailable("HTTP 503").retry_at is None
    later = TokenUnavailable("HTTP 503", NOON)
    assert (str(later), later.retry_at) == ("HTTP 503", NOON)
