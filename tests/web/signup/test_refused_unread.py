"""Over a limit of refused requests, an address gets 429 before its bodies are parsed."""

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


def forbid_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: Any) -> Any:
        raise AssertionError("a body was parsed")

    for module in ("routes", "fast_path"):
        monkeypatch.setattr(f"web.signup.{module}.read_posted", parsed)


def test_refusals_beyond_the_limit_are_429_unread(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [wrong(client) for _ in range(3)] == [422] * 3
    forbid_parsing(monkeypatch)
    page = client.post("/f/news", data={"email": "ada@example.com"})
    assert page.status_code == 429
    assert 1 <= int(page.headers["Retry-After"]) <= 60
    assert "Too many requests from your network" in page.text
    assert "Back button" in page.text
    assert "what you typed is still on this page" not in page.text

    asked = {**JSON, "Origin": "https://www.example.com"}
    for body, kind in ((b"x" * 70_000, "image/png"), (b"\x00", "application/json")):
        answer = client.post("/f/news", data=body, content_type=kind, headers=asked)
        told = answer.get_json()
        assert (answer.status_code, told["ok"], told["errors"]) == (429, False, [])
        assert answer.headers["Access-Control-Allow-Origin"] in ("*", asked["Origin"])
    assert client.get("/f/news").status_code == 200
    elsewhere = {"REMOTE_ADDR": "198.51.100.1"}
    assert wrong(client, environ_base=elsewhere) == 500  # it was parsed


def test_each_of_them_counts_once_for_its_form(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[RefusalCode] = []
    tallies = services_of(client.application).form_tallies
    monkeypatch.setattr(tallies, "refused", lambda _, refusal: counted.append(refusal.code))
    for _ in range(5):
        wrong(client)
    assert client.post("/f/nowhere", data={"email": "ada@"}).status_code == 429
    assert counted == ["invalid"] * 3 + ["rate_limited"] * 2


@pytest.mark.parametrize(
    "posted",
    [
        {"path": "/f/nowhere"},
        {"data": b'{"', "content_type": "application/json"},
        {"data": b"\x89PNG", "content_type": "image/png"},
        {"data": b"x" * 70_000},
    ],
    ids=["404", "400", "415", "413"],
)
def test_every_refusal_counts(client: FlaskClient, posted: dict[str, Any]) -> None:
    path = posted.pop("path", "/f/news")
    for _ in range(3):
        assert client.post(path, **posted).status_code in (400, 404, 413, 415)
    assert wrong(client) == 429


def test_an_honest_office_does_not_reach_the_limit(make: Make) -> None:
    client = make(web_processes=8)
    assert {wrong(client) for _ in range(29)} == {422}
    assert client.post("/f/news", data={"email": "ada@example.com"}).status_code == 303


def test_without_a_visitor_limit_there_is_none(make: Make) -> None:
    client = make(visitor_limit=None)
    assert {wrong(client) for _ in range(130)} == {422}
