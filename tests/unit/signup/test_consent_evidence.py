"""The evidence of consent says which text the page showed, and whether it said so."""

from dataclasses import replace
from typing import Any

import pytest

from shared.domain.consent_texts import text_version
from shared.domain.form import OUR_CONSENT, Form
from shared.domain.reading.field_checks import check_fields
from shared.domain.signup import Consent
from tests.support import builders
from web.signup.consent_evidence import OurConsents, consent_of
from web.signup.visitors import Visitor
from web.translations.catalogues import load_translations

VISITOR = Visitor(
    address="203.0.113.7", page="https://a.example/news", referrer="https://search.example/"
)
TRANSLATIONS = load_translations()
OURS = OurConsents(TRANSLATIONS)
OURS_IN_SPANISH = text_version(OURS.by_language["es"])
OLD, NEW = "Old text.", "New text."
FORM = builders.form(consent_text=NEW).after(
    builders.form(consent_text=OLD), now="2026-03-01T12:00:00Z"
)


def evidence(form: Form = FORM, **posted: Any) -> Consent:
    lists = {"email": ["ada@example.com"]} | {
        name: value if isinstance(value, list) else [value] for name, value in posted.items()
    }
    checked = check_fields(lists, form, check_email=str)
    return consent_of(form, checked, lists, VISITOR, OURS)


@pytest.mark.parametrize(
    ("said", "text", "stated"),
    [
        pytest.param(text_version(NEW), NEW, True, id="the text of today"),
        pytest.param(text_version(OLD), OLD, True, id="an old copy of the snippet"),
        pytest.param(text_version("Never shown."), NEW, False, id="a text that never was there"),
        pytest.param("", NEW, False, id="nothing"),
        pytest.param([], NEW, False, id="an empty list"),
        pytest.param("x" * 60_000, NEW, False, id="something long"),
        pytest.param([text_version(OLD), text_version(NEW)], OLD, True, id="two: the first"),
    ],
)
def test_the_text_is_the_one_that_the_page_says_it_showed(
    said: Any, text: str, stated: bool
) -> None:
    consent = evidence(_consent=said)
    assert (consent.text, consent.version, consent.stated) == (text, text_version(text), stated)


LATER = "2026-03-01T12:00:00Z"
ENGLISH = builders.form(language="en")
BY_BROWSER = builders.form(language="auto")
GERMAN = builders.form(language="de")
OWN = builders.form(language="fr", consent_text=NEW)


@pytest.mark.parametrize(
    ("form", "believed"),
    [
        pytest.param(BY_BROWSER, {"en", "es", "fr", "de"}, id="the browser chooses"),
        pytest.param(GERMAN, {"de"}, id="a language of its own"),
        pytest.param(OWN, set(), id="ours was never shown"),
        pytest.param(GERMAN.after(BY_BROWSER, now=LATER), {"en", "es", "fr", "de"}, id="auto once"),
        pytest.param(GERMAN.after(ENGLISH, now=LATER), {"en", "de"}, id="another one once"),
        pytest.param(OWN.after(GERMAN, now=LATER), {"de"}, id="a text of its own since"),
        pytest.param(
            replace(OWN.after(GERMAN, now=LATER), earlier_languages=()),
            {"fr"},
            id="stored by an older version: the language of today",
        ),
    ],
)
def test_of_our_own_texts_only_those_are_believed_that_the_form_could_show(
    form: Form, believed: set[str]
) -> None:
    found = {
        language
        for language, text in OURS.by_language.items()
        if evidence(form, _consent=text_version(text)).text == text
        and evidence(form, _consent=text_version(text)).stated
    }
    assert found == believed


def test_a_text_of_the_forms_own_that_is_like_ours_is_its_own() -> None:
    spanish = OURS.by_language["es"]
    found = evidence(builders.form(language="de", consent_text=spanish), _consent=OURS_IN_SPANISH)
    assert (found.text, found.stated) == (spanish, True)


def test_a_page_that_says_nothing_showed_the_text_of_today_as_far_as_is_known() -> None:
    consent = evidence()
    assert (consent.text, consent.stated) == (NEW, False)


@pytest.mark.parametrize(
    ("language", "kept"),
    [
        ("de", "de"),
        ("pt-BR", "pt-BR"),
        ("zh-Hant-TW", "zh-Hant-TW"),
        ("", None),
        ("german please", None),
        ("d" * 60_000, None),
    ],
)
def test_the_language_is_that_of_the_page(language: str, kept: str | None) -> None:
    assert evidence(_language=language).language == kept


@pytest.mark.parametrize(
    ("box", "posted", "ticked", "kept"),
    [
        ("none", {}, None, None),
        ("none", {"consent": "yes"}, None, "yes"),
        ("none", {"consent": "0"}, None, "0"),
        ("optional", {}, False, None),
        ("optional", {"consent": ["0", "yes"]}, True, "0, yes"),
        ("optional", {"consent": "no, thanks"}, False, "no, thanks"),
        ("required", {"consent": "on"}, True, "on"),
    ],
)
def test_the_box_is_what_the_visitor_did_with_it(
    box: str, posted: dict[str, Any], ticked: bool | None, kept: str | None
) -> None:
    consent = evidence(builders.form(consent_box=box), **posted)
    assert (consent.box, consent.posted) == (ticked, kept)


def test_a_box_that_the_form_does_not_ask_for_stays_with_the_fields_too() -> None:
    posted = {"email": ["ada@example.com"], "consent": ["yes"]}
    assert check_fields(posted, FORM, check_email=str).contact.other == {"consent": "yes"}


def test_where_it_was_given_is_kept() -> None:
    consent = evidence()
    assert (consent.address, consent.page) == (VISITOR.address, VISITOR.page)
    assert consent.referrer == VISITOR.referrer


def test_our_own_text_changes_only_on_purpose() -> None:
    """Pages and snippets that show it post its version. So before one of these texts changes, keep
    the old one where `OurConsents` finds it, or the evidence of old copies gets the new text."""
    versions = {each.language: text_version(each.say(OUR_CONSENT)) for each in TRANSLATIONS.all()}
    assert versions == {
        "en": "8013c1403f68",
        "de": "5a9d16eda6f2",
        "es": "91275dc88e9c",
        "fr": "63d8720b75db",
    }
