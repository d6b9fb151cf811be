"""The second factor in a real browser, with an authenticator app: on, in again, and off."""

import time

import pyotp
import pytest
from playwright.sync_api import Page, expect

from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

PASSWORD = "a password for tests"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def operators(redis_server: ValkeyServer) -> Operators:
    found = Operators(redis_server.client())
    found.add("ada", Role.ADMIN, PASSWORD)
    return found


def sign_in(page: Page, web: WebProcess) -> None:
    page.goto(f"{web.url}/console/profile")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def fits(page: Page) -> bool:
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return not wide


def test_from_the_qr_code_to_switching_it_off_on_a_phone_without_javascript(
    web: WebProcess, operators: Operators, new_page: NewPage
) -> None:
    page = new_page(viewport=PHONE, java_script_enabled=False)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    sign_in(page, web)
    page.get_by_role("link", name="Set up a second factor").click()
    drawn = page.locator(".qr svg").bounding_box()
    assert drawn and 150 < drawn["width"] == drawn["height"] <= PHONE["width"]
    app = pyotp.TOTP(page.get_by_label("Secret").input_value().replace(" ", ""))
    assert fits(page)

    page.get_by_label("Code", exact=True).fill(app.now())
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Switch it on").click()
    recovery = page.get_by_label("Recovery codes").input_value().split()
    assert len(recovery) == 10
    assert fits(page)
    page.get_by_role("link", name="I have kept them").click()

    page.get_by_role("button", name="Sign out").click()
    sign_in(page, web)
    code = page.get_by_label("Code")
    expect(code).to_be_focused()
    expect(code).to_have_attribute("inputmode", "numeric")
    expect(code).to_have_attribute("autocomplete", "one-time-code")
    code.fill("000000")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("This code is wrong")
    assert fits(page)
    page.get_by_label("Code").fill(app.at(time.time() + 30))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Your profile")).to_be_visible()
    expect(page.get_by_text("You have 10 recovery codes left.")).to_be_visible()
    assert fits(page)

    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_label("Code", exact=True).fill(recovery[0])
    page.get_by_role("button", name="Switch it off").click()
    expect(page.get_by_role("status")).to_contain_text("Your second factor is off.")
    assert [each for each in wrong if "Content Security Policy" in each] == []
