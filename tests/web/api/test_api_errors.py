"""Errors of the API: JSON for every status, and nothing of what was sent."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.api_script import Script, ask
from tests.support.web_services import change_services, services_of


def is_error(answer: TestResponse, status: int) -> dict[str, Any]:
    """Return the error, which has the shape and the status of one."""
    assert answer.status_code == status, answer.text
    assert answer.mimetype == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    found: dict[str, Any] = answer.get_json()
    assert set(found) == {"error", "errors"}
    assert isinstance(found["error"], str) and found["error"]
    for each in found["errors"]:
        assert set(each) == {"field", "code", "message"}
    return found


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/status/more", "/signups/a/b/c", "/../x"])
def test_where_nothing_is(app: Flask, admin: Script, path: str) -> None:
    is_error(admin.get(path), 404)
    is_error(ask(app, "GET", path), 404)


def test_another_version_is_not_there(app: Flask) -> None:
    assert app.test_client().get("/api/v2/status").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_another_method(admin: Script, method: str) -> None:
    answer = admin.ask(method, "/status")
    is_error(answer, 405)
    assert set(answer.headers["Allow"].split(", ")) <= {"GET", "HEAD", "OPTIONS"}


def test_no_other_site_may_read_it(app: Flask, admin: Script) -> None:
    headers = {"Origin": "https://news.example", "Access-Control-Request-Method": "GET"}
    for answer in (
        admin.ask("GET", "/status", headers=headers),
        admin.ask("OPTIONS", "/status", headers=headers),
        ask(app, "OPTIONS", "/status", headers=headers),
    ):
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        pytest.param(b'{"reason": "lunch"}', "text/plain", 415, id="text"),
        pytest.param(b"reason=lunch", "application/x-www-form-urlencoded", 415, id="a form"),
        pytest.param(b'{"reason": "lunch"}', "", 415, id="no type"),
        pytest.param(b"", "application/json", 400, id="nothing"),
        pytest.param(b"{", "application/json", 400, id="no JSON"),
        pytest.param(b"[" * 16_000, "application/json", 400, id="deep"),
        pytest.param(b"\xff\xfe{}", "application/json", 400, id="no UTF-8"),
        pytest.param(b'{"reason": "\\ud800"}', "application/json", 400, id="half a character"),
        pytest.param(b"[]", "application/json", 400, id="a list"),
        pytest.param(b"5", "application/json", 400, id="a number"),
        pytest.param(b'{"reason": "' + b"x" * 16_384 + b'"}', "application/json", 413, id="long"),
        pytest.param(b'{"reason": "lunch"}', "application/merge-patch+json", 200, id="other JSON"),
    ],
)
def test_other_bodies(admin: Script, content: bytes, kind: str, status: int) -> None:
    answer = admin.ask("POST", "/accounts/acme/hold", data=content, content_type=kind)
    if status == 200:
        assert answer.status_code == 200, answer.text
    else:
        is_error(answer, status)


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("reason", "required")]),
        ({"reason": None}, [("reason", "invalid")]),
        ({"reason": 5}, [("reason", "invalid")]),
        ({"reason": ""}, [("reason", "invalid")]),
        ({"reason": " \n "}, [("reason", "invalid")]),
        ({"reason": "x" * 301}, [("reason", "invalid")]),
        ({"reason": "lunch", "until": "noon"}, [("until", "unknown")]),
        ({"reasons": "lunch"}, [("reason", "required"), ("reasons", "unknown")]),
    ],
)
def test_wrong_fields_are_named(
    admin: Script, body: dict[str, Any], wrong: list[tuple[str, str]]
) -> None:
    error = is_error(admin.ask("POST", "/accounts/acme/hold", json=body), 422)
    assert sorted((each["field"], each["code"]) for each in error["errors"]) == wrong


def test_an_unknown_account(admin: Script) -> None:
    is_error(admin.post("/accounts/nobody/hold", reason="lunch"), 404)
    is_error(admin.post("/accounts/nobody/release"), 404)


def test_an_error_that_nobody_expected(app: Flask, admin: Script) -> None:
    class Broken:
        def document(self) -> None:
            raise RuntimeError("secret")

    change_services(app, status=Broken())
    error = is_error(admin.get("/status"), 500)
    assert "secret" not in str(error)
    assert "sign-up" not in error["error"]


def test_redis_is_away(app: Flask, admin: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    services_of(app).deadlines.timed_out()
    for answer in (admin.get("/status"), admin.post("/accounts/acme/release")):
        is_error(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
