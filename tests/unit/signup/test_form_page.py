"""The inputs of the hosted form: which there are, and how browsers treat them."""

from shared.domain.consent_texts import text_version
from shared.domain.errors import FieldError
from shared.domain.fields import FIELDS
from shared.domain.form import ListRef
from tests.support import builders
from web.signup.form_page import FormPage, form_page
from web.translations.catalogues import load_translations

ENGLISH = load_translations().choose("en")
FORM = builders.form(custom_fields=())
TOKEN = "a token"


def names(page: FormPage) -> list[str]:
    return [each.name for each in page.inputs]


def test_an_empty_form_asks_for_the_address_and_the_name() -> None:
    assert names(form_page(FORM, {}, ENGLISH, time_token=TOKEN)) == [
        "email",
        "first_name",
        "last_name",
    ]


def test_a_field_that_was_posted_or_is_wrong_is_shown_too() -> None:
    page = form_page(
        FORM,
        {"zip": ["02451"]},
        ENGLISH,
        time_token=TOKEN,
        errors=[FieldError("phone", "too_long", "Phone: too long.")],
    )
    assert names(page) == ["email", "first_name", "last_name", "phone", "postal_code"]


def test_browsers_can_fill_in_every_field_that_they_know() -> None:
    page = form_page(FORM, {field.name: ["x"] for field in FIELDS}, ENGLISH, time_token=TOKEN)
    assert [(each.name, each.label, each.type, each.autocomplete) for each in page.inputs] == [
        ("email", "E-mail address", "email", "email"),
        ("first_name", "First name", "text", "given-name"),
        ("last_name", "Last name", "text", "family-name"),
        ("phone", "Phone", "tel", "tel"),
        ("job_title", "Job title", "text", "organization-title"),
        ("company_name", "Company", "text", "organization"),
        ("street", "Street", "text", "street-address"),
        ("city", "City", "text", "address-level2"),
        ("state", "State", "text", "address-level1"),
        ("postal_code", "Postal code", "text", "postal-code"),
        ("country", "Country", "text", "country-name"),
        ("birthday_month", "Birthday (month)", "text", "on"),
        ("birthday_day", "Birthday (day)", "text", "on"),
        ("anniversary", "Anniversary", "text", "on"),
    ]


def test_several_lists_are_a_choice_and_one_is_none() -> None:
    assert form_page(FORM, {}, ENGLISH, time_token=TOKEN).choices == ()
    two = builders.form(lists=(ListRef("id-1", "News"), ListRef("id-2", "Offers")))
    ticked = [choice.ticked for choice in form_page(two, {}, ENGLISH, time_token=TOKEN).choices]
    assert ticked == [True, True]
    page = form_page(two, {"_lists": ["offers"]}, ENGLISH, time_token=TOKEN)
    assert [(choice.id, choice.ticked) for choice in page.choices] == [
        ("id-1", False),
        ("id-2", True),
    ]


def test_what_no_input_shows_is_posted_again_from_hidden_ones() -> None:
    page = form_page(
        FORM,
        {"hobby": ["sailing"], "_next": ["/welcome"], "tags": ["a", "b"], "_t": ["an old one"]},
        ENGLISH,
        time_token=TOKEN,
        page="https://shop.example/",
        referrer="https://search.example/",
    )
    assert page.hidden == (
        ("_t", TOKEN),
        ("_language", "en"),
        ("_consent", FORM.consent_version),
        ("hobby", "sailing"),
        ("tags", "a"),
        ("tags", "b"),
        ("_next", "/welcome"),
        ("_page", "https://shop.example/"),
        ("_referrer", "https://search.example/"),
    )


def test_a_box_that_was_ticked_beside_another_text_is_not_ticked_beside_this_one() -> None:
    form = builders.form(consent_box="optional", consent_text="New").after(
        builders.form(consent_text="Old"), now="2026-03-01T12:00:00Z"
    )
    versions = [form.consent_version, text_version("Old"), "unknown"]
    posts: list[dict[str, list[str]]] = [{"_consent": [version]} for version in versions] + [{}]
    pages = [
        form_page(form, {"consent": ["yes"], **each}, ENGLISH, time_token=TOKEN) for each in posts
    ]
    assert [page.consented for page in pages] == [True, False, False, True]
