"""The hosted form with values in its address: a link that fills it in, or a form without POST."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.domain.form import Form

SITE = "https://a.example"
HINT = 'method="post"'


@pytest.fixture(autouse=True)
def forms(save_form: Callable[..., Form]) -> None:
    save_form("listed", origins=(SITE,))
    save_form("boxed", consent_box="optional")


def inputs(page: str) -> dict[str, str]:
    """Return the values of the page's inputs by name, without those that each page has."""
    found = re.findall(r'<input [^>]*name="([^"]+)"[^>]*value="([^"]*)"', page)
    ours = ("_t", "_consent", "_language")
    return {name: value for name, value in found if value and name not in ours}


@pytest.mark.parametrize(
    ("query", "filled"),
    [
        ("email=ada%40example.com", {"email": "ada@example.com"}),
        ("EMAIL=ada%40example.com&FNAME=Ada", {"email": "ada@example.com", "first_name": "Ada"}),
        ("your-name=Ada+Lovelace", {"first_name": "Ada", "last_name": "Lovelace"}),
        ("favourite_cake=Sacher", {"favourite_cake": "Sacher"}),
        ("email=a&utm_source=x&_next=/ok", {"email": "a", "utm_source": "x", "_next": "/ok"}),
        ("email=a&first_name=J%FCrgen", {"email": "a", "first_name": "Jürgen"}),
        ("contact[email]=a&E-Mail-Adresse+*=", {"email": "a"}),
        ("email=a&format=json&__amp_source_origin=x", {"email": "a"}),
        ("email=%22%3E%3Cb%3E", {"email": "&#34;&gt;&lt;b&gt;"}),
        ("", {}),
    ],
)
def test_values_fill_the_form_in_under_the_names_of_a_post(
    client: FlaskClient, query: str, filled: dict[str, str]
) -> None:
    page = client.get(f"/f/news?{query}")
    assert page.status_code == 200
    assert inputs(page.text) == filled


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ("email=ada%40example.com", True),
        ("email=&first_name=", True),
        ("", False),
        ("utm_source=x", False),
        ("format=json", False),
    ],
)
def test_the_page_tells_the_owner_what_a_form_lacks(
    client: FlaskClient, query: str, hint: bool
) -> None:
    page = client.get(f"/f/news?{query}").text
    assert (HINT in page.partition("</form>")[2]) == hint
    assert ("You are not signed up yet" in page) == hint


def test_a_link_gives_no_consent(client: FlaskClient) -> None:
    page = client.get("/f/boxed?email=ada%40example.com&consent=yes").text
    assert 'name="consent" value="yes"' in page
    assert "checked" not in page


def test_a_link_fills_no_trap(client: FlaskClient) -> None:
    page = client.get("/f/news?email=ada%40example.com&_gotcha=x").text
    assert 'name="_gotcha" type="text" value=""' in page


@pytest.mark.parametrize(
    ("form", "referrer", "carried"),
    [
        ("listed", f"{SITE}/blog/?x", f"{SITE}/blog/"),
        ("listed", "https://evil.example/", None),
        ("news", "https://evil.example/", None),
        ("news", None, None),
    ],
)
def test_only_a_listed_page_gets_its_visitors_back(
    client: FlaskClient, form: str, referrer: str | None, carried: str | None
) -> None:
    headers = {"Referer": referrer} if referrer else {}
    query = "email=ada%40example.com&_next=ok.html&_page=https%3A%2F%2Fevil.example%2F"
    page = client.get(f"/f/{form}?{query}", headers=headers)
    sent = inputs(page.text)
    assert sent.get("_page") == carried
    ours = {"Origin": "http://127.0.0.1:8080", "Accept": "text/html"}
    answer = client.post(f"/f/{form}", data=sent, headers=ours)
    assert answer.location == (f"{carried}ok.html" if carried else f"/f/{form}/thanks")
    policy = page.headers["Content-Security-Policy"]
    assert "evil.example" not in policy


def test_the_values_are_in_no_log_and_no_address(
    client: FlaskClient, caplog: pytest.LogCaptureFixture, stored: Callable[[], list[Any]]
) -> None:
    caplog.set_level(logging.DEBUG)
    for path in ("/f/news", "/f/News/", "/f/none", "/f/news/x"):
        answer = client.get(f"{path}?email=ada%40example.com")
        assert "Location" not in answer.headers
    assert "ada" not in caplog.text
    assert stored() == []


def test_the_address_of_the_page_is_told_to_no_other(client: FlaskClient) -> None:
    policy = "Referrer-Policy"
    assert client.get("/f/news?email=a").headers[policy] == "strict-origin"
    assert client.get("/f/news").headers[policy] == "strict-origin-when-cross-origin"


def test_a_script_that_posts_nothing_may_have_put_the_fields_into_the_address(
    client: FlaskClient, stored: Callable[[], list[Any]]
) -> None:
    headers = {"Accept": "application/json"}
    path = "/f/news?email=ada%40example.com&first_name=J%FCrgen&format=json"
    assert client.post(path, headers=headers).status_code == 202
    contact = stored()[0]["contact"]
    assert contact["fields"] == {"email_address": "ada@example.com", "first_name": "Jürgen"}
    assert contact["other"] == {}


def test_what_is_posted_counts_more_than_the_address(
    client: FlaskClient, stored: Callable[[], list[Any]]
) -> None:
    client.post("/f/news?email=eve%40example.com", data={"email": "ada@example.com"})
    assert stored()[0]["contact"]["fields"] == {"email_address": "ada@example.com"}
