"""Under which code a refusal counts, and whether it may be the form's fault."""

import pytest

from shared.domain.errors import FieldError
from shared.domain.refusal import BOT, Refusal, RefusalCode, code_for, wrong_fields
from tests.support import refusals


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


def test_our_own_page_tells_no_origin_and_is_no_robot() -> None:
    hosted = Refusal(
        code=RefusalCode.REQUIRED, fields=(), origin=None, client="Chrome", hosted=True
    )
    assert hosted.may_be_a_fault


# --- who can mend it


@pytest.mark.parametrize(
    ("code", "wrong", "mendable"),
    [
        pytest.param("invalid", [("email", "invalid", True)], True, id="a mistyped address"),
        pytest.param("required", [("email", "required", True)], True, id="a field left empty"),
        pytest.param("too_long", [("first_name", "too_long", True)], True, id="a long text"),
        pytest.param(
            "invalid",
            [("email", "invalid", True), ("phone", "too_long", True)],
            True,
            id="two mistakes",
        ),
        pytest.param("required", [("email", "required", False)], False, id="no such input"),
        pytest.param("required", [("consent", "required", False)], False, id="no consent box"),
        pytest.param(
            "invalid",
            [("email", "invalid", True), ("_lists", "unknown_list", True)],
            False,
            id="a mistake, and the page names a wrong list",
        ),
        pytest.param("too_long", [("Idempotency-Key", "too_long", False)], False, id="a script"),
        pytest.param("invalid", [], False, id="a key that was used"),
        pytest.param("origin", [], False, id="another site"),
        pytest.param("malformed", [], False, id="an unreadable body"),
        pytest.param("unavailable", [], False, id="no room to store it"),
    ],
)
def test_what_a_visitor_can_mend_by_typing_again(
    code: str, wrong: list[tuple[str, str, bool]], mendable: bool
) -> None:
    refusal = Refusal(
        code=RefusalCode(code),
        fields=(),
        origin="https://www.example.com",
        client="Chrome",
        wrong=tuple(refusals.wrong(name, why, arrived=here) for name, why, here in wrong),
    )
    assert (refusal.visitor_can_mend, refusal.is_a_fault) == (mendable, not mendable)


def test_each_wrong_field_is_kept_once_and_only_with_a_known_code() -> None:
    codes = ("unknown_list", "unknown_list", "odd")
    errors = [FieldError("email", "invalid", ""), *(FieldError("_lists", c, "") for c in codes)]
    assert wrong_fields(errors, lambda field: field == "email") == [
        refusals.wrong("email", "invalid"),
        refusals.wrong("_lists", "unknown_list", arrived=False),
    ]
