"""Signing in with a second factor: what half a sign-in opens (nothing), and for how long."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.domain.second_factor import WhoMustHaveOne
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger import keys
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Role
from shared.operations.second_steps import LIFE, SecondSteps
from tests.support.console_browser import PASSWORD, SignedIn, with_cookie
from tests.support.phone import Phone
from tests.support.web_services import change_services, services_of
from web.app import create_app

STEP = "/console/sign-in/code"
OWN = "/console/profile/second-factor"


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def recovery(app: Flask, phone: Phone) -> list[str]:
    """The operator `admin` has a second factor; these are the recovery codes."""
    return SignedIn(app).switch_on_second_factor(phone)


def password(
    client: FlaskClient, next: str = "", address: str = "192.0.2.1", given: str = PASSWORD
) -> TestResponse:
    return client.post(
        "/console/sign-in",
        data={"name": "admin", "password": given, "next": next},
        environ_overrides={"REMOTE_ADDR": address},
    )


def code(client: FlaskClient, code: str, **options: str) -> TestResponse:
    return client.post(STEP, data={"code": code, **options})


@pytest.fixture
def half(app: Flask, recovery: list[str]) -> FlaskClient:
    """A browser whose password was right."""
    client = app.test_client()
    password(client)
    return client


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/console/").status_code == 200


# --- the way in


def test_password_and_code_lead_to_the_page_that_was_asked_for(
    app: Flask, phone: Phone, recovery: list[str]
) -> None:
    client = app.test_client()
    asked = password(client, next="/console/doctor")
    assert (asked.status_code, asked.location) == (303, f"{STEP}?next=/console/doctor")
    page = client.get(asked.location).text
    for attribute in ('inputmode="numeric"', 'autocomplete="one-time-code"', "autofocus"):
        assert attribute in page
    [wanted] = re.findall(r'name="next" value="([^"]+)"', page)
    entered = code(client, phone.code(), next=wanted)
    assert (entered.status_code, entered.location) == (303, "/console/doctor")
    assert is_signed_in(client)
    assert client.get(STEP).location == "/console/"


def test_a_recovery_code_is_taken_in_the_same_field(
    half: FlaskClient, recovery: list[str], redis_client: "redis.Redis"
) -> None:
    assert code(half, recovery[0]).status_code == 303
    assert "You have 9 recovery codes left." in half.get("/console/").text
    newest = next(AuditTrail(redis_client).entries())
    assert (newest.action, newest.detail) == ("sign_in", {"recovery_codes_left": 9})


def test_a_wrong_code_says_so_and_may_be_typed_again(half: FlaskClient, phone: Phone) -> None:
    wrong = code(half, "000000")
    assert wrong.status_code == 401
    assert "This code is wrong, or was used before." in wrong.text
    assert not is_signed_in(half)
    assert code(half, phone.code()).status_code == 303


def test_a_code_signs_in_one_browser(app: Flask, half: FlaskClient, phone: Phone) -> None:
    other = app.test_client()
    password(other)
    used = phone.code()
    assert code(half, used).status_code == 303
    assert code(other, used).status_code == 401
    assert not is_signed_in(other)


def test_a_known_browser_needs_a_code_too(half: FlaskClient, phone: Phone) -> None:
    code(half, phone.code())
    half.post("/console/sign-out")
    again = password(half)
    assert again.location.startswith(STEP)
    assert not is_signed_in(half)


def test_the_password_alone_makes_no_browser_known(half: FlaskClient, phone: Phone) -> None:
    assert half.get_cookie("relay_device", path="/console") is None
    code(half, phone.code())
    assert half.get_cookie("relay_device", path="/console") is not None


# --- half a sign-in


def test_half_a_sign_in_opens_nothing(app: Flask, half: FlaskClient) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/console")]
    assert len(rules) > 20
    for rule in rules:
        if rule.endpoint in ("console.sign_in", "console.second_step"):
            continue
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS"}:
            answer = half.open(path, method=method)
            assert answer.status_code in (302, 403), (method, path)
            assert (answer.location or "").startswith("/console/sign-in?") or method == "POST"


def test_it_is_bound_to_the_browser(app: Flask, half: FlaskClient, phone: Phone) -> None:
    stranger = app.test_client()
    answer = code(stranger, phone.code())
    assert answer.location == "/console/sign-in?next="
    assert not is_signed_in(stranger)
    assert is_signed_in(half) is False


def test_it_ends_after_ten_minutes(
    app: Flask, half: FlaskClient, phone: Phone, redis_client: "redis.Redis"
) -> None:
    (record,) = redis_client.scan_iter(f"{keys.SECOND_STEPS}*")
    assert 0 < redis_client.pttl(record) <= LIFE / timedelta(milliseconds=1)
    late = SecondSteps(redis_client, now=lambda: utc_now() + LIFE)
    change_services(app, second_steps=late)
    assert code(half, phone.code()).status_code == 303
    page = half.get("/console/sign-in").text
    assert "This sign-in has ended." in page
    assert not is_signed_in(half)


def test_once_it_was_used_a_copy_of_its_cookie_is_worth_nothing(
    app: Flask, half: FlaskClient, phone: Phone
) -> None:
    copied = half.get_cookie("relay_console", path="/console")
    assert copied
    code(half, phone.code())
    thief = with_cookie(app, copied.value)
    assert code(thief, phone.code()).location == "/console/sign-in?next="
    assert not is_signed_in(thief)


def remove(app: Flask) -> None:
    services_of(app).operators.add("root", Role.ADMIN, PASSWORD)
    services_of(app).operators.remove("admin")


@pytest.mark.parametrize(
    "change",
    [
        lambda app: services_of(app).operators.set_password("admin"),
        lambda app: services_of(app).second_factors.reset("admin"),
        remove,
    ],
    ids=["password", "reset", "removed"],
)
def test_a_change_of_the_operator_ends_it(
    app: Flask, half: FlaskClient, recovery: list[str], change: Callable[[Flask], object]
) -> None:
    change(app)
    assert code(half, recovery[0]).location == "/console/sign-in?next="
    assert not is_signed_in(half)


def test_another_site_cannot_send_the_code(half: FlaskClient, phone: Phone) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        sent = half.post(STEP, data={"code": phone.code()}, headers=headers)
        assert sent.status_code == 403
    assert not is_signed_in(half)


def test_it_ends_the_session_before(app: Flask, phone: Phone) -> None:
    browser = SignedIn(app)
    browser.switch_on_second_factor(phone)
    copied = browser.cookie
    password(browser.client)
    assert not is_signed_in(with_cookie(app, copied))


# --- tries


def test_codes_have_the_limits_of_passwords(app: Flask, half: FlaskClient, phone: Phone) -> None:
    for _ in range(MOST_TRIES):
        assert code(half, "000000").status_code == 401
    refused = code(half, phone.code())
    assert refused.status_code == 429
    assert "15 minutes" in refused.text
    assert 14 * 60 < int(refused.headers["Retry-After"]) <= 15 * 60


def test_who_lacks_the_password_spends_no_tries_of_codes(
    app: Flask, half: FlaskClient, phone: Phone
) -> None:
    for number in range(2 * MOST_TRIES):
        stranger = app.test_client()
        password(stranger, given="wrong", address=f"203.0.113.{number}")
        code(stranger, "000000")
    assert code(half, phone.code()).status_code == 303


def test_a_refused_code_is_a_line_for_fail2ban_without_the_code(
    half: FlaskClient, caplog: pytest.LogCaptureFixture, redis_client: "redis.Redis"
) -> None:
    caplog.clear()
    code(half, "123123")
    (line,) = [each for each in caplog.records if each.getMessage() == "sign-in refused"]
    assert (line.__dict__["cause"], line.__dict__["operator"]) == ("wrong_code", "admin")
    assert "123123" not in str(line.__dict__)
    newest = next(AuditTrail(redis_client).entries())
    assert (newest.action, newest.detail["cause"]) == ("sign_in_refused", "wrong_code")
    assert "123123" not in str(newest)


def test_the_password_alone_is_no_sign_in_in_log_and_trail(
    half: FlaskClient, caplog: pytest.LogCaptureFixture, redis_client: "redis.Redis"
) -> None:
    caplog.clear()
    password(half)
    assert "signed in" not in caplog.text
    assert next(AuditTrail(redis_client).entries()).action != "sign_in"


# --- who must have one


@pytest.fixture
def strict(settings: Settings, redis_client: "redis.Redis") -> Iterator[Flask]:
    demanded = replace(settings, require_second_factor=WhoMustHaveOne.ADMIN)
    app = create_app(demanded)
    yield app
    services_of(app).form_tallies.close()


def test_who_must_have_one_can_do_nothing_else_until_then(strict: Flask, phone: Phone) -> None:
    browser = SignedIn(strict)
    token = browser.token
    outside = {"/console/sign-in", STEP, "/console/sign-out"}
    for rule in strict.url_map.iter_rules():
        path = re.sub(r"<[^>]+>", "x", rule.rule)
        inside = path.startswith("/console") and not path.startswith("/console/profile")
        if not inside or path in outside:
            continue
        if "GET" in (rule.methods or ()):
            answer = browser.get(path)
            assert (answer.status_code, answer.location) == (302, OWN), path
        if "POST" in (rule.methods or ()):
            answer = browser.client.post(path, data={"csrf_token": token})
            assert answer.status_code == 403, path
            assert "You need a second factor first." in answer.text
    asked = browser.get("/console/", headers={"HX-Request": "true"})
    assert (asked.status_code, asked.headers["HX-Redirect"]) == (200, OWN)

    assert browser.get("/console/profile").status_code == 200
    assert "You need a second factor" in browser.get(OWN).text
    browser.switch_on_second_factor(phone)
    assert browser.get("/console/").status_code == 200


def test_it_is_asked_of_nobody_else(strict: Flask) -> None:
    assert SignedIn(strict, Role.OPERATOR).get("/console/").status_code == 200


def test_who_must_have_one_keeps_it(strict: Flask, phone: Phone) -> None:
    browser = SignedIn(strict)
    recovery = browser.switch_on_second_factor(phone)
    assert "Switch it off" not in browser.get("/console/profile").text
    refused = browser.post(f"{OWN}/off", code=recovery[0], password=PASSWORD)
    assert refused.status_code == 422
    assert "RELAY_REQUIRE_SECOND_FACTOR" in refused.text
    assert services_of(strict).second_factors.has("admin")


def test_who_is_reset_must_set_it_up_again(strict: Flask, phone: Phone) -> None:
    browser = SignedIn(strict)
    browser.switch_on_second_factor(phone)
    services_of(strict).second_factors.reset("admin")
    assert browser.get("/console/").location.startswith("/console/sign-in")
    browser.sign_in()
    assert browser.get("/console/").location == OWN
