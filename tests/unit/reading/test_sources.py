"""Where a sign-up came from is sent as custom fields, if its form says so."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.form import CustomField, Form, SourceField
from shared.domain.reading.field_checks import check_fields
from shared.domain.signup import Contact, CustomValue
from tests.support import builders

CAMPAIGN, PAGE = CustomField("cf-1", "Campaign", "Campaign"), CustomField("cf-2", "Page", "Page")
FORM = builders.form(
    sources=(SourceField("utm_campaign", CAMPAIGN), SourceField("page", PAGE)),
)
LONG = "x" * 256


def contact(
    posted: dict[str, Any], arrived: dict[str, str] | None = None, form: Form = FORM
) -> Contact:
    lists = {name: value if isinstance(value, list) else [value] for name, value in posted.items()}
    lists |= {"email": ["ada@example.com"]}
    return check_fields(lists, form, check_email=str, arrived=arrived or {}).contact


@pytest.mark.parametrize(
    ("posted", "arrived", "sent", "other"),
    [
        pytest.param({"utm_campaign": "spring"}, {}, "spring", {}, id="a hidden field"),
        pytest.param({"UTM_Campaign": "spring"}, {}, "spring", {}, id="in another case"),
        pytest.param({"hidden[utm_campaign]": "spring"}, {}, "spring", {}, id="a form tool's"),
        pytest.param({"query[utm_campaign]": "spring"}, {}, "spring", {}, id="the form's address"),
        pytest.param({}, {"utm_campaign": "spring"}, "spring", {}, id="the page's address"),
        pytest.param({"utm_campaign": "a"}, {"utm_campaign": "b"}, "a", {}, id="both"),
        pytest.param(
            {"utm_campaign": ""}, {"utm_campaign": " b "}, "b", {}, id="a hidden field left empty"
        ),
        pytest.param(
            {"utm_campaign": "{{campaign}}"},
            {"utm_campaign": "b"},
            "b",
            {"utm_campaign": "{{campaign}}"},
            id="what a template left",
        ),
        pytest.param(
            {"utm_campaign": ["a", "b"]}, {}, "a", {"utm_campaign": "b"}, id="several values"
        ),
        pytest.param(
            {"utm_source": "mail"}, {}, None, {"utm_source": "mail"}, id="one that no field gets"
        ),
        pytest.param(
            {"utm_campaign": LONG}, {}, None, {"utm_campaign": LONG}, id="posted, and too long"
        ),
        pytest.param(
            {}, {"utm_campaign": LONG}, None, {"utm_campaign": LONG}, id="found, and too long"
        ),
        pytest.param({}, {}, None, {}, id="nothing"),
    ],
)
def test_a_campaign_is_sent_whole_or_kept(
    posted: dict[str, Any], arrived: dict[str, str], sent: str | None, other: dict[str, Any]
) -> None:
    found = contact(posted, arrived)
    assert found.custom == (
        (CustomValue("cf-1", "Campaign", sent, "utm_campaign"),) if sent else ()
    )
    assert found.other == other


def test_what_the_visitor_typed_stays() -> None:
    form = replace(FORM, custom_fields=(CAMPAIGN,))
    found = contact({"campaign": "typed", "utm_campaign": "spring"}, form=form)
    assert found.custom == (CustomValue("cf-1", "Campaign", "typed"),)
    assert found.other == {"utm_campaign": "spring"}


def test_the_page_is_sent_too() -> None:
    found = contact({}, {"page": "https://a.example/blog", "referrer": "https://b.example/"})
    assert found.custom == (CustomValue("cf-2", "Page", "https://a.example/blog", "page"),)


def test_without_sources_a_campaign_is_kept_as_any_other_field() -> None:
    found = contact({"utm_campaign": "spring"}, {"utm_medium": "mail"}, builders.form())
    assert (found.custom, found.other) == ((), {"utm_campaign": "spring"})


def test_a_stored_contact_keeps_what_is_a_source() -> None:
    found = contact({"utm_campaign": "spring"}, {"page": "https://a.example/"})
    assert Contact.from_dict(found.to_dict()) == found
