"""A colleague gets a viewer's account in a real browser, on a phone also without JavaScript."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support.browser_sign_in import sign_in
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.slow

PASSWORD = "a password for tests"
ON_A_PHONE = {"java_script_enabled": False, "viewport": {"width": 390, "height": 844}}


@pytest.fixture
def operators(redis_server: ValkeyServer) -> Operators:
    found = Operators(redis_server.client())
    found.add("ada", Role.ADMIN, PASSWORD)
    return found


def open_operators(page: Page, web: WebProcess, name: str, password: str) -> None:
    sign_in(page, f"{web.url}/console/operators", password, name)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({}, id="at a desk"),
        pytest.param(ON_A_PHONE, id="on a phone", marks=pytest.mark.slow),
    ],
)
def test_a_colleague_gets_an_account_and_loses_it(
    web: WebProcess, operators: Operators, new_page: NewPage, how: dict[str, Any]
) -> None:
    page, theirs = new_page(**how), new_page(**how)
    open_operators(page, web, "ada", PASSWORD)
    page.get_by_label("Name").fill("max")
    page.get_by_label("viewer").check()
    page.get_by_label("Your own password").fill("not the password")
    page.get_by_role("button", name="Add the operator").click()
    expect(page.get_by_text("This is not your current password.")).to_be_visible()
    page.get_by_label("Your own password").fill(PASSWORD)
    page.get_by_role("button", name="Add the operator").click()
    expect(page.get_by_role("heading", name="max can sign in")).to_be_visible()
    password = page.get_by_label("Password of max (viewer)").input_value()

    open_operators(theirs, web, "max", password)
    expect(theirs.get_by_text("It needs the role admin.")).to_be_visible()
    theirs.goto(f"{web.url}/console/")
    expect(theirs.locator(".who")).to_contain_text("max viewer")
    expect(theirs.get_by_role("link", name="Operators", include_hidden=True)).to_have_count(0)

    page.get_by_role("link", name="I have passed it on").click()
    page.get_by_role("link", name="max").click()
    page.get_by_role("link", name="Remove").click()
    expect(page.get_by_text("max cannot sign in any more. 1 session ends.")).to_be_visible()
    page.get_by_label("Your own password").fill(PASSWORD)
    page.get_by_role("button", name="Remove max").click()
    expect(page.get_by_role("status")).to_contain_text("max cannot sign in any more.")
    theirs.reload()
    expect(theirs.get_by_role("heading", name="Sign in")).to_be_visible()
