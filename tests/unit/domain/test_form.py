"""Where a form may send its visitors. Wrong here means an open redirect."""

import json
from dataclasses import replace

import pytest

from shared.domain.consent_texts import MOST_EARLIER, EarlierConsent
from shared.domain.form import DEFAULT_CONSENT, KEPT_BY_US, CustomField, Form, ListRef, SourceField

FORM = Form(
    name="news",
    account="acme",
    lists=(ListRef("1", "News"),),
    origins=("https://example.com", "http://localhost:8000"),
    redirect="https://example.com/done",
)
ANYONES = Form(name="open", account="acme", lists=(ListRef("1", "News"),))
POSTED_FROM = "https://example.com"


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/thanks", "https://example.com/thanks"),
        ("thanks.html?a=1#top", "https://example.com/thanks.html?a=1#top"),
        ("../x", "https://example.com/x"),
        ("/a//b", "https://example.com/a//b"),
        ("/.//evil.example", "https://example.com//evil.example"),
        (" /thanks ", "https://example.com/thanks"),
        ("https://example.com/thanks", "https://example.com/thanks"),
        ("https://example.com:443/thanks", "https://example.com:443/thanks"),
        ("http://example.com/thanks", "http://example.com/thanks"),
        ("http://example.com:80/thanks", "http://example.com:80/thanks"),
        ("HTTPS://Example.COM/thanks", "HTTPS://Example.COM/thanks"),
        ("http://localhost:8000/", "http://localhost:8000/"),
        ("//example.com/thanks", "https://example.com/thanks"),
        ("//localhost:8000/x", "http://localhost:8000/x"),
        ("//EXAMPLE.com", "https://EXAMPLE.com"),
        ("example.com/thanks", "https://example.com/thanks"),
        ("Example.com", "https://Example.com"),
        ("example.com@evil.example", "https://example.com/example.com@evil.example"),
        ("evil.example/x", "https://example.com/evil.example/x"),
        ("?done=1", "https://example.com/?done=1"),
        ("#done", "https://example.com/#done"),
        ("/%5Cevil.example", "https://example.com/%5Cevil.example"),
        ("/%2F/evil.example", "https://example.com/%2F/evil.example"),
        ("/%09/evil.example", "https://example.com/%09/evil.example"),
        ("https%3A%2F%2Fevil.example", "https://example.com/https%3A%2F%2Fevil.example"),
    ],
)
def test_pages_of_the_forms_own_hosts(wanted: str, page: str) -> None:
    assert FORM.next_page(wanted, posted_from=POSTED_FROM) == page


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "////evil.example",
        "///example.com@evil.example",
        "//user@example.com",
        "//example.com:8443/",
        "//example.com@evil.example",
        "//example.com\\@evil.example",
        "//example.com.evil.example",
        "//localhost/",
        "//[example.com",
        "//[::1",
        "//evil.example\u3002example.com",
        "/\u2028/evil.example",
        "\u200b//evil.example",
        " //evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:\\\\evil.example",
        "https:evil.example",
        "https:/evil.example",
        "https:example.com/thanks",
        "http:///example.com",
        "https://example.com%2Fevil.example/",
        "https://example.com%40evil.example/",
        "https://example.com\uff0fevil.example/",
        "vbscript:msgbox",
        "blob:https://example.com/x",
        "view-source:https://example.com/",
        "https:///evil.example",
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "https://example.com@evil.example/",
        "https://user@example.com/",
        "https://example.com.evil.example/",
        "https://evilexample.com/",
        "https://example.com:8443/",
        "https://example.com:80/",
        "http://example.com:443/",
        "http://localhost/",
        "http://localhost:8000@evil.example/",
        "https://example.com\\@evil.example/",
        "https://evil.example#@example.com/",
        "https://example.com:abc/",
        "https://[example.com/",
        "ftp://example.com/",
        "/x\r\nSet-Cookie: a=b",
        "/x\x00",
        "",
        "  ",
    ],
)
def test_everything_else_is_ignored(wanted: str) -> None:
    assert FORM.next_page(wanted, posted_from=POSTED_FROM) == "https://example.com/done"
    assert ANYONES.next_page(wanted, posted_from=None) is None


@pytest.mark.parametrize("wanted", ["javascript:alert(1)", "//evil.example", "mailto:a@b.example"])
def test_an_origin_that_is_no_web_address_allows_no_page(wanted: str) -> None:
    form = replace(ANYONES, origins=("null",))
    assert form.next_page(wanted, posted_from=None) is None


def test_no_page_is_wanted_where_the_form_has_one() -> None:
    assert FORM.next_page(None, posted_from=POSTED_FROM) == "https://example.com/done"


@pytest.mark.parametrize(
    ("wanted", "page"),
    [
        ("/x", "https://shop.example/x"),
        ("x.html", "https://shop.example/news/x.html"),
        ("./x", "https://shop.example/news/x"),
        ("../x", "https://shop.example/x"),
        ("../../../x", "https://shop.example/x"),
        ("?done=1#news", "https://shop.example/news/?done=1#news"),
        ("#news", "https://shop.example/news/#news"),
        ("//shop.example/x", "https://shop.example/x"),
        ("https://shop.example/x", "https://shop.example/x"),
        ("http://shop.example/x", "http://shop.example/x"),
        ("/.//evil.example", "https://shop.example//evil.example"),
        ("/x/..//evil.example", "https://shop.example//evil.example"),
        ("https://evil.example/x", None),
        ("//evil.example/x", None),
        ("https://shop.example:8443/x", None),
        ("https://user@shop.example/x", None),
    ],
)
def test_without_origins_the_site_that_posted_counts(wanted: str, page: str | None) -> None:
    posted_from = "https://shop.example/news/"
    assert ANYONES.next_page(wanted, posted_from=posted_from) == page


def test_a_page_is_resolved_against_the_root_if_only_its_origin_is_known() -> None:
    page = ANYONES.next_page("thanks.html", posted_from="http://localhost:3000")
    assert page == "http://localhost:3000/thanks.html"


@pytest.mark.parametrize(
    ("wanted", "follows"),
    [
        ("https://münchen.example/danke", True),
        ("//MÜNCHEN.example/danke", True),
        ("https://xn--mnchen-3ya.example/danke", True),
        ("https://munchen.example/danke", False),
        ("https://mün\u0307chen.example/danke", False),
    ],
)
def test_a_name_with_other_letters_is_the_one_that_browsers_send(
    wanted: str, follows: bool
) -> None:
    page = ANYONES.next_page(wanted, posted_from="https://xn--mnchen-3ya.example")
    assert (page is not None) == follows


def test_a_name_that_browsers_and_python_read_differently_is_no_match() -> None:
    page = ANYONES.next_page("https://straße.example/", posted_from="https://strasse.example")
    assert page is None


@pytest.mark.parametrize("posted_from", [None, "https://evil.example", "https://evil.example/x/"])
@pytest.mark.parametrize("wanted", ["/thanks", "thanks.html", "?a=1", "/.//evil.example"])
def test_a_relative_page_is_ignored_where_the_page_that_posted_is_unknown_or_strange(
    wanted: str, posted_from: str | None
) -> None:
    assert FORM.next_page(wanted, posted_from=posted_from) == "https://example.com/done"
    assert replace(FORM, redirect=None).next_page(wanted, posted_from=posted_from) is None


@pytest.mark.parametrize("wanted", ["https://evil.example/x", "//evil.example/x"])
def test_a_site_that_may_not_post_cannot_send_its_visitors_on(wanted: str) -> None:
    page = FORM.next_page(wanted, posted_from="https://evil.example/x/")
    assert page == "https://example.com/done"


def test_the_consent_version_follows_the_text() -> None:
    other = Form.from_dict(FORM.to_dict() | {"consent_text": "Something else"})
    assert other.consent_version != FORM.consent_version
    assert Form.from_dict(FORM.to_dict()).consent_version == FORM.consent_version
    assert other.consent_version == "cc7284314484"


DAYS = tuple(f"2026-03-0{day}T12:00:00Z" for day in range(1, 9))


def test_a_form_knows_the_texts_that_it_has_shown() -> None:
    first = replace(FORM, consent_text="One").after(None, now=DAYS[0])
    same = replace(FORM, consent_text="One", title="Other").after(first, now=DAYS[1])
    assert (same.consent_since, same.earlier_consents) == (DAYS[0], ())
    second = replace(FORM, consent_text="Two").after(same, now=DAYS[2])
    third = replace(FORM, consent_text="Three").after(second, now=DAYS[3])
    assert third.consent_since == DAYS[3]
    assert third.earlier_consents == (
        EarlierConsent(text="Two", since=DAYS[2], until=DAYS[3]),
        EarlierConsent(text="One", since=DAYS[0], until=DAYS[2]),
    )
    for shown in (first, second, third):
        assert third.consent_text_of(shown.consent_version) == shown.consent_text
    assert second.consent_text_of(third.consent_version) is None
    assert third.consent_text_of("") is None


def test_since_when_a_form_of_an_earlier_version_shows_its_text_is_not_known() -> None:
    changed = replace(FORM, consent_text="Other").after(FORM, now=DAYS[0])
    assert changed.earlier_consents == (
        EarlierConsent(text=FORM.consent_text, since=None, until=DAYS[0]),
    )


def test_a_form_knows_in_which_languages_it_has_shown_our_text() -> None:
    auto, german, english, own = (
        replace(FORM, consent_text=text, language=language)
        for text, language in (
            (DEFAULT_CONSENT, "auto"),
            (DEFAULT_CONSENT, "de"),
            (DEFAULT_CONSENT, "en"),
            ("Own", "fr"),
        )
    )
    first = german.after(auto.after(None, now=DAYS[0]), now=DAYS[1])
    assert (first.earlier_languages, first.consent_since) == (("auto",), DAYS[1])
    assert [each.until for each in first.earlier_consents] == [DAYS[1]]
    third = own.after(english.after(first, now=DAYS[2]), now=DAYS[3])
    assert third.earlier_languages == ("auto", "de", "en")
    same = replace(own, language="es").after(third, now=DAYS[4])
    assert (same.consent_since, same.earlier_languages) == (DAYS[3], ("auto", "de", "en"))
    assert Form.from_dict(same.to_dict()) == same


def test_the_oldest_of_very_many_texts_is_forgotten() -> None:
    form = FORM
    for number in range(MOST_EARLIER + 2):
        form = replace(FORM, consent_text=str(number)).after(form, now=DAYS[0])
    assert len(form.earlier_consents) == MOST_EARLIER
    assert form.consent_text_of(FORM.consent_version) is None


def test_the_version_of_a_form_is_of_what_operators_set() -> None:
    assert FORM.after(None, now=DAYS[0]).version == FORM.version
    assert replace(FORM, title="Other").version != FORM.version


def test_a_stored_form_comes_back_and_later_versions_may_know_more() -> None:
    field = CustomField("cf-1", "shoe_size", "Shoe size")
    form = replace(FORM, custom_fields=(field,), sources=(SourceField("utm_campaign", field),))
    form = replace(form, consent_text="Other").after(form, now=DAYS[0])
    stored = json.loads(json.dumps(form.to_dict() | {"colour": "red"}))
    assert Form.from_dict(stored) == form


def test_a_form_takes_sign_ups_and_has_no_consent_box_unless_said_otherwise() -> None:
    assert ANYONES.enabled is True
    assert ANYONES.consent_box == "none"
    assert ANYONES.title == "Sign up"


def test_a_form_that_an_earlier_version_stored_has_the_defaults() -> None:
    later = ("language", "button", "success", "accent", "background", "captcha")
    stored = {key: value for key, value in FORM.to_dict().items() if key not in later}
    for key in ("spam_threshold", "sources", *KEPT_BY_US):
        stored.pop(key)
    assert Form.from_dict(stored) == FORM


def test_a_form_that_was_stored_before_forms_could_ask_puts_back() -> None:
    stored = {key: value for key, value in FORM.to_dict().items() if key != "unsubscribed"}
    assert Form.from_dict(stored).unsubscribed == "resubscribe"
    assert Form.from_dict(stored | {"unsubscribed": "ask"}).unsubscribed == "ask"
