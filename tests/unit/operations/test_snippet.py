"""Snippets: the form's own fields, whatever characters its texts have."""

import re
import shlex
from html.parser import HTMLParser
from typing import Literal

import pytest

from shared.domain.form import CustomField, Form, ListRef
from shared.operations.snippets.snippet import SnippetKind, make_snippet
from tests.support import builders

URL = "https://www.example.com/signup/f/news"
ODD = "\"Café\" & <b>'O'Brien'</b> </script>\\ {{ x }} --> Zoë"
PAGES = (SnippetKind.FORM, SnippetKind.FETCH)

Element = dict[str, str]


class Page(HTMLParser):
    """The elements of a page as a browser finds them, and its texts."""

    VOID = ("input",)

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, Element]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open:
            self.text += data

    def all(self, tag: str) -> list[Element]:
        return [element for name, element in self.elements if name == tag]

    def inputs(self) -> list[str]:
        return [element["name"] for element in self.all("input")]


def page(form: Form, kind: SnippetKind) -> Page:
    return Page(make_snippet(form, URL, kind))


@pytest.mark.parametrize("kind", PAGES)
def test_a_form_has_its_address_its_fields_and_a_trap_for_robots(kind: SnippetKind) -> None:
    found = page(builders.form(), kind)
    [form] = found.all("form")
    assert (form["method"], form["action"], form["accept-charset"]) == ("post", URL, "utf-8")
    assert found.inputs() == [
        *("email", "first_name", "last_name", "favourite_cake", "_consent", "_gotcha"),
    ]
    email, first, *_, version, trap = found.all("input")
    assert (version["type"], version["value"]) == ("hidden", builders.form().consent_version)
    assert (email["type"], email["autocomplete"], "required" in email) == ("email", "email", True)
    assert (first["autocomplete"], "required" in first) == ("given-name", False)
    assert (trap["tabindex"], trap["autocomplete"], trap["type"]) == ("-1", "off", "text")
    assert "Favourite cake" in found.text
    assert len(found.all("label")) == 4


@pytest.mark.parametrize("kind", [kind for kind in SnippetKind if kind != SnippetKind.CURL])
@pytest.mark.parametrize("captcha", ["none", "altcha"])
def test_no_snippet_has_what_a_page_can_have_once_or_a_strict_policy_forbids(
    kind: SnippetKind, captcha: Literal["none", "altcha"]
) -> None:
    text = make_snippet(builders.form(consent_box="required", captcha=captcha), URL, kind)
    assert not re.search(r'\s(id|for|style|on\w+)="', text)


@pytest.mark.parametrize("kind", PAGES)
def test_the_trap_is_left_alone_by_what_fills_in_forms_for_people(kind: SnippetKind) -> None:
    [around] = page(builders.form(), kind).all("span")
    assert around == {"hidden": "", "aria-hidden": "true"}
    trap = page(builders.form(), kind).all("input")[-1]
    assert {"data-1p-ignore", "data-bwignore", "data-lpignore", "data-form-type"} <= set(trap)


@pytest.mark.parametrize("kind", PAGES)
def test_a_choice_of_lists_is_shown_where_there_is_one(kind: SnippetKind) -> None:
    assert "_lists" not in page(builders.form(), kind).inputs()
    lists = (ListRef("id-1", "News"), ListRef("id-2", "Events"))
    inputs = page(builders.form(lists=lists), kind).all("input")
    boxes = [each for each in inputs if each["name"] == "_lists"]
    assert [(box["name"], box["value"]) for box in boxes] == [
        ("_lists", ""),
        ("_lists", "id-1"),
        ("_lists", "id-2"),
    ]


@pytest.mark.parametrize("kind", PAGES)
@pytest.mark.parametrize(
    ("box", "boxes", "required"),
    [("none", 0, False), ("optional", 1, False), ("required", 1, True)],
)
def test_the_consent_is_that_of_the_form(
    kind: SnippetKind, box: str, boxes: int, required: bool
) -> None:
    found = page(builders.form(consent_box=box, consent_text="Write to me."), kind)
    ticks = [each for each in found.all("input") if each["name"] == "consent"]
    assert "Write to me." in found.text
    assert (len(ticks), any("required" in each for each in ticks)) == (boxes, required)


@pytest.mark.parametrize("kind", PAGES)
def test_any_text_is_shown_as_it_is(kind: SnippetKind) -> None:
    form = builders.form(
        title=ODD,
        consent_text=ODD,
        lists=(ListRef("id-1", ODD), ListRef("id-2", "Events")),
        custom_fields=(CustomField("cf-1", ODD, ODD),),
    )
    found = page(form, kind)
    assert found.all("form")[0]["aria-label"] == ODD
    assert ODD in found.inputs()
    assert found.text.count(ODD) == 3


def test_a_command_names_every_field() -> None:
    form = builders.form(
        lists=(ListRef("id-1", "News"), ListRef("id-2", "Events")),
        custom_fields=(CustomField("cf-1", "a b=c&d'e", "x"),),
        consent_box="required",
    )
    words = shlex.split(make_snippet(form, URL, SnippetKind.CURL).replace("\\\n", " "))
    assert words[:5] == ["curl", "-sS", URL, "-H", "Accept: application/json"]
    assert words[6::2] == [
        "email=you@example.com",
        "first_name=Ada",
        "last_name=Lovelace",
        "a%20b%3Dc%26d%27e=Example",
        "_lists=id-1",
        "_lists=id-2",
        "consent=yes",
    ]


def test_a_script_leads_to_the_forms_redirect_where_it_has_one() -> None:
    with_redirect = builders.form(redirect="https://www.example.com/thanks")
    assert "location.assign(answer.next);" in make_snippet(with_redirect, URL, SnippetKind.FETCH)
    assert "location.assign" not in make_snippet(builders.form(), URL, SnippetKind.FETCH)


# --- a captcha


@pytest.mark.parametrize("kind", PAGES)
def test_a_form_with_a_captcha_has_the_widget_and_its_script(kind: SnippetKind) -> None:
    found = page(builders.form(captcha="altcha"), kind)
    [widget] = found.all("altcha-widget")
    assert widget["challenge"] == f"{URL}/challenge"
    modules = [each["src"] for each in found.all("script") if each.get("type") == "module"]
    assert modules == ["https://www.example.com/signup/static/captcha.js"]
    assert "captcha" not in make_snippet(builders.form(), URL, kind)


def test_a_command_for_such_a_form_says_that_it_is_quarantined() -> None:
    first, *rest = make_snippet(builders.form(captcha="altcha"), URL, SnippetKind.CURL).split("\n")
    assert first.startswith("# ") and "waits in quarantine" in first
    assert "\n".join(rest) == make_snippet(builders.form(), URL, SnippetKind.CURL)
