"""An operator's own key on the profile: who makes it proves who they are, and it is shown once."""

import re

import pytest
from flask import Flask

from shared.operations.operator_keys import OperatorKeys
from shared.operations.operators import Role
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.phone import Phone
from tests.support.web_services import services_of

PAGE = "/console/profile/key"


@pytest.fixture
def keys(app: Flask) -> OperatorKeys:
    return services_of(app).operator_keys


@pytest.fixture(params=Role)
def browser(app: Flask, request: pytest.FixtureRequest) -> SignedIn:
    return SignedIn(app, request.param)


def key_on(page: str) -> str:
    [key] = re.findall(r'id="new-key" value="([^"]+)"', page)
    return str(key)


def test_everybody_makes_their_own_key_and_ends_it(browser: SignedIn, keys: OperatorKeys) -> None:
    answer = browser.post(PAGE, password=PASSWORD)
    assert answer.headers["Cache-Control"] == "no-store"
    key = key_on(answer.text)
    found = keys.find(key)
    assert found
    assert (found.name, found.role) == (browser.name, browser.name)
    for path in (PAGE, "/console/profile"):
        page = browser.get(path).text
        assert key not in page
        assert "ast used" in page
    assert browser.post(f"{PAGE}/end").status_code == 303
    assert keys.find(key) is None
    assert "You have none" in browser.get("/console/profile").text


def test_a_new_key_ends_the_one_before(app: Flask, keys: OperatorKeys) -> None:
    browser = SignedIn(app)
    first = key_on(browser.post(PAGE, password=PASSWORD).text)
    assert "The new key ends the one that you have" in browser.get(PAGE).text
    second = key_on(browser.post(PAGE, password=PASSWORD).text)
    assert keys.find(first) is None
    assert keys.find(second)


def test_a_browser_that_was_left_open_makes_none(app: Flask, keys: OperatorKeys) -> None:
    browser = SignedIn(app)
    for wrong in ({}, {"password": "wrong"}):
        answer = browser.post(PAGE, **wrong)
        assert answer.status_code == 422
        assert "This is not your current password." in answer.text
    phone = Phone()
    browser.switch_on_second_factor(phone)
    for code in ({}, {"code": "000000"}):
        answer = browser.post(PAGE, password=PASSWORD, **code)
        assert answer.status_code == 422
        assert "This code is wrong" in answer.text
    assert keys.all() == {}


def test_with_a_second_factor_a_code_makes_one(app: Flask, keys: OperatorKeys) -> None:
    browser = SignedIn(app)
    recovery = browser.switch_on_second_factor(Phone())
    key = key_on(browser.post(PAGE, password=PASSWORD, code=recovery[0]).text)
    assert keys.find(key)


def test_guessing_the_password_ends_and_is_said(app: Flask, keys: OperatorKeys) -> None:
    browser = SignedIn(app)
    for _ in range(10):
        browser.post(PAGE, password="wrong")
    answer = browser.post(PAGE, password=PASSWORD)
    assert answer.status_code == 429
    assert "Too many tries" in answer.text
    assert keys.all() == {}
