"""An operator's own second factor in the profile: on, off, another app, and recovery codes."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from shared.operations.counted_tries import MOST_TRIES
from shared.operations.operators import Role
from tests.support.console_browser import PASSWORD, SignedIn, with_cookie
from tests.support.phone import Phone
from tests.support.web_services import services_of

OWN = "/console/profile/second-factor"


@pytest.fixture
def phone() -> Phone:
    return Phone()


@pytest.fixture
def browser(app: Flask, phone: Phone) -> SignedIn:
    phone.set_clock(app)
    return SignedIn(app)


def secret_on(page: TestResponse) -> str:
    [shown] = re.findall(r'<textarea id="secret"[^>]*>([^<]+)<', page.text)
    return str(shown).replace(" ", "")


def is_on(app: Flask, name: str = "admin") -> bool:
    return services_of(app).second_factors.has(name)


def test_the_page_has_a_qr_code_that_its_own_rules_allow(browser: SignedIn) -> None:
    page = browser.get(OWN)
    [svg] = re.findall(r'class="qr"[^>]*>\s*(<svg.+?</svg>)', page.text, re.DOTALL)
    for refused in ("style=", "<script", "data:", "href", "onload"):
        assert refused not in svg
    assert "otpauth" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert re.fullmatch("[A-Z2-7]{32}", secret_on(page))


@pytest.mark.parametrize("role", list(Role))
def test_everybody_switches_on_their_own(app: Flask, phone: Phone, role: Role) -> None:
    services_of(app).operators.add("root", Role.ADMIN, PASSWORD)
    browser = SignedIn(app, role)
    elsewhere = app.test_client()
    elsewhere.post("/console/sign-in", data={"name": browser.name, "password": PASSWORD})
    copied = browser.cookie
    recovery = browser.switch_on_second_factor(phone)
    assert len(recovery) == 10
    assert is_on(app, browser.name)
    assert browser.get("/console/").status_code == 200
    assert elsewhere.get("/console/").status_code == 302
    assert with_cookie(app, copied).get("/console/").status_code == 302
    profile = browser.get("/console/profile").text
    assert "You have 10 recovery codes left." in profile
    assert not set(recovery) & set(re.findall(r"\d{4}(?:-\d{4}){4}", profile))


@pytest.mark.parametrize(
    ("code", "password", "says"),
    [
        ("000000", PASSWORD, "This code is wrong"),
        ("", "", "This code is wrong"),
        ("right", "wrong", "This is not your current password."),
    ],
)
def test_what_is_wrong_switches_nothing_on(
    app: Flask, browser: SignedIn, phone: Phone, code: str, password: str, says: str
) -> None:
    phone.secret = secret_on(browser.get(OWN))
    typed = phone.code() if code == "right" else code
    answer = browser.post(OWN, code=typed, password=password)
    assert answer.status_code == 422
    assert says in answer.text
    assert secret_on(answer) == phone.secret
    assert not is_on(app)


def test_the_password_cannot_be_guessed_there(browser: SignedIn, phone: Phone) -> None:
    phone.secret = secret_on(browser.get(OWN))
    for _ in range(MOST_TRIES):
        assert browser.post(OWN, code=phone.code(), password="wrong").status_code == 422
    refused = browser.post(OWN, code=phone.code(), password=PASSWORD)
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 14 * 60


def test_another_app_takes_its_place(app: Flask, browser: SignedIn, phone: Phone) -> None:
    recovery = browser.switch_on_second_factor(phone)
    old, page = phone.secret, browser.get(OWN)
    assert "Present code" in page.text
    phone.secret = secret_on(page)
    assert phone.secret != old
    wrong = browser.post(OWN, code=phone.code(), password=PASSWORD, present_code="000000")
    assert wrong.status_code == 422
    assert 'aria-describedby="present_code-hint present_code-error"' in wrong.text
    shown = browser.post(OWN, code=phone.code(), password=PASSWORD, present_code=recovery[0])
    assert shown.status_code == 200
    assert browser.sign_in_with_code(phone.code()).status_code == 303
    assert browser.sign_in_with_code(recovery[1]).status_code == 401


def test_off_with_password_and_code(app: Flask, browser: SignedIn, phone: Phone) -> None:
    browser.switch_on_second_factor(phone)
    for code, password in (("000000", PASSWORD), (phone.code(), "wrong")):
        assert browser.post(f"{OWN}/off", code=code, password=password).status_code == 422
        assert is_on(app)
    answer = browser.post(f"{OWN}/off", code=phone.code(), password=PASSWORD)
    assert (answer.status_code, answer.location) == (303, "/console/profile")
    assert "Your second factor is off." in browser.get("/console/profile").text
    assert not is_on(app)
    browser.sign_in()  # with the password alone


def test_new_recovery_codes_are_shown_once(browser: SignedIn, phone: Phone) -> None:
    old = browser.switch_on_second_factor(phone)
    wrong = browser.post(f"{OWN}/recovery-codes", code=old[0], password="wrong")
    assert wrong.status_code == 422
    shown = browser.post(f"{OWN}/recovery-codes", code=old[0], password=PASSWORD)
    new = re.findall(r"\d{4}(?:-\d{4}){4}", shown.text)
    assert len(set(new) - set(old)) == 10
    assert browser.sign_in_with_code(old[1]).status_code == 401
    assert browser.sign_in_with_code(new[0]).status_code == 303


@pytest.mark.parametrize(("left", "says"), [(4, False), (3, True), (0, True)])
def test_few_recovery_codes_are_a_notice(
    app: Flask, browser: SignedIn, phone: Phone, left: int, says: bool
) -> None:
    recovery = browser.switch_on_second_factor(phone)
    for code in recovery[left:]:
        browser.sign_in_with_code(code)
    assert ("left. Make new ones." in browser.get("/console/profile").text) is says


# --- a password that we made up


def test_who_has_a_password_that_we_printed_reads_where_to_change_it(app: Flask) -> None:
    made = services_of(app).operators.add("ada", Role.ADMIN)
    client = app.test_client()
    client.post("/console/sign-in", data={"name": "ada", "password": made.password})
    hint = "made up your password and printed it"
    assert hint in client.get("/console/").text
    assert hint in client.get("/console/profile").text
    browser = SignedIn(app)
    assert hint not in browser.get("/console/").text + browser.get("/console/profile").text
    services_of(app).operators.set_password("ada", PASSWORD)
    client.post("/console/sign-in", data={"name": "ada", "password": PASSWORD})
    assert hint not in client.get("/console/").text
