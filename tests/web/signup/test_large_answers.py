"""However large a request is that a stranger sends: no answer is large."""

import json
import string
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import CustomField, Form, ListRef

MOST_ANSWERED = 64 * 1024
MOST_ELSEWHERE = 40 * 1024
MOST_FOR_AN_ERROR = 8 * 1024  # as JSON, which keeps nothing of what was typed

SENT = 62 * 1024
QUOTES = '"' * (SENT // 2)  # JSON escapes them
LETTERS = "x" * SENT
EMOJI = "😀" * (SENT // 4)
NAMES = [f"{a}{b}{c}" for a in string.ascii_letters for b in string.ascii_letters for c in "xyz"]
KNOWN = ("first_name", "last_name", "company", "street", "city", "phone", "job_title", "country")
WRONG = "ada@"


def urlencoded(*pairs: str) -> dict[str, Any]:
    body = "&".join(pairs).encode()[: 64 * 1024]
    return {"data": body, "content_type": "application/x-www-form-urlencoded"}


def posted(**fields: Any) -> dict[str, Any]:
    body = json.dumps(fields, ensure_ascii=False).encode()
    assert len(body) <= 64 * 1024, len(body)
    return {"data": body, "content_type": "application/json"}


REQUESTS: dict[str, dict[str, Any]] = {
    "lists that the form does not have": urlencoded(
        "email=ada@example.com", "_lists=" + "a," * SENT
    ),
    "each in a field": urlencoded("email=ada@example.com", *["_lists=a"] * 7000),
    "one list of a long name": posted(email="ada@example.com", _lists=QUOTES),
    "twenty lists of long names": posted(
        email="ada@example.com", _lists=[f"{n}" + "<" * 2900 for n in range(20)]
    ),
    "fields of the website's own": urlencoded("email=ada@", *[f"{name}=" for name in NAMES]),
    "with values": urlencoded("email=ada@", *[f"{name}=%22" for name in NAMES]),
    "one large field": posted(email=WRONG, note=QUOTES),
    "many values of one field": posted(email=WRONG, note=["'"] * 12_000),
    "a large name": posted(email=WRONG, **{LETTERS: "x"}),
    "a large address": posted(email=QUOTES),
    "a large known field": posted(email=WRONG, first_name=QUOTES),
    "all known fields": posted(email=WRONG, **dict.fromkeys(KNOWN, "'" * 7000)),
    "a custom field": posted(email=WRONG, cake=QUOTES),
    "a letter of many lines": posted(email=WRONG, cake="'\n" * (SENT // 3)),
    "all custom fields": posted(email=WRONG, **{f"cake{n}": "'" * 2500 for n in range(25)}),
    "the next page": posted(email=WRONG, _next="/" + "'" * SENT),
    "many next pages": urlencoded("email=ada@", *["_next=%22"] * 6000),
    "the page that posted": posted(email=WRONG, _page="https://a.example/" + LETTERS),
    "the consent box": posted(email=WRONG, consent=QUOTES),
    "the next page of a sign-up": posted(email="ada@example.com", _next="/" + EMOJI),
    "an address in the form's address": {
        **posted(email=WRONG),
        "query_string": "&".join(f"{name}=%22" for name in NAMES[:3000]),
    },
    "another origin": {**posted(email=WRONG), "headers": {"Origin": "https://" + "o" * 28_000}},
    "an unknown form": {**posted(email=WRONG), "path": "/f/" + "n" * 28_000},
    "a long key": {**posted(email=WRONG), "headers": {"Idempotency-Key": "k" * 28_000}},
}


@pytest.fixture
def form(save_form: Callable[..., Form]) -> Form:
    return save_form(
        "cakes",
        lists=(ListRef("l-1", "One"), ListRef("l-2", "Two")),
        origins=("https://a.example",),
        consent_box="optional",
        custom_fields=(
            CustomField("cf", "cake", "Favourite cake"),
            *(CustomField(f"cf-{n}", f"cake{n}", f"Cake {n}") for n in range(25)),
        ),
    )


def size(client: FlaskClient, accept: str, request: dict[str, Any]) -> int:
    sent = {"path": "/f/cakes", **request}
    headers = {"Accept": accept, **sent.pop("headers", {})}
    answer = client.post(sent.pop("path"), headers=headers, **sent)
    assert answer.status_code != 500
    return measured(answer)


def measured(answer: TestResponse) -> int:
    return len(answer.data) + sum(len(name) + len(value) for name, value in answer.headers)


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_an_answer_as_json_is_small(
    client: FlaskClient, form: Form, request_: dict[str, Any]
) -> None:
    assert size(client, "application/json", request_) <= MOST_FOR_AN_ERROR


@pytest.mark.parametrize(
    ("method", "path", "sent"),
    [
        ("GET", "/console/", {"query_string": "%22" * 9000}),
        ("GET", "/console/accounts/" + "%22" * 9000, {}),
        ("GET", "/console/sign-in", {"query_string": "next=" + "%22" * 9000}),
        ("GET", "/console/sign-in/code", {"query_string": "next=" + "%22" * 9000}),
        ("POST", "/console/sign-in", {"data": {"name": "'" * 5000, "password": "x"}}),
        ("GET", "/f/cakes", {"query_string": "note=" + "%22" * 9000}),
        ("GET", "/f/" + "%22" * 9000, {}),
        ("GET", "/connect/link/" + "%22" * 9000, {}),
        ("GET", "/connect/callback", {"query_string": "state=x&error=" + "%22" * 9000}),
        ("GET", "/" + "%22" * 9000, {}),
    ],
)
def test_what_else_strangers_can_ask_for_is_small(
    client: FlaskClient, form: Form, method: str, path: str, sent: dict[str, Any]
) -> None:
    answer = client.open(path, method=method, **sent)
    assert answer.status_code != 500
    assert measured(answer) <= MOST_ELSEWHERE


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_page_keeps_what_was_typed_within_bounds(
    client: FlaskClient, form: Form, request_: dict[str, Any]
) -> None:
    assert size(client, "text/html", request_) <= MOST_ANSWERED
