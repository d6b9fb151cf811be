"""Our pages never say what a stranger made up.

Anybody can lead a visitor or an operator to an address of ours, or post to it. What they put there
must not look like our own words. The controls of a form may have it, as somebody typed it there.
"""

import re
from collections.abc import Callable
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shared.domain.form import ListRef
from tests.support.console_browser import SignedIn

SENTENCE = "Your account is suspended, please write to help at evil.example"
ADDRESS = quote(SENTENCE)
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}
EMAIL = {"email": "ada@example.com"}


def said(answer: TestResponse) -> str:
    """Return the text of a page, without tags and what is typed into controls."""
    text = re.sub(r"(?s)<textarea.*?</textarea>|<!--.*?-->|<[^>]*>", " ", answer.text)
    return " ".join(unescape(text).split())


@pytest.mark.parametrize(
    "path",
    [
        *(f"/{ADDRESS}", f"/f/{ADDRESS}", f"/f/{ADDRESS}/thanks", f"/f/news?{ADDRESS}=x"),
        *(f"/f/news?email={ADDRESS}&first_name={ADDRESS}", f"/f/news?_lists={ADDRESS}"),
        *(f"/console/sign-in?next={ADDRESS}", f"/console/{ADDRESS}", f"/static/{ADDRESS}"),
        *(f"/connect/link/{ADDRESS}", f"/connect/callback?state={ADDRESS}&code={ADDRESS}"),
        f"/connect/callback?state=x&error={ADDRESS}&error_description={ADDRESS}",
        *(f"/readyz?{ADDRESS}", f"/?{ADDRESS}"),
    ],
)
def test_no_address_has_a_page_say_a_sentence(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, headers=BROWSER)
    assert "suspended" not in said(answer), said(answer)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/f/news", {SENTENCE: "x"}),
        ("/f/news", {SENTENCE[:38]: "x"}),
        ("/f/news", {SENTENCE: "\x01", **EMAIL}),
        ("/f/news", {"email": SENTENCE}),
        ("/f/news", {"_lists": SENTENCE, **EMAIL}),
        ("/f/news", {"birthday": SENTENCE, "phone": SENTENCE, "first_name": "\x01", **EMAIL}),
        ("/f/news", {"_page": SENTENCE, "_next": SENTENCE}),
        (f"/f/{ADDRESS}", EMAIL),
        ("/console/sign-in", {"name": SENTENCE, "password": "x", "next": SENTENCE}),
        (f"/connect/link/{ADDRESS}", {}),
        (f"/connect/again/{ADDRESS}", {}),
    ],
)
def test_no_post_has_a_page_say_a_sentence(
    app: Flask, save_form: Callable[..., object], path: str, fields: dict[str, str]
) -> None:
    save_form(lists=(ListRef("1", "One"), ListRef("2", "Two")))
    body = urlencode(fields)
    answer = app.test_client().post(
        path, data=body, headers=BROWSER, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code >= 303
    assert "suspended" not in said(answer), said(answer)


def test_no_link_has_the_console_say_a_sentence_to_an_operator(app: Flask) -> None:
    browser = SignedIn(app)
    rules = [rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())]
    paths = [re.sub(r"<[^>]+>", ADDRESS, rule.rule) for rule in rules]
    asked = [path for path in paths if path.startswith("/console/")]
    assert len(asked) > 10
    for path in asked:
        answer = browser.get(f"{path}?name={ADDRESS}&next={ADDRESS}&q={ADDRESS}", headers=BROWSER)
        assert "suspended" not in said(answer), (path, said(answer))
