"""An operator's work on forms and accounts in a real browser: at a desk, and on a phone without
scripts."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support.browser_sign_in import sign_in
from tests.support.stack import Stack

pytestmark = pytest.mark.slow

PASSWORD = "a password for tests only"
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("forms"), rate=50) as stack:
        stack.start_web()
        stack.start_workers()
        stack.connect("acme")
        with stack.valkey.client() as client:
            Operators(client).add("ada", Role.ADMIN, PASSWORD)
        yield stack


@pytest.fixture(params=[(DESK, True), (PHONE, False)], ids=["desk", "phone without scripts"])
def console(request: pytest.FixtureRequest, stack: Stack, new_page: NewPage) -> Page:
    viewport, scripts = request.param
    page = new_page(viewport=viewport, java_script_enabled=scripts)
    sign_in(page, f"{stack.url}/console/sign-in", PASSWORD)
    return page


def test_a_form_is_made_changed_copied_closed_and_removed(stack: Stack, console: Page) -> None:
    console.goto(f"{stack.url}/console/forms")
    console.get_by_role("link", name="Make a form").first.click()
    console.get_by_label("Name").fill("cakes")
    console.get_by_role("button", name="Make the form").click()
    expect(console.get_by_text("Choose at least one list")).to_be_visible()
    console.get_by_role("checkbox", name="Newsletter").check()
    console.get_by_role("button", name="Show the account's custom fields").click()
    console.get_by_role("checkbox", name="Favourite cake").check()
    console.get_by_role("button", name="Make the form").click()
    expect(console.get_by_text("The form cakes is ready")).to_be_visible()

    console.get_by_role("link", name="Edit").click()
    expect(console.get_by_role("checkbox", name="Favourite cake")).to_be_checked()
    console.get_by_label("Websites that may post here").fill("https://www.example.com/shop")
    console.get_by_role("button", name="Save").click()
    expect(console.get_by_text("is no website's address")).to_be_visible()
    console.get_by_label("Websites that may post here").fill("https://www.example.com")
    console.get_by_role("button", name="Save").click()
    expect(console.get_by_text("The form cakes is changed")).to_be_visible()

    console.get_by_role("link", name="Duplicate").click()
    expect(console.get_by_label("Name")).to_have_value("cakes-2")
    console.get_by_role("button", name="Make the form").click()

    console.get_by_role("link", name="Close").click()
    console.get_by_role("button", name="Close cakes-2").click()
    expect(console.get_by_text("This form is closed")).to_be_visible()
    console.get_by_role("button", name="Open").click()
    for name in ("cakes-2", "cakes"):
        console.goto(f"{stack.url}/console/forms/{name}")
        console.get_by_role("link", name="Remove").click()
        console.get_by_role("button", name=f"Remove {name}").click()
        expect(console.get_by_text(f"The form {name} is removed")).to_be_visible()


def test_an_account_is_held_and_released_and_nothing_is_lost(stack: Stack, console: Page) -> None:
    stack.relay("forms", "add", "news", "--account", "acme", "--list", "Newsletter", "--replace")
    console.goto(f"{stack.url}/console/accounts")
    console.get_by_role("link", name="Acme Bakery").click()
    console.get_by_text("Hold the deliveries of acme").click()
    console.get_by_label("Reason").fill("cleaning the list")
    console.get_by_role("button", name="Hold").click()
    expect(console.get_by_text("Reason: cleaning the list")).to_be_visible()

    console.goto(f"{stack.url}/console/forms/news")
    # Another one each time: the same within ten minutes is the same sign-up.
    width = (console.viewport_size or PHONE)["width"]
    console.get_by_label("Your e-mail address").fill(f"ada{width}@example.com")
    console.get_by_role("button", name="Send a test sign-up").click()
    expect(console.get_by_text("The account is on hold (paused)")).to_be_visible()
    test = console.url

    console.goto(f"{stack.url}/console/accounts/acme")
    expect(console.get_by_text(re.compile("1 sign-up waits, and all are sent"))).to_be_visible()
    console.get_by_role("button", name="Release").click()
    console.goto(test)
    sent = console.get_by_text(re.compile("Constant Contact has (created|updated) the contact"))
    while not sent.is_visible():
        console.reload()
    stack.assert_accounted_for("acme")
