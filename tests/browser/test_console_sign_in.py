"""Signing in to the console in a real browser: by keyboard, without JavaScript, on a phone, with an
authenticator app."""

import re
import time

import pyotp
import pytest
from playwright.sync_api import Page, expect

from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support.browser_sign_in import sign_in
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

PASSWORD = "a password for tests"
PHONE = {"width": 390, "height": 844}
SCREENS = [{"viewport": PHONE}, {"viewport": PHONE, "color_scheme": "dark"}, {}]


@pytest.fixture
def operators(redis_server: ValkeyServer) -> Operators:
    found = Operators(redis_server.client())
    found.add("ada", Role.ADMIN, PASSWORD)
    return found


def press_until(page: Page, name: str) -> None:
    """Press the Tab key until the link or button called `name` has the focus."""
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText") == name:
            return
    raise AssertionError(f"{name!r} cannot be reached by keyboard")


def test_by_keyboard_alone_in_and_out_again(
    web: WebProcess, operators: Operators, page: Page
) -> None:
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{web.url}/console/connect?name=acme")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    while not page.evaluate("document.activeElement.name"):
        page.keyboard.press("Tab")
    page.keyboard.type("ada")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{web.url}/console/connect?name=acme")

    press_until(page, "Overview")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    expect(page.get_by_text("No account is connected yet")).to_be_visible()
    press_until(page, "Sign out")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(f"{web.url}/console/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert wrong == []


@pytest.mark.slow
def test_the_first_stop_of_the_keyboard_skips_to_the_content(
    web: WebProcess, operators: Operators, page: Page
) -> None:
    sign_in(page, f"{web.url}/console/", PASSWORD)
    page.goto(f"{web.url}/console/")
    skip = page.get_by_role("link", name="Skip to the content")
    page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Connect an account")).to_be_focused()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


@pytest.mark.slow
def test_without_javascript_too(web: WebProcess, operators: Operators, new_page: NewPage) -> None:
    page = new_page(java_script_enabled=False)
    sign_in(page, f"{web.url}/console/connect", PASSWORD)
    expect(page.get_by_label("Redirect URI")).to_have_value(f"{web.url}/connect/callback")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.slow
def test_with_javascript_a_button_copies(
    web: WebProcess, operators: Operators, new_page: NewPage
) -> None:
    page = new_page(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, f"{web.url}/console/connect", PASSWORD)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{web.url}/connect/callback"


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    SCREENS,
    ids=["phone", "phone, dark", "desk"],
)
def test_nothing_is_wider_than_the_screen(
    web: WebProcess, operators: Operators, new_page: NewPage, options: dict[str, object]
) -> None:
    operators.add("a-name-of-forty-characters-which-is-long", Role.VIEWER, PASSWORD)
    page = new_page(**options)
    page.goto(f"{web.url}/console/")
    assert fits(page)
    sign_in(page, f"{web.url}/console/", PASSWORD)
    for path in (
        "/console/",
        "/console/profile",
        "/console/connect",
        "/console/connect/acme/log-in",
        "/console/x",
    ):
        page.goto(f"{web.url}{path}")
        assert fits(page), path


def fits(page: Page) -> bool:
    wide: bool = page.evaluate(
        "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    )
    return not wide


@pytest.mark.slow
def test_signing_out_everywhere_else_without_javascript(
    web: WebProcess, operators: Operators, new_page: NewPage
) -> None:
    pages = [new_page(java_script_enabled=False) for _ in range(2)]
    for each in pages:
        sign_in(each, f"{web.url}/console/", PASSWORD)
    here, elsewhere = pages
    here.get_by_role("link", name="ada admin").click()
    expect(here.get_by_role("row")).to_have_count(3)  # with the heads of the columns
    here.get_by_role("button", name="Sign out everywhere else").click()
    expect(here.get_by_role("status")).to_contain_text("1 session ended")
    expect(here.get_by_role("row")).to_have_count(2)
    elsewhere.goto(f"{web.url}/console/profile")
    expect(elsewhere.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.slow
def test_changing_the_own_password_on_a_phone(
    web: WebProcess, operators: Operators, new_page: NewPage
) -> None:
    page = new_page(viewport=PHONE, java_script_enabled=False)
    sign_in(page, f"{web.url}/console/profile", PASSWORD)
    for current in ("a wrong password", PASSWORD):
        page.get_by_label("Current password").fill(current)
        for label in ("New password", "New password, once more"):
            page.get_by_label(label, exact=True).fill("another password")
        page.get_by_role("button", name="Change the password").click()
        if current != PASSWORD:
            expect(page.get_by_label("Current password")).to_have_attribute("aria-invalid", "true")
            expect(page.get_by_text("This is not your current password.")).to_be_visible()
            assert fits(page)
    expect(page.get_by_role("status")).to_contain_text("Your password is changed.")
    assert operators.authenticate("ada", "another password", address="") is not None


@pytest.mark.slow
def test_from_the_qr_code_to_switching_it_off_on_a_phone_without_javascript(
    web: WebProcess, operators: Operators, new_page: NewPage
) -> None:
    page = new_page(viewport=PHONE, java_script_enabled=False)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    sign_in(page, f"{web.url}/console/profile", PASSWORD)
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
    sign_in(page, f"{web.url}/console/profile", PASSWORD)
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


@pytest.mark.slow
def test_a_session_that_ended_meanwhile_says_so_and_changes_nothing(
    web: WebProcess, operators: Operators, page: Page
) -> None:
    sign_in(page, f"{web.url}/console/", PASSWORD)
    operators.set_password("ada", "another password")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("alert")).to_contain_text("signed out")
    page.goto(f"{web.url}/console/connect")
    expect(page).to_have_url(re.compile(r"/console/sign-in\?next=/console/connect$"))
