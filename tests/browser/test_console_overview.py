"""The overview stays new in a real browser: without a jump, not in a hidden tab, and through an
outage of Redis."""

import re

import pytest
from playwright.sync_api import Page, expect

from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support import builders
from tests.support.browser_sign_in import sign_in
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.slow

PASSWORD = "a password for tests"


@pytest.fixture
def ledger(redis_server: ValkeyServer) -> Ledger:
    client = redis_server.client()
    Operators(client).add("ada", Role.ADMIN, PASSWORD)
    Registry(client).save_account(builders.account(organization="Acme Bakery"))
    return Ledger(client)


def open_overview(page: Page, web: WebProcess) -> None:
    sign_in(page, f"{web.url}/console/", PASSWORD)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def poll_soon(page: Page) -> None:
    """Ask every half second, as nobody wants to wait for five. Each answer sets five again."""
    page.evaluate("setInterval(() => document.getElementById('live').dataset.live = '0.5', 100)")


_HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def hide(page: Page, hidden: bool) -> None:
    """Have the page believe that its tab is hidden, or not: Chromium hides none by itself here."""
    page.evaluate(_HIDE, hidden)


def due(page: Page) -> str:
    return page.locator(".account .tile", has_text="Waiting").locator("dd").first.inner_text()


def test_a_figure_changes_without_a_reload_and_nothing_else_does(
    web: WebProcess, ledger: Ledger, page: Page
) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    open_overview(page, web)
    expect(page.locator("#live")).to_contain_text("nothing waits")
    page.evaluate("window.stillHere = true")
    name = page.get_by_role("heading", name="Acme Bakery").get_by_role("link")
    name.focus()
    page.set_viewport_size({"width": 1280, "height": 300})
    page.evaluate("scrollTo(0, 150)")
    poll_soon(page)
    builders.accept(ledger)
    expect(page.locator(".account .tile", has_text="Waiting")).to_contain_text("oldest:")
    assert due(page) == "1"
    expect(name).to_be_focused()
    assert page.evaluate("window.stillHere")
    assert page.evaluate("scrollY") == 150
    assert wrong == []


def test_a_hidden_tab_asks_for_nothing_until_it_is_looked_at(
    web: WebProcess, ledger: Ledger, page: Page
) -> None:
    open_overview(page, web)
    asked: list[str] = []
    hide(page, True)
    page.on("request", lambda request: asked.append(request.url))
    poll_soon(page)
    builders.accept(ledger)
    page.wait_for_timeout(1500)
    assert asked == []
    with page.expect_request("**/console/live"):
        hide(page, False)
    expect(page.locator(".account .tile", has_text="Waiting")).to_contain_text("oldest:")


@pytest.mark.parametrize("what", ["redis", "web"])
def test_a_lost_connection_is_said_and_mends_itself(
    web: WebProcess, redis_server: ValkeyServer, ledger: Ledger, page: Page, what: str
) -> None:
    open_overview(page, web)
    poll_soon(page)
    lost = page.get_by_text("Connection lost")
    expect(lost).to_be_hidden()
    stop, start = {
        "redis": (redis_server.stop, redis_server.start),
        "web": (web.__exit__, web.__enter__),
    }[what]
    stop()
    expect(lost).to_be_visible()
    said = page.locator(".as-of").inner_text()
    assert re.match(r"Connection lost; figures of \d\d:\d\d", said)
    expect(page.get_by_role("heading", name="Acme Bakery")).to_be_visible()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    start()
    expect(lost).to_be_hidden()
    builders.accept(Ledger(redis_server.client()))
    expect(page.locator(".account .tile", has_text="Waiting")).to_contain_text("oldest:")
    assert page.url == f"{web.url}/console/"


def test_without_java_script_a_link_reloads_the_page(
    web: WebProcess, ledger: Ledger, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    open_overview(page, web)
    builders.accept(ledger)
    assert due(page) == "0"
    page.get_by_role("link", name="Reload").click()
    assert due(page) == "1"
