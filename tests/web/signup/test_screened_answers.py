"""What looks like spam gets the answer of everyone, and waits in quarantine with its reasons."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import Form
from tests.support.web_services import change_services, services_of
from web.signup.time_token import TimeTokens

Stored = Callable[[], list[dict[str, Any]]]

HONEST = {"first_name": "Ada", "last_name": "Lovelace"}
SPAM = {
    "honeypot": {**HONEST, "_gotcha": "x"},
    "links_in_name": {**HONEST, "first_name": "https://win.example"},
    "gibberish": {"first_name": "xkqjRTzpWq", "last_name": "Vwxgral"},
    "spam_words": {**HONEST, "message": "Viagra, Cialis and Levitra"},
    "links": {**HONEST, "message": "A [url=https://a.example]link[/url]"},
    "disposable": {**HONEST, "email": "ada@mailinator.com"},
}
KINDS = {
    "json": {"Accept": "application/json"},
    "browser": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    "website": {"Accept": "application/json", "Origin": "https://www.example.com"},
}


def shape(answer: TestResponse) -> str:
    """Return all of an answer but for the sign-up's id."""
    text = f"{answer.status}\n{sorted(answer.headers.items())}\n{answer.get_data(as_text=True)}"
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "id", text)


def reasons(record: dict[str, Any]) -> list[str]:
    return list(record["contact"].get("quarantine", {"reasons": []})["reasons"])


@pytest.mark.parametrize("headers", KINDS.values(), ids=KINDS)
def test_the_answer_does_not_tell(
    client: FlaskClient, stored: Stored, headers: dict[str, str]
) -> None:
    honest = client.post("/f/news", data={"email": "ada@example.com"} | HONEST, headers=headers)
    for reason, posted in SPAM.items():
        email = f"{reason}@example.com"
        answer = client.post("/f/news", data={"email": email} | posted, headers=headers)
        assert shape(answer) == shape(honest)
    assert sorted(each for record in stored() for each in reasons(record)[:1]) == sorted(SPAM)


def test_what_looks_like_spam_is_refused_for_what_everything_is(client: FlaskClient) -> None:
    wrong = {"email": "ada@", "phone": "1" * 40}
    honest = client.post("/f/news", data=HONEST | wrong, headers=KINDS["json"])
    spam = client.post("/f/news", data=SPAM["links_in_name"] | wrong, headers=KINDS["json"])
    assert honest.status_code == 422
    assert json.loads(spam.text) == json.loads(honest.text)


def test_the_forms_own_threshold_decides(
    client: FlaskClient, stored: Stored, save_form: Callable[..., Form]
) -> None:
    save_form("strict", spam_threshold=8)
    save_form("lax", spam_threshold=0)
    odd = {"first_name": "Zqvfekl", "email": "z@example.com"}
    spam = {"email": "s@mailinator.com", "first_name": "https://win.example"}
    for form, posted in (("news", odd), ("strict", odd), ("lax", spam)):
        assert client.post(f"/f/{form}", data=posted).status_code == 303
    by_form = {record["form"]: reasons(record) for record in stored()}
    assert by_form == {"news": [], "strict": ["gibberish", "no_time_token"], "lax": []}


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        pytest.param(0.5, ["gibberish", "too_fast"], id="at once"),
        pytest.param(3.0, [], id="after three seconds"),
        pytest.param(90_000.0, [], id="the day after: as without"),
    ],
)
def test_the_page_tells_how_long_it_was_open(
    app: Flask, client: FlaskClient, stored: Stored, waits: float, expected: list[str]
) -> None:
    noon = [1_800_000_000.0]
    tokens = TimeTokens(("a key",), clock=lambda: noon[0])
    services = services_of(app)
    object.__setattr__(services.intake, "time_tokens", tokens)
    change_services(app, time_tokens=tokens)
    [token] = re.findall(r'name="_t" value="(\w+)"', client.get("/f/news").text)
    noon[0] += waits
    client.post("/f/news", data={"email": "z@example.com", "last_name": "Zqvfekl", "_t": token})
    assert [reasons(record) for record in stored()] == [expected]
