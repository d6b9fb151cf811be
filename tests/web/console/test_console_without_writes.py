"""The console on a Redis that answers and takes no writes: full, a replica, or without replicas."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.infrastructure.settings import Settings
from shared.ledger.format import open_ledger
from shared.operations.operators import MOST_TRIES
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.refused_writes import demote, fill, isolate
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer
from tests.support.web_services import services_of
from web.app import create_app


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def admin(server: ValkeyServer) -> Iterator["redis.Redis"]:
    with server.client() as client:
        open_ledger(client)
        yield client


@pytest.fixture
def app(live_settings: Settings, server: ValkeyServer, admin: "redis.Redis") -> Flask:
    return create_app(
        replace(live_settings, redis_url=server.url(), broker_url=server.url(database=1))
    )


def sign_in(app: Flask, password: str, address: str = "203.0.113.7") -> TestResponse:
    return app.test_client().post(
        "/console/sign-in",
        data={"name": "admin", "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


@pytest.mark.parametrize(
    ("stop", "says"),
    [
        (fill, "The memory of Redis is full (OOM)."),
        (demote, "This Redis is a replica, which accepts no sign-ups (READONLY)."),
        (isolate, "Redis refuses to write, because too few replicas are connected (NOREPLICAS)."),
    ],
)
def test_operators_sign_in_and_see_what_is_wrong(
    app: Flask,
    admin: "redis.Redis",
    sandbox: SandboxServer,
    monkeypatch: pytest.MonkeyPatch,
    stop: Callable[["redis.Redis"], None],
    says: str,
) -> None:
    services_of(app).accounts.connecting.tokens.connect("acme", sandbox.connect(), by="ada")
    browser = SignedIn(app)
    assert "Newsletter" in browser.get("/console/accounts/acme").text
    assert says not in browser.get("/console/").text
    stop(admin)
    monkeypatch.setattr("web.console.accounts.FRESH", timedelta())  # the lists must be read again

    browser.sign_in()
    overview = browser.get("/console/")
    assert overview.status_code == 200
    assert says in overview.text

    account = browser.get("/console/accounts/acme")
    assert account.status_code == 200
    assert "Newsletter" in account.text
    assert f"These lists may be out of date. {says}" in account.text

    assert browser.get("/console/doctor").status_code == 200
    change = browser.post("/console/accounts/acme/disconnect")
    assert change.status_code == 503
    assert says in change.text


@pytest.mark.parametrize("stop", [fill, demote, isolate])
def test_guessing_is_limited_meanwhile(
    app: Flask, admin: "redis.Redis", stop: Callable[["redis.Redis"], None]
) -> None:
    SignedIn(app)
    stop(admin)
    for number in range(MOST_TRIES):
        assert sign_in(app, "wrong", f"203.0.113.{number}").status_code == 401
    refused = sign_in(app, PASSWORD, "203.0.113.99")
    assert refused.status_code == 429
    assert "15 minutes" in refused.text


def test_a_right_password_ends_the_count_of_wrong_ones(app: Flask, admin: "redis.Redis") -> None:
    SignedIn(app)
    fill(admin)
    for _ in range(2):
        for _ in range(MOST_TRIES - 1):
            assert sign_in(app, "wrong").status_code == 401
        assert sign_in(app, PASSWORD).status_code == 303


def test_what_was_counted_before_still_counts(app: Flask, admin: "redis.Redis") -> None:
    SignedIn(app)
    for _ in range(MOST_TRIES):
        sign_in(app, "wrong")
    fill(admin)
    assert sign_in(app, PASSWORD).status_code == 429
