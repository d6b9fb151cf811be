"""/metrics: who may read it, and what it answers when Redis is away."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.metrics_text import names, series, values
from tests.support.ports import free_port
from tests.support.valkey_server import ValkeyServer
from web.app import create_app

TOKEN = "a-token-for-Prometheus-alone"


@pytest.fixture
def make_client(settings: Settings) -> Callable[..., FlaskClient]:
    def make(**changed: Any) -> FlaskClient:
        return create_app(replace(settings, **changed)).test_client()

    return make


def test_it_answers_in_the_text_format(client: FlaskClient, redis_client: "redis.Redis") -> None:
    Registry(redis_client).save_account(builders.account("acme"))
    builders.accept(Ledger(redis_client))
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    found = values(answer.text)
    assert found[series("relay_signups_due", account="acme")] == 1
    assert all(name.startswith("relay_") for name in names(found))
    assert "ada@" not in answer.text


@pytest.mark.parametrize(
    ("status", "peer", "headers", "proxies"),
    [
        (200, "127.0.0.1", {}, 0),
        (200, "127.0.0.1", {}, 1),
        (200, "::1", {}, 0),
        (200, "127.0.0.1", {"Host": "localhost:8080"}, 0),
        (200, "127.0.0.1", {"Authorization": "Bearer anything"}, 0),
        (404, "192.0.2.1", {}, 0),
        (404, "10.0.0.7", {}, 0),
        (404, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 0),
        (404, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 1),
        (404, "127.0.0.1", {"Forwarded": "for=127.0.0.1"}, 0),
        (404, "127.0.0.1", {"X-Real-IP": "127.0.0.1"}, 0),
        (404, "127.0.0.1", {"X-Forwarded-Proto": "https"}, 0),
        (404, "127.0.0.1", {"Via": "1.1 proxy"}, 0),
        (404, "127.0.0.1", {"Host": "signup.example.com"}, 0),
        (404, "127.0.0.1", {"Host": "stranger.example"}, 0),
    ],
)
def test_without_a_token_this_machine_alone_may_read_it(
    make_client: Callable[..., FlaskClient],
    status: int,
    peer: str,
    headers: dict[str, str],
    proxies: int,
) -> None:
    client = make_client(trusted_proxies=proxies)
    headers = {"Host": "127.0.0.1:8080", **headers}
    answer = client.get("/metrics", headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    assert answer.status_code == status
    if status == 404:
        assert answer.text == client.get("/nothing", headers={"Host": "127.0.0.1"}).text


@pytest.mark.parametrize(
    ("status", "authorization"),
    [
        (200, f"Bearer {TOKEN}"),
        (200, f"bearer {TOKEN}"),
        (401, None),
        (401, ""),
        (401, "Bearer"),
        (401, "Bearer "),
        (401, TOKEN),
        (401, f"Basic {TOKEN}"),
        (401, f"Bearer {TOKEN[:-1]}"),
        (401, f"Bearer {TOKEN}x"),
        (401, "Bearer \xe4"),
    ],
)
@pytest.mark.parametrize("forwarded", [{}, {"X-Forwarded-For": "192.0.2.1"}])
def test_with_a_token_it_takes_the_token_alone(
    make_client: Callable[..., FlaskClient],
    status: int,
    authorization: str | None,
    forwarded: dict[str, str],
) -> None:
    client = make_client(metrics_token=TOKEN)
    given = {} if authorization is None else {"Authorization": authorization}
    answer = client.get("/metrics", headers={**forwarded, **given})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert "relay_signups" not in answer.text and TOKEN not in answer.text


def test_without_redis_it_says_so_within_a_second(
    app: Flask, make_client: Callable[..., FlaskClient]
) -> None:
    client = make_client(redis_url=f"redis://:secret@127.0.0.1:{free_port()}/0")
    began = time.monotonic()
    answer = client.get("/metrics", headers={"Host": "127.0.0.1"})
    assert time.monotonic() - began < 1.5
    assert answer.status_code == 503
    assert "Redis" in answer.text and "secret" not in answer.text


@pytest.mark.impatient
def test_a_frozen_redis_is_away_within_a_second(
    tmp_path: Path, make_client: Callable[..., FlaskClient]
) -> None:
    with ValkeyServer(tmp_path / "valkey") as server:
        client = make_client(redis_url=server.url())
        assert client.get("/metrics").status_code == 200
        server.freeze()
        began = time.monotonic()
        answer = client.get("/metrics")
        assert (answer.status_code, time.monotonic() - began < 1.5) == (503, True)
        server.thaw()


def test_every_web_tells_the_same(
    app: Flask, make_client: Callable[..., FlaskClient], redis_client: "redis.Redis"
) -> None:
    Registry(redis_client).save_account(builders.account("acme"))
    first = app.test_client().get("/metrics").text
    app.test_client().get("/metrics")
    assert make_client().get("/metrics").text == first
