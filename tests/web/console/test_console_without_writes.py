"""The console on a Redis that answers and takes no writes: full, a replica, or without replicas."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from shared.ledger.format import open_ledger
from shared.ledger.stores import sign_in_tries
from shared.operations.counted_tries import MOST_TRIES
from shared.operations.second_steps import LIFE, SecondSteps
from shared.operations.sessions import IDLE
from tests.support.console_browser import PASSWORD, SignedIn, with_cookie
from tests.support.phone import Phone
from tests.support.refused_writes import demote, fill, isolate, restore
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer
from tests.support.web_services import change_services, services_of
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
    assert sign_in(app, "wrong", "203.0.113.98").status_code == 401
    slowed = sign_in(app, PASSWORD, "203.0.113.99")
    assert slowed.status_code == 429
    longest = sign_in_tries.LONGEST_DELAY.total_seconds()
    assert 1 <= int(slowed.headers["Retry-After"]) <= longest


def test_an_address_is_limited_meanwhile(app: Flask, admin: "redis.Redis") -> None:
    SignedIn(app)
    fill(admin)
    for _ in range(MOST_TRIES):
        assert sign_in(app, "wrong").status_code == 401
    refused = sign_in(app, PASSWORD)
    assert refused.status_code == 429
    assert "15 minutes" in refused.text


def test_signing_in_is_logged_where_the_audit_trail_takes_no_entry(
    app: Flask, admin: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    browser = SignedIn(app)
    fill(admin)
    browser.sign_in()
    assert sign_in(app, "wrong").status_code == 401
    logged = [record.getMessage() for record in caplog.records]
    missed = [line for line in logged if line.startswith("no entry in the audit trail: {")]
    assert ['"action": "sign_in"' in line for line in missed] == [True, False]
    assert '"action": "sign_in_refused"' in missed[1] and "203.0.113.7" in missed[1]


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


# --- sessions meanwhile


def with_moment(browser: SignedIn, name: str, at: datetime) -> SignedIn:
    """Return the browser, whose cookie was signed with `name` at that time."""
    with browser.client.session_transaction("/console/") as session:
        session[name] = at.isoformat()
    return browser


@pytest.fixture
def meanwhile(app: Flask, admin: "redis.Redis") -> SignedIn:
    """Signed in while Redis is full."""
    browser = SignedIn(app)
    fill(admin)
    browser.sign_in()
    return browser


def test_who_signed_in_meanwhile_stays_signed_in_and_is_stored_then(
    app: Flask, admin: "redis.Redis", meanwhile: SignedIn
) -> None:
    assert admin.hlen(f"{keys.SESSIONS}admin") == 0
    assert "not listed" in meanwhile.get("/console/profile").text
    restore(admin)
    assert "this one" in meanwhile.get("/console/profile").text
    copied = meanwhile.cookie
    assert meanwhile.post("/console/sign-out").status_code == 303
    assert with_cookie(app, copied).get("/console/").status_code == 302


def _sign_out(browser: SignedIn) -> None:
    assert browser.post("/console/sign-out").status_code == 303


def _sign_in_again(browser: SignedIn) -> None:
    browser.sign_in()


def _sign_out_from_elsewhere(browser: SignedIn) -> None:
    elsewhere = SignedIn(browser.app, name="other")
    elsewhere.name = browser.name
    elsewhere.sign_in()
    assert elsewhere.post("/console/profile/sign-out-elsewhere").status_code == 303
    assert elsewhere.get("/console/").status_code == 200


@pytest.mark.parametrize("is_stored", [True, False])
@pytest.mark.parametrize("end", [_sign_out, _sign_in_again, _sign_out_from_elsewhere])
def test_an_end_counts_for_a_copy_from_while_redis_took_no_writes(
    app: Flask,
    admin: "redis.Redis",
    meanwhile: SignedIn,
    end: Callable[[SignedIn], None],
    is_stored: bool,
) -> None:
    copied = meanwhile.cookie
    restore(admin)
    if is_stored:
        assert meanwhile.get("/console/").status_code == 200
        assert "unstored" not in meanwhile.cookie
    end(meanwhile)
    for _ in range(2):
        assert with_cookie(app, copied).get("/console/").status_code == 302
    meanwhile.sign_in()  # which makes room
    assert with_cookie(app, copied).get("/console/").status_code == 302
    assert "not listed" not in meanwhile.get("/console/profile").text


def test_signing_out_meanwhile_says_what_that_leaves(
    app: Flask, admin: "redis.Redis", meanwhile: SignedIn
) -> None:
    copied = meanwhile.cookie
    answer = meanwhile.post("/console/sign-out")
    assert answer.status_code == 503
    assert "sign out everywhere else" in answer.text
    restore(admin)
    meanwhile.sign_in()
    meanwhile.post("/console/profile/sign-out-elsewhere")
    assert with_cookie(app, copied).get("/console/").status_code == 302
    assert meanwhile.get("/console/").status_code == 200


def test_what_redis_never_stored_ends_within_an_hour(
    admin: "redis.Redis", meanwhile: SignedIn
) -> None:
    an_hour = timedelta(hours=1)
    with_moment(meanwhile, "unstored", utc_now() - an_hour + timedelta(minutes=1))
    assert meanwhile.get("/console/").status_code == 200
    with_moment(meanwhile, "unstored", utc_now() - an_hour)
    assert meanwhile.get("/console/").status_code == 302
    restore(admin)
    assert meanwhile.get("/console/").status_code == 302


def test_a_new_password_ends_what_redis_never_stored(
    app: Flask, admin: "redis.Redis", meanwhile: SignedIn
) -> None:
    restore(admin)
    services_of(app).operators.set_password("admin")
    assert meanwhile.get("/console/").status_code == 302


@pytest.mark.parametrize("stop", [fill, demote, isolate])
def test_who_goes_on_meanwhile_is_not_signed_out_as_idle(
    app: Flask, admin: "redis.Redis", stop: Callable[["redis.Redis"], None]
) -> None:
    browser = SignedIn(app)
    key = f"{keys.SESSIONS}admin"
    [(digest, stored)] = admin.hgetall(key).items()
    long_ago = utc_now() - IDLE - timedelta(hours=1)
    admin.hset(key, digest, json.dumps(json.loads(stored) | {"seen_at": long_ago.isoformat()}))
    assert browser.get("/console/").status_code == 302

    stop(admin)
    with_moment(browser, "seen", utc_now() - timedelta(hours=1))  # as a page wrote it then
    assert browser.get("/console/").status_code == 200
    with browser.client.session_transaction("/console/") as session:
        seen = datetime.fromisoformat(session["seen"])
    assert utc_now() - seen < timedelta(minutes=1)


def test_signing_out_of_a_replica_says_what_that_leaves(app: Flask, admin: "redis.Redis") -> None:
    browser = SignedIn(app)
    demote(admin)
    answer = browser.post("/console/sign-out")
    assert answer.status_code == 503
    assert "This browser is signed out." in answer.text
    assert browser.get("/console/").status_code == 302


# --- the second factor meanwhile


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.mark.parametrize("stop", [fill, demote, isolate])
def test_a_code_counts_once_meanwhile_and_afterwards(
    app: Flask, admin: "redis.Redis", phone: Phone, stop: Callable[["redis.Redis"], None]
) -> None:
    browser = SignedIn(app)
    browser.switch_on_second_factor(phone)
    stop(admin)
    used = phone.code()
    assert browser.sign_in_with_code(used).status_code == 303
    assert browser.get("/console/").status_code == 200
    assert browser.sign_in_with_code(used).status_code == 401
    restore(admin)
    assert browser.sign_in_with_code(used).status_code == 401
    assert browser.sign_in_with_code(phone.code()).status_code == 303


def test_a_recovery_code_cannot_be_used_up_meanwhile(
    app: Flask, admin: "redis.Redis", phone: Phone
) -> None:
    browser = SignedIn(app)
    recovery = browser.switch_on_second_factor(phone)
    fill(admin)
    refused = browser.sign_in_with_code(recovery[0])
    assert refused.status_code == 401
    assert "Redis takes no writes at the moment" in refused.text
    assert browser.get("/console/").status_code == 302
    restore(admin)
    assert browser.sign_in_with_code(recovery[0]).status_code == 303


def test_half_a_sign_in_ends_in_time_meanwhile(
    app: Flask, admin: "redis.Redis", phone: Phone
) -> None:
    browser = SignedIn(app)
    browser.switch_on_second_factor(phone)
    fill(admin)
    half = app.test_client()
    sent = {"name": "admin", "password": PASSWORD}
    half.post("/console/sign-in", data=sent)
    assert half.get("/console/").status_code == 302
    late = SecondSteps(admin, now=lambda: utc_now() + LIFE)
    change_services(app, second_steps=late)
    asked = half.post("/console/sign-in/code", data={"code": phone.code()})
    assert asked.location == "/console/sign-in?next="
    assert half.get("/console/").status_code == 302
