"""Where a form may send its visitors. Wrong here means an open redirect."""

import json
from dataclasses import replace

import pytest

from shared.domain.form import CustomField, Form, ListRef

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
        " //evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:\\\\evil.example",
        "https:evil.example",
        "https:/evil.example",
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


def test_without_origins_only_relative_paths_count() -> None:
    assert ANYONES.next_page("/x", posted_from="https://shop.example") == "https://shop.example/x"
    assert ANYONES.next_page("https://shop.example/x", posted_from="https://shop.example") is None


@pytest.mark.parametrize("posted_from", [None, "https://evil.example"])
def test_a_path_stays_relative_where_the_page_is_unknown(posted_from: str | None) -> None:
    assert FORM.next_page("/thanks", posted_from=posted_from) == "/thanks"


@pytest.mark.parametrize(
    "wanted", ["/.//evil.example", "/x/..//evil.example", "x/..//evil.example"]
)
def test_a_relative_path_never_becomes_another_host(wanted: str) -> None:
    page = ANYONES.next_page(wanted, posted_from=None)
    assert page is None or not page.startswith("//")


def test_the_consent_version_follows_the_text() -> None:
    other = Form.from_dict(FORM.to_dict() | {"consent_text": "Something else"})
    assert other.consent_version != FORM.consent_version
    assert Form.from_dict(FORM.to_dict()).consent_version == FORM.consent_version
    assert other.consent_version == "cc7284314484"


def test_a_stored_form_comes_back_and_later_versions_may_know_more() -> None:
    form = replace(FORM, custom_fields=(CustomField("cf-1", "shoe_size", "Shoe size"),))
    stored = json.loads(json.dumps(form.to_dict() | {"colour": "red"}))
    assert Form.from_dict(stored) == form


def test_a_form_takes_sign_ups_and_has_no_consent_box_unless_said_otherwise() -> None:
    assert ANYONES.enabled is True
    assert ANYONES.consent_box == "none"
    assert ANYONES.title == "Sign up"


def test_a_form_that_was_stored_before_forms_could_ask_puts_back() -> None:
    stored = {key: value for key, value in FORM.to_dict().items() if key != "unsubscribed"}
    assert Form.from_dict(stored).unsubscribed == "resubscribe"
    assert Form.from_dict(stored | {"unsubscribed": "ask"}).unsubscribed == "ask"
