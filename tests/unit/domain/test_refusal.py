"""Under which code a refusal counts, and whether it may be the form's fault."""

import pytest

from shared.domain.errors import FieldError
from shared.domain.refusal import BOT, Refusal, RefusalCode, code_for


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "malformed"),
        (403, "origin"),
        (410, "disabled"),
        (413, "too_large"),
        (415, "unsupported"),
        (422, "invalid"),
        (429, "rate_limited"),
        (503, "unavailable"),
        (500, "unavailable"),
    ],
)
def test_an_answer_without_wrong_fields_counts_by_its_status(status: int, code: str) -> None:
    assert code_for(status, []) == code


def test_the_first_wrong_field_counts() -> None:
    errors = [FieldError("email", "required", ""), FieldError("phone", "too_long", "")]
    assert code_for(422, errors) == RefusalCode.REQUIRED
    assert code_for(422, errors[::-1]) == RefusalCode.TOO_LONG


def test_a_code_that_nobody_knows_counts_as_invalid() -> None:
    assert code_for(422, [FieldError("email", "odd", "")]) == RefusalCode.INVALID


@pytest.mark.parametrize(
    ("code", "client", "origin", "may_be"),
    [
        pytest.param("origin", "Chrome", "https://other.example", True, id="another site"),
        pytest.param("required", "Safari", "null", True, id="a page that does not say where it is"),
        pytest.param("required", "curl", None, True, id="a tool"),
        pytest.param("required", "other", None, True, id="an unknown tool"),
        pytest.param("required", "Chrome", None, False, id="a robot that poses as a browser"),
        pytest.param("required", BOT, "https://www.example.com", False, id="a search engine"),
        pytest.param("rate_limited", "Chrome", "https://www.example.com", False, id="a limit"),
        pytest.param("disabled", "Chrome", "https://www.example.com", False, id="a closed form"),
    ],
)
def test_what_may_be_the_forms_fault(
    code: str, client: str, origin: str | None, may_be: bool
) -> None:
    refusal = Refusal(code=RefusalCode(code), fields=(), origin=origin, client=client)
    assert refusal.may_be_a_fault == may_be
