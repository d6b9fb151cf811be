"""/healthz and /readyz."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.doctor.deploy.visit import HEADER, proof
from shared.doctor.instance_header import HEADER as INSTANCE
from shared.doctor.instance_header import instance_digest
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from tests.support.ports import free_port
from tests.support.redis_settings import configured
from web.app import create_app
from web.request_ids import HEADER as REQUEST_ID


def test_a_web_process_that_lives_is_healthy_and_ready(client: FlaskClient) -> None:
    for path in ("/healthz", "/readyz"):
        response = client.get(path)
        assert (response.status_code, response.json) == (200, {"ok": True})


def test_without_redis_it_is_healthy_but_not_ready(settings: Settings) -> None:
    nowhere = f"redis://:secret@127.0.0.1:{free_port()}/0"
    client = create_app(replace(settings, redis_url=nowhere)).test_client()
    assert client.get("/healthz").status_code == 200
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json is not None and response.json["ok"] is False
    assert "Redis" in response.json["why"] and "secret" not in response.json["why"]


def test_a_redis_that_stores_nothing_is_not_ready_without_a_disk_that_does(
    app: Flask, settings_with: Callable[..., Settings], redis_client: "redis.Redis"
) -> None:
    client = create_app(settings_with(spool_bytes=0)).test_client()
    with configured(redis_client, "maxmemory", 1):
        assert client.get("/readyz").status_code == 503
        spooling = app.test_client().get("/readyz")
        assert (spooling.status_code, spooling.json) == (200, {"ok": True, "spooling": True})
    assert client.get("/readyz").status_code == 200


def test_a_wrong_secret_key_is_not_ready(
    client: FlaskClient, settings_with: Callable[..., Settings]
) -> None:
    assert client.get("/readyz").status_code == 200
    other = create_app(settings_with(secret_keys=("another secret for tests",)))
    response = other.test_client().get("/readyz")
    assert response.status_code == 503
    assert response.json is not None and "RELAY_SECRET_KEY" in response.json["why"]


@pytest.mark.parametrize("shown", [None, "", "x", "1.x", "proof of another key"])
def test_two_installations_look_alike_to_strangers(
    settings_with: Callable[..., Settings], shown: str | None
) -> None:
    if shown == "proof of another key":
        shown = proof("another key for tests", utc_now())
    headers = {} if shown is None else {HEADER: shown}
    clients = [create_app(settings_with(instance=name)).test_client() for name in ("one", "other")]
    first, second = (client.get("/healthz", headers=headers) for client in clients)
    assert first.json == second.json == {"ok": True}
    for each in (first, second):
        each.headers.remove(REQUEST_ID)
    assert dict(first.headers) == dict(second.headers)
    assert INSTANCE not in first.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_never_cached(client: FlaskClient, path: str) -> None:
    assert client.get(path).headers["Cache-Control"] == "no-store"


def test_the_doctor_alone_learns_how_web_sees_a_request(
    client: FlaskClient, settings: Settings
) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.77, 10.0.0.1"}
    visit = {HEADER: proof(settings.secret_keys[0], utc_now())}
    told = client.get("/healthz", headers=forwarded | visit)
    assert told.headers[INSTANCE] == instance_digest(settings.instance)
    answer = told.json
    assert answer is not None and answer["ok"] is True
    assert answer["seen"]["visitor"] == "127.0.0.1"
    assert answer["seen"]["forwarded_for"] == ["192.0.2.77", "10.0.0.1"]
    stranger = {HEADER: proof("another secret", utc_now())}
    assert client.get("/healthz", headers=forwarded | stranger).json == {"ok": True}
