"""Reviewing the quarantine by keyboard alone, in a real browser."""

import pytest
import redis
from playwright.sync_api import Page, expect

from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support import builders
from tests.support.browser_sign_in import sign_in
from tests.support.signups import Made
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

PASSWORD = "a password for tests"

pytestmark = pytest.mark.slow


@pytest.fixture
def made(redis_server: ValkeyServer) -> Made:
    client: redis.Redis = redis_server.client()
    Operators(client).add("ada", Role.OPERATOR, PASSWORD)
    Registry(client).save_account(builders.account())
    return Made(Ledger(client), lambda email: f"person-{email}")


def open_quarantine(page: Page, web: WebProcess) -> None:
    sign_in(page, f"{web.url}/console/quarantine", PASSWORD)
    expect(page.get_by_role("heading", name="Quarantine")).to_be_visible()
    page.wait_for_load_state()


def expect_focus(page: Page, name: str) -> None:
    expect(page.locator("[data-review] a:focus")).to_have_text(f"{name}@example.com")


def test_by_keyboard_alone(web: WebProcess, made: Made, page: Page) -> None:
    for name in ("e", "d", "c", "b", "a"):  # the last received comes first
        made.quarantined(f"{name}@example.com")
    open_quarantine(page, web)
    for key, at in (("j", "a"), ("j", "b"), ("k", "a"), ("k", "a"), ("j", "b")):
        page.keyboard.press(key)
        expect_focus(page, at)
    shown = page.evaluate("getComputedStyle(document.activeElement.closest('tr')).outlineStyle")
    assert shown == "solid"

    page.keyboard.press("d")
    expect(page.get_by_text("1 sign-up can be sent now.")).to_be_visible()
    expect_focus(page, "c")  # in the place of the one that has left
    page.keyboard.press("x")
    expect(page.get_by_text("is discarded.")).to_be_visible()
    expect_focus(page, "d")
    figures = made.ledger.figures("acme")
    assert (figures.due, figures.discarded, figures.quarantined) == (1, 1, 3)

    page.keyboard.press("?")
    expect(page.get_by_text("deliver anyway, ")).to_be_visible()
    page.keyboard.press("j")
    page.keyboard.press("o")
    expect(page.get_by_role("heading", name="e@example.com")).to_be_visible()


def test_nothing_happens_while_typing_with_modifiers_or_when_switched_off(
    web: WebProcess, made: Made, page: Page
) -> None:
    for name in ("b", "a"):
        made.quarantined(f"{name}@example.com")
    open_quarantine(page, web)
    page.get_by_label("Find a sign-up").focus()
    page.keyboard.type("jdx")
    expect(page.get_by_label("Find a sign-up")).to_have_value("jdx")
    page.get_by_role("link", name="a@example.com").focus()
    for keys in ("Control+d", "Alt+x", "Meta+d", "Shift+X", "Shift+D"):
        page.keyboard.press(keys)
    page.keyboard.press("?")
    page.get_by_label("Use these keys").uncheck()
    page.get_by_role("link", name="a@example.com").focus()
    page.keyboard.press("x")
    page.keyboard.press("d")
    page.reload()
    expect(page.get_by_role("heading", name="2 sign-ups, the last received first")).to_be_visible()
    assert made.ledger.figures("acme").quarantined == 2


def test_without_javascript_the_buttons_do_it(
    web: WebProcess, made: Made, new_page: NewPage
) -> None:
    for name in ("c", "b", "a"):
        made.quarantined(f"{name}@example.com")
    page = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    open_quarantine(page, web)
    page.get_by_role("button", name="Deliver anyway: a@example.com").click()
    expect(page.get_by_text("1 sign-up can be sent now.")).to_be_visible()
    page.get_by_label("Tick the sign-up of c@example.com").press("Space")
    page.get_by_label("Tick the sign-up of c@example.com").press("Enter")
    expect(page.get_by_role("heading", name="Deliver 1 sign-up anyway?")).to_be_visible()
    page.get_by_role("link", name="Keep them in quarantine").click()
    page.get_by_role("button", name="Discard all…").click()
    page.get_by_role("button", name="Discard 2 sign-ups").click()
    expect(page.get_by_role("button", name="Undo discarding 2")).to_be_visible()
    page.goto(f"{web.url}/console/quarantine")
    expect(page.get_by_text("Nothing is in quarantine")).to_be_visible()
    figures = made.ledger.figures("acme")
    assert (figures.due, figures.discarded) == (1, 2)
