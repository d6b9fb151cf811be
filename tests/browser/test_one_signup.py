"""Someone says they signed up and got nothing: the reason is found and mended in a real browser."""

import re

import pytest
import redis
from playwright.sync_api import Page, expect

from shared.domain.short_ids import short_id
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.sealing import Sealer
from shared.ledger.ledger import Ledger
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support import builders
from tests.support.browser_sign_in import sign_in
from tests.support.builders import attempt, claimed
from tests.support.signups import Made
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import SECRET, WebProcess

PASSWORD = "a password for tests"
TYPO = "ada@exmaple.com"


@pytest.fixture
def client(redis_server: ValkeyServer) -> "redis.Redis":
    found = redis_server.client()
    Operators(found).add("ada", Role.OPERATOR, PASSWORD)
    Registry(found).save_account(builders.account())
    return found


@pytest.fixture
def made(web: WebProcess, client: "redis.Redis") -> Made:
    fingerprints = load_fingerprints(client, Sealer((SECRET,)))
    return Made(Ledger(client), lambda email: fingerprints.person(check_email(email)))


def open_console(page: Page, web: WebProcess) -> None:
    sign_in(page, f"{web.url}/console/", PASSWORD)
    expect(page.get_by_label("Find a sign-up")).to_be_visible()
    page.wait_for_load_state()


def test_from_the_address_to_the_reason_to_a_live_delivery(
    web: WebProcess, made: Made, page: Page
) -> None:
    id = made.dead(TYPO)
    open_console(page, web)
    page.keyboard.press("/")
    page.keyboard.type(TYPO)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{web.url}/console/signups/{short_id(id)}")
    expect(page.get_by_text("does not accept the e-mail address")).to_be_visible()

    page.get_by_role("link", name="Edit").click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button", name="Save and retry").click()
    expect(page.get_by_role("heading", name="ada@example.com")).to_be_visible()
    expect(page.locator("h1 .pill")).to_contain_text("Waiting")

    page.evaluate("window.sameDocument = true")
    made.ledger.deliver(claimed(made.ledger), attempt(), contact_id="c", action="created")
    expect(page.get_by_text("Constant Contact has the contact.")).to_be_visible()
    expect(page.locator("#report")).to_have_value(re.compile("state: delivered"))
    assert page.evaluate("window.sameDocument")


@pytest.mark.slow
def test_without_javascript_the_same_pages_do_it(
    web: WebProcess, made: Made, new_page: NewPage
) -> None:
    id = made.dead(TYPO)
    page = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    open_console(page, web)
    page.get_by_label("Find a sign-up").fill(TYPO)
    page.get_by_label("Find a sign-up").press("Enter")
    expect(page).to_have_url(f"{web.url}/console/signups/{short_id(id)}")
    page.get_by_role("button", name="Retry now").click()
    expect(page.get_by_text("It is retried now.")).to_be_visible()
    made.ledger.deliver(claimed(made.ledger), attempt(), contact_id="c", action="created")
    page.reload()
    expect(page.get_by_text("Constant Contact has the contact.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
