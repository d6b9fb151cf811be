"""Who gets into the API: with a key alone, as far as its operator's role goes.

A new route needs a line in `ROUTES`.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import redis
from flask import Flask

from shared.domain.audit import Action
from shared.domain.job import JobPace
from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.operators import Role
from tests.support.api_script import Script, ask
from tests.support.builders import accept, bury
from tests.support.console_browser import SignedIn
from tests.support.phone import Phone
from tests.support.web_services import services_of
from web.api import guard
from web.api.openapi import api_routes, method_of
from web.app import create_app

ROLES = list(Role)


@dataclass(frozen=True)
class Route:
    """A route, the least role that may use it, and how to use it so that it does something."""

    needs: Role
    path: Callable[[Ledger], str]
    body: dict[str, Any] | None = None
    action: Action | None = None


def at(path: str) -> Callable[[Ledger], str]:
    return lambda _: path


def dead(end: str = "") -> Callable[[Ledger], str]:
    return lambda ledger: f"/signups/{bury(ledger, message='a list is gone')}{end}"


def caught(end: str) -> Callable[[Ledger], str]:
    return lambda ledger: f"/signups/{accept(ledger, quarantine='honeypot').id}{end}"


def some_dead(path: str) -> Callable[[Ledger], str]:
    def make(ledger: Ledger) -> str:
        bury(ledger)
        return path

    return make


def job(end: str) -> Callable[[Ledger], str]:
    def make(ledger: Ledger) -> str:
        jobs = JobLedger(ledger._client, JobPace(per_second=1, per_day=100))
        jobs.add("acme", JOB, [bury(ledger)], by="ada", chosen="{}")
        return f"/replays/{JOB}{end}"

    return make


JOB = "0d5c5a4e-9a5e-4ffb-8f6a-0f1d0a7a3c11"
ROUTES = {
    "GET /status": Route(Role.VIEWER, at("/status")),
    "GET /openapi.json": Route(Role.VIEWER, at("/openapi.json")),
    "GET /signups": Route(Role.VIEWER, at("/signups?state=dead")),
    "POST /signups/search": Route(Role.VIEWER, at("/signups/search"), {"email": "ada@example.com"}),
    "POST /replays": Route(
        Role.OPERATOR, some_dead("/replays"), {"reason": "rejected"}, Action.REPLAY
    ),
    "GET /replays/<id>": Route(Role.VIEWER, job("")),
    "POST /replays/<id>/cancel": Route(Role.OPERATOR, job("/cancel"), action=Action.CANCEL_REPLAY),
    "GET /signups/<id>": Route(Role.VIEWER, dead()),
    "PATCH /signups/<id>": Route(
        Role.OPERATOR, dead(), {"email": "grace@example.com"}, Action.EDIT
    ),
    "POST /signups/<id>/retry": Route(Role.OPERATOR, dead("/retry"), action=Action.RETRY),
    "POST /signups/<id>/discard": Route(Role.OPERATOR, dead("/discard"), action=Action.DISCARD),
    "POST /signups/<id>/deliver": Route(Role.OPERATOR, caught("/deliver"), action=Action.DELIVER),
    "POST /accounts/<name>/hold": Route(
        Role.OPERATOR, at("/accounts/acme/hold"), {"reason": "a long lunch"}, Action.HOLD
    ),
    "POST /accounts/<name>/release": Route(
        Role.OPERATOR, at("/accounts/acme/release"), action=Action.RELEASE
    ),
}
CHANGES = {name for name, route in ROUTES.items() if route.action}
CHANGES_NOTHING = {"POST /signups/search"}


@pytest.fixture(params=ROUTES)
def route(request: pytest.FixtureRequest) -> tuple[str, Route]:
    name = str(request.param)
    return name.partition(" ")[0], ROUTES[name]


def test_every_route_is_in_the_table(app: Flask) -> None:
    served = {
        f"{method_of(rule)} {rule.rule.removeprefix('/api/v1')}" for rule, _ in api_routes(app)
    }
    assert served == set(ROUTES)


def test_without_a_key_nobody_gets_in(
    app: Flask, ledger: Ledger, route: tuple[str, Route], admin: Script
) -> None:
    method, found = route
    path = found.path(ledger)
    wrong = (None, "", "relay_admin.x", f"{admin.key}x", admin.key.removeprefix("relay_"))
    for key in wrong:
        answer = ask(app, method, path, key=key, json=found.body)
        assert answer.status_code == 401, key
        assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
        assert set(answer.json or {}) == {"error", "errors"}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_do_what_it_includes(
    app: Flask, ledger: Ledger, route: tuple[str, Route], role: Role
) -> None:
    method, found = route
    path = found.path(ledger)
    answer = Script(app, role).ask(method, path, json=found.body)
    assert answer.status_code == (200 if role.may(found.needs) else 403), answer.text
    assert answer.mimetype == "application/json"


def test_a_viewer_who_is_refused_changes_nothing(
    redis_client: "redis.Redis", ledger: Ledger, viewer: Script, route: tuple[str, Route]
) -> None:
    method, found = route
    if found.needs == Role.VIEWER:
        return
    path = found.path(ledger)
    before = _stored(redis_client)
    assert viewer.ask(method, path, json=found.body).status_code == 403
    after = _stored(redis_client)
    # What has a time to live may have ended meanwhile.
    assert after == {key: kept for key, kept in before.items() if kept or key in after}


def _stored(client: "redis.Redis") -> dict[str, Any]:
    """Return all that is stored of accounts and the audit trail, but for when keys were used."""
    compared = set(client.scan_iter("relay:*")) - {keys.OPERATOR_KEYS}
    return {key: client.dump(key) if client.ttl(key) == -1 else None for key in compared}


# --- other ways in


def test_the_consoles_cookie_opens_nothing(app: Flask) -> None:
    browser = SignedIn(app)
    assert browser.get("/console/").status_code == 200
    answer = browser.client.get("/api/v1/status", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 401


def test_a_key_opens_no_page_of_the_console(app: Flask, admin: Script) -> None:
    headers = {"Authorization": f"Bearer {admin.key}"}
    assert app.test_client().get("/console/", headers=headers).status_code == 302


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "KEY"},
        {"Authorization": "Basic YWRtaW46S0VZ"},
        {"Authorization": "Token KEY"},
        {"X-Api-Key": "KEY"},
        {"Cookie": "Authorization=Bearer KEY"},
    ],
)
def test_a_key_counts_in_its_own_header_alone(
    app: Flask, admin: Script, headers: dict[str, str]
) -> None:
    sent = {name: value.replace("KEY", admin.key) for name, value in headers.items()}
    assert ask(app, "GET", f"/status?key={admin.key}", headers=sent).status_code == 401


def test_a_new_role_counts_at_once(app: Flask, admin: Script, operator: Script) -> None:
    assert operator.post("/accounts/acme/release").status_code == 200
    services_of(app).operators.set_role("operator", Role.VIEWER)
    assert operator.post("/accounts/acme/release").status_code == 403
    services_of(app).operators.remove("operator")
    assert operator.get("/status").status_code == 401


def test_who_must_have_a_second_factor_and_has_none_stays_out(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    app = create_app(replace(settings, require_second_factor=WhoMustHaveOne.ADMIN))
    browser = SignedIn(app)
    key = services_of(app).operator_keys.issue("admin")
    answer = ask(app, "GET", "/status", key=key)
    assert answer.status_code == 403
    assert "second factor" in answer.text
    assert Script(app, Role.OPERATOR).get("/status").status_code == 200
    browser.switch_on_second_factor(Phone())
    assert ask(app, "GET", "/status", key=key).status_code == 200


# --- wrong keys


def test_wrong_keys_are_slowed_down_and_a_right_one_never(
    app: Flask, admin: Script, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def status(key: str, address: str = "203.0.113.9") -> int:
        return ask(
            app, "GET", "/status", key=key, environ_base={"REMOTE_ADDR": address}
        ).status_code

    with caplog.at_level(logging.WARNING):
        tries = [status("relay_admin.wrong") for _ in range(guard.MOST_WRONG + 2)]
    assert tries == [401] * guard.MOST_WRONG + [429, 429]
    assert status(admin.key) == 200
    assert status("relay_admin.wrong", "198.51.100.7") == 401
    refused = [each for each in caplog.records if each.getMessage() == "key refused"]
    assert len(refused) == guard.MOST_WRONG + 1
    assert vars(refused[0])["address"] == "203.0.113.9"
    assert "relay_admin.wrong" not in caplog.text


def test_who_waits_reads_for_how_long(app: Flask) -> None:
    for _ in range(guard.MOST_WRONG):
        ask(app, "GET", "/status", key="relay_eve.wrong")
    answer = ask(app, "GET", "/status", key="relay_eve.wrong")
    assert 0 < int(answer.headers["Retry-After"]) <= guard.WRONG_WITHIN.total_seconds()
    assert set(answer.json or {}) == {"error", "errors"}


def test_sending_no_key_is_no_try(app: Flask) -> None:
    answers = {ask(app, "GET", "/status").status_code for _ in range(guard.MOST_WRONG + 5)}
    assert answers == {401}


# --- who acted


@pytest.mark.parametrize("name", sorted(CHANGES))
def test_the_trail_says_who_did_it_and_that_it_was_by_the_api(
    ledger: Ledger, operator: Script, redis_client: "redis.Redis", name: str
) -> None:
    method, route = name.partition(" ")[0], ROUTES[name]
    path = route.path(ledger)
    before = len(list(AuditTrail(redis_client).entries()))
    assert operator.ask(method, path, json=route.body).status_code == 200
    newest, *_ = found = list(AuditTrail(redis_client).entries())
    assert len(found) > before
    assert (newest.action, newest.account) == (route.action, "acme")
    assert (newest.actor, newest.via, newest.address) == ("operator", "api", "127.0.0.1")
    assert "@" not in str(found)
