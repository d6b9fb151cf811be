"""Why a form refused one request, and from where it came, as tables."""

from typing import Any

import pytest

from shared.domain.refusal import RefusalCode
from shared.domain.refusal_texts import (
    cause_of,
    still_refused_origins,
    to_do_about,
    where_from,
    why_refused,
)
from tests.support import refusals
from tests.support.builders import form
from tests.support.refusals import wrong

NOT_ALLOWED = "the page that posts is not on one of the websites that may post here"
ABOUT_FIELDS = {
    "required": "a required field was missing",
    "invalid": "a field had a wrong value",
    "too_long": "a field was too long",
}
CAUSES = {
    "malformed": "the request could not be read",
    "too_large": "the request was larger than a sign-up may be",
    "unsupported": "the content type is not supported",
    "rate_limited": "too many sign-ups, or requests that were refused, came from one network",
    "disabled": "the form is closed",
    "unavailable": "they could not be stored, as Redis did not answer and web's disk took none",
    "unknown_list": "the page names a list that the form does not have",
    **ABOUT_FIELDS,
}


@pytest.mark.parametrize("code", CAUSES)
def test_a_code_has_its_cause_and_the_fields_that_arrived_if_they_tell_more(code: str) -> None:
    assert why_refused(refusals.refusal(code)) == CAUSES[code]
    arrived = [refusals.kept(code, fields=("mail", "town"))]
    told = ". These fields arrived: mail, town" if code in ABOUT_FIELDS else ""
    assert cause_of(RefusalCode(code), form(), arrived) == f"{CAUSES[code]}{told}"


def test_a_website_is_not_named_beside_its_own_request() -> None:
    assert why_refused(refusals.refusal()) == NOT_ALLOWED
    not_shown = why_refused(refusals.refusal("not_shown"))
    assert not_shown == f"{NOT_ALLOWED}, so the form was not shown"


def test_each_field_that_was_wrong_says_why() -> None:
    fields = (
        wrong("city", "required", arrived=False),
        wrong("email", "required"),
        wrong("phone", "invalid", arrived=False),
        wrong("first_name", "too_long"),
        wrong("_lists", "unknown_list"),
    )
    assert why_refused(refusals.refusal("required", wrong=fields)) == (
        "no field that arrived means city; email was empty; phone was wrong; first_name was too"
        " long; the form does not have the list"
    )


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ({}, "https://www.example.org"),
        ({"origin": None}, None),
        ({"hosted": True}, "https://www.example.org, by the hosted form"),
        ({"hosted": True, "origin": None}, "the hosted form"),
    ],
)
def test_where_a_request_came_from(request_: dict[str, Any], told: str | None) -> None:
    assert where_from(refusals.refusal(**request_)) == told


def test_an_origin_is_cut_to_what_can_be_read() -> None:
    last = [refusals.kept(origin=f"https://{'a' * 100}.example")]
    own = form(origins=("https://www.example.com",))
    assert still_refused_origins(own, last) == (f"https://{'a' * 72}",)
    assert still_refused_origins(own, [refusals.kept("invalid")]) is None


def test_a_form_that_is_closed_is_opened_on_its_page() -> None:
    told = to_do_about(RefusalCode.DISABLED, form(), [], in_console=True)
    assert told == "take it off the website's page, or open it on its page."
