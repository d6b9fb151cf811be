"""Which pages may read our answers, errors included, and what their scripts may send."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.form import Form
from tests.support.web_services import change_services

OURS = "http://127.0.0.1:8080"
THEIRS = "https://a.example"
EVIL = "https://evil.example"
# What a browser's fetch says unless the script says otherwise.
FETCH = {"Origin": THEIRS, "Accept": "*/*", "Sec-Fetch-Mode": "cors"}


@pytest.fixture(autouse=True)
def forms(save_form: Callable[..., Form]) -> None:
    save_form("listed", origins=(THEIRS, "https://b.example"))
    save_form("gone", origins=(THEIRS,), enabled=False)


def post(
    client: FlaskClient, form: str, origin: str | None, **options: object
) -> tuple[int, str | None]:
    """Return the status, and the origin that may read the answer."""
    headers = {"Origin": origin} if origin else {}
    given = options or {"json": {"email": "ada@example.com"}}
    response = client.post(f"/f/{form}", headers=headers, **given)
    return response.status_code, readable_by(response)


def readable_by(response: TestResponse) -> str | None:
    """Return the origin that may read the answer, also with credentials unless it is ``*``."""
    assert "Origin" in response.headers["Vary"]
    allowed = response.headers.get("Access-Control-Allow-Origin")
    if allowed == "*":
        assert "Access-Control-Allow-Credentials" not in response.headers
    return allowed


def may_send_cookies(response: TestResponse) -> bool:
    return response.headers.get("Access-Control-Allow-Credentials") == "true"


@pytest.mark.parametrize("form", ["news", "listed"])
@pytest.mark.parametrize("origin", ["null", None])
def test_a_page_that_is_unknown_may_read_without_credentials(
    client: FlaskClient, form: str, origin: str | None
) -> None:
    assert post(client, form, origin) == (202, "*")


@pytest.mark.parametrize("origin", [THEIRS, EVIL, "capacitor://localhost"])
def test_without_a_list_any_page_may(client: FlaskClient, origin: str) -> None:
    assert post(client, "news", origin) == (202, origin)


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
    assert not may_send_cookies(response)


@pytest.mark.parametrize(
    ("form", "options", "status"),
    [
        ("gone", {}, 410),
        ("listed", {"json": {}}, 422),
        ("listed", {"data": b"{", "content_type": "application/json"}, 400),
        ("listed", {"data": b"x" * 70_000, "content_type": "application/json"}, 413),
        ("listed", {"data": b"x", "content_type": "image/png"}, 415),
        ("nwes", {}, 404),
        ("news/x", {}, 404),
        ("", {}, 404),
    ],
)
def test_errors_can_be_read_too(
    client: FlaskClient, form: str, options: dict[str, Any], status: int
) -> None:
    assert post(client, form, THEIRS, **options) == (status, THEIRS)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_wrong_method_can_be_read_too(client: FlaskClient, method: str) -> None:
    answer = client.open("/f/listed", method=method, headers=FETCH)
    assert (answer.status_code, readable_by(answer)) == (405, THEIRS)
    assert answer.json is not None


def test_a_failure_of_ours_can_be_read_too(app: Flask) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("a fault")

    change_services(app, intake=type("Broken", (), {"check": fail})())
    assert post(app.test_client(), "listed", THEIRS) == (500, THEIRS)


@pytest.mark.parametrize("path", ["/f/listed", "/f/listed/thanks"])
def test_pages_can_be_read_too(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers=FETCH)
    assert (answer.status_code, readable_by(answer)) == (200, THEIRS)


def test_what_is_not_for_visitors_can_be_read_by_nobody(client: FlaskClient) -> None:
    for path in ("/console/sign-in", "/healthz", "/connect/callback"):
        assert "Access-Control-Allow-Origin" not in client.get(path, headers=FETCH).headers


# --- preflights


def ask(client: FlaskClient, form: str = "listed", **headers: str) -> TestResponse:
    asked = {"Origin": THEIRS, "Access-Control-Request-Method": "POST"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    response = client.options(f"/f/{form}", headers=asked)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers["Access-Control-Allow-Methods"] == "POST"
    assert response.headers["Access-Control-Max-Age"] == "86400"
    return response


def granted(client: FlaskClient, asked: str) -> list[str]:
    """Return the headers that a script may send."""
    response = ask(client, Access_Control_Request_Headers=asked)
    return response.headers["Access-Control-Allow-Headers"].split(", ")


@pytest.mark.parametrize(
    ("form", "origin", "allowed"),
    [
        ("listed", THEIRS, THEIRS),
        ("listed", EVIL, THEIRS),
        ("news", EVIL, EVIL),
        ("nwes", EVIL, EVIL),
    ],
)
def test_preflight(client: FlaskClient, form: str, origin: str, allowed: str) -> None:
    answer = ask(client, form, Origin=origin)
    assert readable_by(answer) == allowed
    assert may_send_cookies(answer) == (origin == allowed)


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        pytest.param("", [], id="none"),
        pytest.param("content-type", ["content-type"], id="one of ours"),
        pytest.param(
            "baggage,content-type,sentry-trace",
            ["baggage", "content-type", "sentry-trace"],
            id="monitoring",
        ),
        pytest.param(
            "hx-current-url, hx-request ,,hx-request",
            ["hx-current-url", "hx-request"],
            id="blanks, gaps, doubles",
        ),
        pytest.param("authorization", ["authorization"], id="never covered by *"),
        pytest.param("a b,x:y,*\u00e9,x-ok", ["x-ok"], id="names that are none"),
        pytest.param("x" * 101, [], id="a name that is too long"),
        pytest.param(
            ",".join(f"x-{n}" for n in range(99)), [f"x-{n}" for n in range(50)], id="too many"
        ),
    ],
)
def test_scripts_may_send_the_headers_that_they_ask_for(
    client: FlaskClient, asked: str, more: list[str]
) -> None:
    found = granted(client, asked)
    assert found[: len(more)] == more
    ours = ["accept", "content-type", "x-requested-with", "idempotency-key"]
    assert sorted(map(str.lower, found)) == sorted({*more, *ours})


@pytest.mark.parametrize(
    ("form", "origin", "allowed"),
    [("listed", THEIRS, "true"), ("news", EVIL, "true"), ("listed", EVIL, None), ("x", EVIL, None)],
)
def test_a_page_on_the_internet_may_post_into_a_private_network_if_it_may_post(
    client: FlaskClient, form: str, origin: str, allowed: str | None
) -> None:
    name = "Access-Control-Allow-Private-Network"
    asked = ask(client, form, Origin=origin, Access_Control_Request_Private_Network="true")
    assert asked.headers.get(name) == allowed
    assert name not in ask(client, form, Origin=origin).headers


# --- scripts


@pytest.mark.parametrize("mode", ["cors", "no-cors", "same-origin"])
@pytest.mark.parametrize("accept", [{}, {"Accept": "*/*"}])
def test_a_fetch_without_accept_gets_json(
    client: FlaskClient, mode: str, accept: dict[str, str]
) -> None:
    headers = {"Origin": THEIRS, "Sec-Fetch-Mode": mode} | accept
    data = {"email": "ada@example.com"}
    answer = client.post(
        "/f/listed", data=data, headers=headers, content_type="multipart/form-data"
    )
    assert (answer.status_code, readable_by(answer)) == (202, THEIRS)
    assert answer.json is not None and answer.json["ok"] is True
    wrong = client.post("/f/listed", data={"email": "ada"}, headers=headers)
    assert wrong.status_code == 422 and wrong.json is not None


@pytest.mark.parametrize("accept", [{}, {"Accept": "*/*"}])
def test_a_browser_that_does_not_say_that_it_fetches_gets_json_too(
    client: FlaskClient, accept: dict[str, str]
) -> None:
    data = {"email": "ada@example.com"}
    answer = client.post("/f/listed", data=data, headers={"Origin": THEIRS} | accept)
    assert (answer.status_code, readable_by(answer)) == (202, THEIRS)


def test_a_form_gets_a_page_from_every_browser(client: FlaskClient) -> None:
    accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    headers = {"Origin": THEIRS, "Accept": accept}
    assert client.post("/f/listed", data={"email": "a@b.example"}, headers=headers).location


def test_a_fetch_that_asks_for_a_page_gets_one(client: FlaskClient) -> None:
    headers = FETCH | {"Accept": "text/html"}
    answer = client.post("/f/listed", data={"email": "ada@example.com"}, headers=headers)
    assert (answer.status_code, answer.location) == (303, "/f/listed/thanks")


def test_a_navigation_gets_a_page(client: FlaskClient) -> None:
    headers = FETCH | {"Sec-Fetch-Mode": "navigate"}
    assert client.post("/f/listed", data={"email": "a@b.example"}, headers=headers).location


# --- AMP


AMP = "/f/{}?__amp_source_origin=https%3A%2F%2Fa.example"
AMP_ALLOWED = "AMP-Access-Control-Allow-Source-Origin"


@pytest.mark.parametrize(
    ("next_page", "leads_to"),
    [("/ok", f"{THEIRS}/ok"), (None, None), ("http://a.example/ok", None)],
)
def test_an_amp_page_gets_json_that_it_may_read_and_where_to_go(
    client: FlaskClient, next_page: str | None, leads_to: str | None
) -> None:
    data = {"email": "ada@example.com"} | ({"_next": next_page} if next_page else {})
    answer = client.post(AMP.format("listed"), data=data, headers={"Origin": THEIRS})
    assert (answer.status_code, readable_by(answer)) == (202, THEIRS)
    assert may_send_cookies(answer)
    assert answer.headers[AMP_ALLOWED] == THEIRS
    assert answer.headers.get("AMP-Redirect-To") == leads_to
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert exposed == ["Retry-After", "X-Request-Id", "AMP-Redirect-To", AMP_ALLOWED]


@pytest.mark.parametrize("source", [EVIL, "null", "https://a.example\r\nX: y", ""])
def test_an_amp_source_that_may_not_post_is_not_confirmed(client: FlaskClient, source: str) -> None:
    answer = client.post(
        "/f/listed",
        query_string={"__amp_source_origin": source},
        data={"email": "ada@example.com"},
        headers={"Origin": THEIRS},
    )
    assert AMP_ALLOWED not in answer.headers
    assert "X" not in answer.headers


def test_an_answer_without_amp_names_no_amp_source(client: FlaskClient) -> None:
    answer = client.post("/f/listed", json={"email": "ada@example.com", "_next": "/ok"})
    assert AMP_ALLOWED not in answer.headers
    assert "AMP-Redirect-To" not in answer.headers
