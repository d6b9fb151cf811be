"""Over a limit of refused requests, wrong sign-ups get 429, and large ones before they are parsed.

A page elsewhere can reach the limit in the name of a whole office. So right sign-ups still pass.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.domain.form import Form
from shared.domain.refusal import RefusalCode
from shared.infrastructure.settings import RateLimit, Settings
from tests.support.web_services import change_services, services_of
from web.app import create_app
from web.signup.refused_requests import RefusedRequests

JSON = {"Accept": "application/json"}
Make = Callable[..., FlaskClient]


@pytest.fixture
def make(settings: Settings, save_form: Callable[..., Form]) -> Iterator[Make]:
    """Makes web with these settings."""
    save_form()
    made: list[Flask] = []

    def make(**changed: Any) -> FlaskClient:
        made.append(create_app(replace(settings, **changed)))
        return made[-1].test_client()

    yield make
    for app in made:
        services_of(app).form_tallies.close()


@pytest.fixture
def client(make: Make) -> FlaskClient:
    """One visitor may have three requests refused."""
    client = make()
    limit = RateLimit(3, timedelta(minutes=1))
    refused = RefusedRequests(limit, clock=lambda: 0.0)
    change_services(client.application, refused_requests=refused)
    return client


def wrong(client: FlaskClient, **more: Any) -> int:
    return client.post("/f/news", data={"email": "ada@"}, **more).status_code


def forbid_parsing(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let parsing a body fail. Returns a list that gets a line each time somebody tries."""
    tried: list[str] = []

    def parsed(*_: Any) -> Any:
        tried.append("a body was parsed")
        raise AssertionError

    for module in ("this_request", "problem_answers", "fast_path"):
        monkeypatch.setattr(f"web.signup.{module}.read_posted", parsed)
    return tried


LARGE = "x" * 9000


@pytest.fixture
def limited(client: FlaskClient) -> FlaskClient:
    """The visitor has had as many requests refused as may be."""
    assert [wrong(client) for _ in range(3)] == [422] * 3
    return client


def test_large_bodies_beyond_the_limit_are_429_unread(
    limited: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = forbid_parsing(monkeypatch)
    page = limited.post("/f/news", data={"email": "ada@example.com", "message": LARGE})
    assert page.status_code == 429
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert "Too many requests from your network" in page.text
    assert "Back button" in page.text
    assert "what you typed is still on this page" not in page.text

    asked = {**JSON, "Origin": "https://www.example.com"}
    for body, kind in ((b"x" * 70_000, "image/png"), (LARGE.encode(), "application/json")):
        answer = limited.post("/f/news", data=body, content_type=kind, headers=asked)
        told = answer.get_json()
        assert (answer.status_code, told["ok"], told["errors"]) == (429, False, [])
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", asked["Origin"])
    assert limited.get("/f/news").status_code == 200
    assert parsed == []
    elsewhere = {"REMOTE_ADDR": "198.51.100.1"}
    assert wrong(limited, environ_base=elsewhere) == 500  # it was parsed


def test_a_wrong_sign_up_beyond_the_limit_is_told_what_is_wrong_and_kept(
    limited: FlaskClient,
) -> None:
    sent = {"email": "ada@", "first_name": "Ada Lovelace"}
    page = limited.post("/f/news", data=sent)
    assert (page.status_code, page.headers["Retry-After"]) == (429, "60")
    assert "what you typed is still on this page" in page.text
    assert 'value="ada@"' in page.text and 'value="Ada Lovelace"' in page.text
    assert 'id="field-email-error"' in page.text

    answer = limited.post("/f/news", data=sent, headers=JSON)
    told = answer.get_json()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    assert [(each["field"], each["code"]) for each in told["errors"]] == [("email", "invalid")]
    assert told["error"].endswith("Too many requests from your network could not be accepted.")


@pytest.mark.parametrize("query", ["", "?lang=en"], ids=["fast path", "view"])
def test_a_right_sign_up_beyond_the_limit_is_taken(limited: FlaskClient, query: str) -> None:
    sent = limited.post(f"/f/news{query}", data={"email": "ada@example.com"})
    assert sent.status_code == 303


def test_other_forms_do_not_know_of_the_limit(
    limited: FlaskClient, save_form: Callable[..., Form]
) -> None:
    save_form("shop")
    assert limited.post("/f/shop", data={"email": "ada@"}).status_code == 422
    assert limited.post("/f/shop", data={"email": "a@b.example", "m": LARGE}).status_code == 303


def test_each_of_them_counts_once_for_its_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[RefusalCode] = []
    tallies = services_of(client.application).form_tallies
    monkeypatch.setattr(tallies, "refused", lambda _, refusal, **__: counted.append(refusal.code))
    for _ in range(5):
        wrong(client)
    assert client.post("/f/news", data={"email": "ada@", "message": LARGE}).status_code == 429
    assert counted == ["invalid"] * 3 + ["rate_limited"] * 3


@pytest.mark.parametrize(
    "posted",
    [
        {"data": b'{"', "content_type": "application/json"},
        {"data": b"\x89PNG", "content_type": "image/png"},
        {"data": b"x" * 70_000},
    ],
    ids=["400", "415", "413"],
)
def test_what_was_looked_at_counts(client: FlaskClient, posted: dict[str, Any]) -> None:
    for _ in range(3):
        assert client.post("/f/news", **posted).status_code in (400, 413, 415)
    assert wrong(client) == 429


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        pytest.param("/f/nowhere", None, 404, id="no such form"),
        pytest.param("/f/closed", None, 410, id="a closed form"),
        pytest.param("/f/shop", "https://evil.example", 403, id="a page elsewhere"),
    ],
)
def test_what_costs_nothing_does_not_count(
    client: FlaskClient,
    save_form: Callable[..., Form],
    path: str,
    origin: str | None,
    status: int,
) -> None:
    save_form("closed", enabled=False)
    save_form("shop", origins=("https://www.example.com",))
    headers = {"Origin": origin} if origin else {}
    sent = {"data": {"email": "ada@"}, "headers": headers}
    assert {client.post(path, **sent).status_code for _ in range(9)} == {status}
    assert wrong(client) == 422
    assert client.post("/f/shop", data={"email": "ada@"}).status_code == 422


def test_the_limit_of_visitors_does_not_count(make: Make) -> None:
    client = make(visitor_limit=RateLimit(1, timedelta(minutes=1)))
    posted = [
        client.post("/f/news", data={"email": f"ada{n}@example.com"}).status_code
        for n in range(130)
    ]
    assert posted == [303] + [429] * 129
    assert wrong(client) == 422


def test_an_honest_office_does_not_reach_the_limit(make: Make) -> None:
    client = make(web_processes=8)
    assert {wrong(client) for _ in range(29)} == {422}
    assert client.post("/f/news", data={"email": "ada@example.com"}).status_code == 303


def test_without_a_visitor_limit_there_is_none(make: Make) -> None:
    client = make(visitor_limit=None)
    assert {wrong(client) for _ in range(130)} == {422}
