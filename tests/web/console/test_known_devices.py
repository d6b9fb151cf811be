"""Known devices: a browser that signed in before cannot be kept out by strangers."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from shared.infrastructure.settings import Settings
from shared.ledger.stores import sign_in_tries
from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Role
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.phone import Phone
from tests.support.web_services import services_of
from web.app import create_app
from web.console.known_devices import MOST_OPERATORS


def sign_in(
    client: FlaskClient, name: str = "admin", password: str = PASSWORD, address: str = "192.0.2.1"
) -> TestResponse:
    return client.post(
        "/console/sign-in",
        data={"name": name, "password": password},
        environ_overrides={"REMOTE_ADDR": address},
    )


def attack(app: Flask) -> None:
    """Have strangers use up the tries of the name `admin`, and those of the usual address."""
    for number in range(MOST_TRIES + 4):
        sign_in(app.test_client(), password="wrong", address=f"203.0.113.{number}")
    for number in range(MOST_TRIES):
        sign_in(app.test_client(), name=f"x{number}", password="wrong")


def device_cookie(client: FlaskClient) -> str:
    found = client.get_cookie("relay_device", path="/console")
    assert found
    return found.value


def with_device(app: Flask, cookie: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("relay_device", cookie, path="/console")
    return client


def test_strangers_keep_no_known_browser_out(app: Flask) -> None:
    browser = SignedIn(app)
    browser.post("/console/sign-out")
    attack(app)
    assert sign_in(app.test_client()).status_code == 429
    assert sign_in(browser.client).status_code == 303


def test_a_new_browser_is_told_how_long_to_wait(app: Flask) -> None:
    SignedIn(app)
    attack(app)
    slowed = sign_in(app.test_client(), address="198.51.100.1")
    assert slowed.status_code == 429
    assert 1 <= int(slowed.headers["Retry-After"]) <= sign_in_tries.LONGEST_DELAY.total_seconds()
    assert re.search(r"wait \d+ (?:seconds?|minutes?),", slowed.text)


def test_the_device_is_of_one_operator(app: Flask) -> None:
    SignedIn(app)
    viewer = SignedIn(app, Role.VIEWER)
    attack(app)
    assert sign_in(viewer.client, name="admin").status_code == 429


@pytest.mark.parametrize("change", ["none", "cut", "of another key"])
def test_a_made_up_device_is_none(app: Flask, settings: Settings, change: str) -> None:
    browser = SignedIn(app)
    cookie = {"none": "x", "cut": device_cookie(browser.client)[:-1]}.get(change)
    if cookie is None:
        other = create_app(replace(settings, secret_keys=("another secret key",)))
        elsewhere = other.test_client()
        assert sign_in(elsewhere).status_code == 303
        cookie = device_cookie(elsewhere)
    attack(app)
    assert sign_in(with_device(app, cookie)).status_code == 429


def test_it_outlives_a_new_secret_key(app: Flask, settings: Settings) -> None:
    cookie = device_cookie(SignedIn(app).client)
    attack(app)
    rotated = create_app(
        replace(settings, secret_keys=("a new secret for tests", *settings.secret_keys))
    )
    assert sign_in(with_device(rotated, cookie)).status_code == 303


def _new_password(browser: SignedIn) -> None:
    services_of(browser.app).operators.set_password("admin", PASSWORD)


def _new_role(browser: SignedIn) -> None:
    services_of(browser.app).operators.add("other", Role.ADMIN, PASSWORD)
    services_of(browser.app).operators.set_role("admin", Role.VIEWER)


def _own_new_password(browser: SignedIn) -> None:
    sent = {"current": PASSWORD, "new": PASSWORD, "again": PASSWORD}
    assert browser.post("/console/profile/password", **sent).status_code == 303


def _second_factor(browser: SignedIn) -> None:
    browser.switch_on_second_factor(Phone())


def _reset(browser: SignedIn) -> None:
    _second_factor(browser)
    services_of(browser.app).second_factors.reset("admin")


@pytest.mark.parametrize(
    ("change", "stays_known"),
    [
        (_new_password, False),
        (_new_role, False),
        (_own_new_password, True),
        (_second_factor, True),
        (_reset, False),
    ],
)
def test_a_browser_known_from_before_a_change_is_known_no_more(
    app: Flask, change: Callable[[SignedIn], None], stays_known: bool
) -> None:
    """Else who has an old password, or none of the codes, brings tries along."""
    browser = SignedIn(app)
    cookie = device_cookie(browser.client)
    change(browser)
    attack(app)
    assert sign_in(with_device(app, cookie)).status_code == 429
    assert sign_in(browser.client).status_code == (303 if stays_known else 429)


def test_a_copy_from_before_shares_no_tries_with_its_owner(app: Flask) -> None:
    browser = SignedIn(app)
    cookie = device_cookie(browser.client)
    services_of(app).operators.set_password("admin", PASSWORD)
    browser.sign_in()
    for _ in range(MOST_TRIES + 1):
        sign_in(with_device(app, cookie), password="wrong")
    assert sign_in(browser.client).status_code == 303


def test_it_opens_nothing_by_itself(app: Flask) -> None:
    cookie = device_cookie(SignedIn(app).client)
    assert with_device(app, cookie).get("/console/").status_code == 302
    assert sign_in(with_device(app, cookie), password="wrong").status_code == 401


def test_one_browser_knows_several_operators_and_not_ever_more(app: Flask) -> None:
    client = app.test_client()
    names = [f"name{number}" for number in range(MOST_OPERATORS + 1)]
    for name in names:
        services_of(app).operators.add(name, Role.ADMIN, PASSWORD)
        assert sign_in(client, name).status_code == 303
    for name in (names[0], names[-1]):
        for number in range(MOST_TRIES + 4):
            sign_in(app.test_client(), name, "wrong", address=f"203.0.113.{number}")
    for number in range(MOST_TRIES):
        sign_in(app.test_client(), f"x{number}", "wrong")
    assert sign_in(client, names[0]).status_code == 429
    assert sign_in(client, names[-1]).status_code == 303
