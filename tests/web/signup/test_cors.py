"""Which pages may read our answers, errors included."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.domain.form import Form

OURS = "http://127.0.0.1:8080"
THEIRS = "https://a.example"
EVIL = "https://evil.example"


@pytest.fixture(autouse=True)
def forms(save_form: Callable[..., Form]) -> None:
    save_form("listed", origins=(THEIRS, "https://b.example"))
    save_form("gone", origins=(THEIRS,), enabled=False)


def post(
    client: FlaskClient, form: str, origin: str | None, **options: object
) -> tuple[int, str | None]:
    headers = {"Origin": origin} if origin else {}
    given = options or {"json": {"email": "ada@example.com"}}
    response = client.post(f"/f/{form}", headers=headers, **given)
    assert "Access-Control-Allow-Credentials" not in response.headers
    if form != "news":
        assert response.headers["Vary"] == "Origin"
    return response.status_code, response.headers.get("Access-Control-Allow-Origin")


@pytest.mark.parametrize("origin", [THEIRS, EVIL, "null", None])
def test_without_a_list_any_page_may(client: FlaskClient, origin: str | None) -> None:
    assert post(client, "news", origin) == (202, "*")


@pytest.mark.parametrize("origin", [THEIRS, "https://b.example", OURS, "http://localhost"])
def test_a_listed_page_and_our_own_may(client: FlaskClient, origin: str) -> None:
    assert post(client, "listed", origin) == (202, origin)


@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "http://a.example",
        "https://a.example:8443",
        "https://A.example",
        "https://a.example.evil.example",
        "https://user@a.example",
        "chrome-extension://abcdefgh",
    ],
)
def test_any_other_is_refused_and_told_both_origins(client: FlaskClient, origin: str) -> None:
    assert post(client, "listed", origin) == (403, THEIRS)
    response = client.post("/f/listed", headers={"Origin": origin}, json={})
    assert response.json is not None
    assert origin in response.json["error"] and THEIRS in response.json["error"]


def test_a_sender_that_is_no_browser_may(client: FlaskClient) -> None:
    assert post(client, "listed", None)[0] == 202


@pytest.mark.parametrize(
    ("form", "options", "status"),
    [
        ("gone", {}, 410),
        ("listed", {"json": {}}, 422),
        ("listed", {"data": b"{", "content_type": "application/json"}, 400),
        ("listed", {"data": b"x" * 70_000, "content_type": "application/json"}, 413),
        ("listed", {"data": b"x", "content_type": "image/png"}, 415),
    ],
)
def test_errors_can_be_read_too(
    client: FlaskClient, form: str, options: dict[str, Any], status: int
) -> None:
    assert post(client, form, THEIRS, **options) == (status, THEIRS)


def test_an_unknown_form_can_be_read_by_all(client: FlaskClient) -> None:
    response = client.post("/f/nwes", headers={"Origin": THEIRS}, json={})
    assert response.status_code == 404
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    ("form", "origin", "allowed"),
    [
        ("listed", THEIRS, THEIRS),
        ("listed", EVIL, THEIRS),
        ("news", EVIL, "*"),
        ("nwes", EVIL, "*"),
    ],
)
def test_preflight(client: FlaskClient, form: str, origin: str, allowed: str) -> None:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    response = client.options(f"/f/{form}", headers=asked)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == allowed
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Max-Age"] == "86400"
    headers = response.headers["Access-Control-Allow-Headers"].split(", ")
    assert headers == ["Accept", "Content-Type", "X-Requested-With", "Idempotency-Key"]
