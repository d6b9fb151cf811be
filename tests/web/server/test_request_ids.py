"""X-Request-Id is on every answer: the sign-up's own id, or what a trusted proxy gave."""

import logging
import re
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.infrastructure.logs import JsonFormatter
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.entrance_client import EntranceClient, ViewClient
from tests.support.ports import free_port
from web.app import create_app

JSON = {"Accept": "application/json"}
ADA = {"email": "ada@example.com"}
GIVEN = "req-0123456789.abcdef_XYZ"


@pytest.fixture
def behind_proxy(app: Flask, settings: Settings) -> FlaskClient:
    return create_app(replace(settings, trusted_proxies=1)).test_client()


def id_of(response: Any) -> str:
    [found] = response.headers.getlist("X-Request-Id")
    return str(found)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", "/", {}, 200),
        ("GET", "/healthz", {}, 200),
        ("GET", "/nothing", {}, 404),
        ("GET", "/f/news", {}, 200),
        ("PUT", "/f/news", {}, 405),
        ("POST", "/f/news", {}, 422),
        ("POST", "/f/unknown", {}, 404),
        ("GET", "/console/", {}, 302),
        ("GET", "/console/", {"Host": "stranger.example"}, 421),
        ("GET", "/static/pages.css", {}, 200),
        ("POST", "/f/news", {"Transfer-Encoding": "gzip"}, 501),
    ],
)
def test_every_answer_has_one_and_each_another(
    client: FlaskClient, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answers = [client.open(path, method=method, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    ids = {id_of(answer) for answer in answers}
    assert len(ids) == 2
    assert all(str(uuid.UUID(id)) == id for id in ids)


@pytest.mark.parametrize("way", [EntranceClient, ViewClient])
def test_a_signup_has_the_id_of_its_request(
    app: Flask, way: type[FlaskClient], redis_client: "redis.Redis"
) -> None:
    Registry(redis_client).save_account(builders.account("acme"))
    app.test_client_class = way
    answer = app.test_client().post("/f/news", data=ADA, headers=JSON)
    assert answer.json is not None
    assert id_of(answer) == answer.json["id"]
    assert Ledger(redis_client).find(id_of(answer), ["acme"]) is not None
    page = app.test_client().post("/f/news", data={"email": "bob@example.com"})
    assert Ledger(redis_client).find(id_of(page), ["acme"]) is not None


@pytest.mark.parametrize("way", [EntranceClient, ViewClient])
def test_a_repeat_looks_like_the_first(app: Flask, way: type[FlaskClient]) -> None:
    """Nobody must see by the header whether somebody had signed up before."""
    app.test_client_class = way
    first, again = (app.test_client().post("/f/news", data=ADA, headers=JSON) for _ in range(2))
    assert first.json == again.json
    assert id_of(first) == id_of(again) == (first.json or {})["id"]


def test_a_quarantined_one_looks_like_any_other(client: FlaskClient) -> None:
    answer = client.post("/f/news", data={**ADA, "_gotcha": "x"}, headers=JSON)
    assert id_of(answer) == (answer.json or {})["id"]


@pytest.mark.parametrize("way", [EntranceClient, ViewClient])
def test_the_id_of_a_trusted_proxy_is_kept_with_the_signup(
    app: Flask, settings: Settings, way: type[FlaskClient], redis_client: "redis.Redis"
) -> None:
    Registry(redis_client).save_account(builders.account("acme"))
    app = create_app(replace(settings, trusted_proxies=1, visitor_limit=None))
    app.test_client_class = way
    sent = {**JSON, "X-Forwarded-For": "192.0.2.1", "X-Request-Id": GIVEN}
    answer = app.test_client().post("/f/news", data=ADA, headers=sent)
    assert answer.status_code == 202
    assert id_of(answer) == GIVEN
    ledger = Ledger(redis_client)
    signup = ledger.find((answer.json or {})["id"], ["acme"])
    assert signup is not None and signup.request_id == GIVEN
    assert builders.claimed(ledger).log_fields["request_id"] == GIVEN


def test_the_proxys_id_is_on_errors_too(behind_proxy: FlaskClient) -> None:
    for path in ("/nothing", "/f/news", "/healthz"):
        assert id_of(behind_proxy.get(path, headers={"X-Request-Id": GIVEN})) == GIVEN


@pytest.mark.parametrize(
    "value",
    [
        "",
        "x" * 41,
        "ada@example.com",
        "a b",
        "a\tb",
        "<script>",
        "a,b",
        "-a",
        "é",
        "a;b",
        "a/b",
    ],
)
def test_an_id_that_is_not_sane_is_not_kept(behind_proxy: FlaskClient, value: str) -> None:
    answer = behind_proxy.get("/healthz", headers={"X-Request-Id": value})
    assert re.fullmatch(r"[0-9a-f-]{36}", id_of(answer))


def test_a_refused_body_has_one_too(client: FlaskClient) -> None:
    answer = client.post("/console/sign-in", data=b"x" * 20_000)
    assert answer.status_code == 413
    assert uuid.UUID(id_of(answer))


def test_two_ids_are_none(behind_proxy: FlaskClient) -> None:
    answer = behind_proxy.get("/healthz", headers=[("X-Request-Id", GIVEN), ("X-Request-Id", "b")])
    assert id_of(answer) not in (GIVEN, "b")


def test_without_a_trusted_proxy_no_id_is_kept(client: FlaskClient) -> None:
    assert id_of(client.get("/healthz", headers={"X-Request-Id": GIVEN})) != GIVEN


def test_lines_of_the_log_have_the_id_of_their_request(
    make_away: Callable[[], FlaskClient], caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []
    formatter = JsonFormatter("web")

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(formatter.format(record))

    handler = Collecting()
    logging.getLogger("web.signup.routes").addHandler(handler)
    try:
        answer = make_away().post("/f/news", data=ADA, headers=JSON)
    finally:
        logging.getLogger("web.signup.routes").removeHandler(handler)
    assert answer.status_code == 503
    [line] = [each for each in lines if "not stored" in each]
    assert f'"request_id": "{id_of(answer)}"' in line


@pytest.fixture
def make_away(settings: Settings) -> Callable[[], FlaskClient]:
    """Web without Redis and without a disk for sign-ups."""

    def make() -> FlaskClient:
        nowhere = f"redis://127.0.0.1:{free_port()}/0"
        return create_app(replace(settings, redis_url=nowhere, spool_bytes=0)).test_client()

    return make
