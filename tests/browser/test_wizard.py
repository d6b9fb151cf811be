"""Connecting an account in a real browser: by mouse, by keyboard, by a link, on a phone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support.browser_sign_in import sign_in
from tests.support.stack import Stack

PASSWORD = "a password for tests only"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole product as real processes, with an operator."""
    folder = tmp_path_factory.mktemp("wizard")
    with Stack(folder, rate=50, RELAY_WEB_PROCESSES="1") as stack:
        stack.start_web()
        stack.start_workers()
        with stack.valkey.client() as client:
            Operators(client).add("ada", Role.ADMIN, PASSWORD)
        yield stack


@pytest.fixture(autouse=True)
def one_name_at_a_time(stack: Stack) -> Iterator[None]:
    """Disconnect what a test connected: each gives the same account a name of its own."""
    yield
    for account in stack.json("accounts"):
        stack.relay("disconnect", account["name"], "--yes")


@pytest.fixture
def console(stack: Stack, page: Page) -> Page:
    """A page of somebody who has signed in. What goes wrong in its scripts fails the test."""
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    sign_in(page, f"{stack.url}/console/", PASSWORD)
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    page.wrong = wrong  # type: ignore[attr-defined]
    return page


def allow(page: Page) -> None:
    """Consent, at the sandbox."""
    expect(page.get_by_role("heading", name="Allow access")).to_be_visible()
    page.get_by_role("button", name="Allow").click()


def test_by_mouse_from_the_empty_console_to_a_form_whose_test_arrives(
    stack: Stack, console: Page
) -> None:
    console.get_by_role("link", name="Connect an account").click()
    redirect_uri = console.get_by_label("Redirect URI")
    expect(redirect_uri).to_have_value(f"{stack.url}/connect/callback")
    console.get_by_label("Name of the account").fill("mouse")
    console.get_by_role("button", name="Check and continue").click()
    console.get_by_role("button", name="Continue to Constant Contact").click()
    allow(console)

    expect(console.get_by_role("heading", name="Acme Bakery is connected")).to_be_visible()
    expect(console.locator(".checks li.ok")).to_have_count(7)
    console.get_by_role("link", name="Yes, make a form").click()
    expect(console.get_by_label("Title")).to_have_value("Sign up for Acme Bakery")
    console.get_by_role("checkbox", name="Newsletter").check()
    console.get_by_role("button", name="Make the form").click()
    expect(console.get_by_label("Plain HTML: what to paste")).to_have_value(
        re.compile(f'<form method="post" action="{re.escape(stack.url)}/f/mouse"')
    )
    expect(console.frame_locator("iframe").get_by_role("button", name="Sign up")).to_be_visible()
    console.get_by_label("Your e-mail address").fill("ada@example.com")
    console.get_by_role("button", name="Send a test sign-up").click()

    # The page asks for itself again until all is known.
    expect(console.get_by_text("Confirmed Opt-in is off")).to_be_visible()
    expect(console.get_by_text("On the list Newsletter")).to_be_visible()
    console.get_by_role("button", name="Remove the test contact").click()
    expect(console.get_by_text("The test contact is deleted")).to_be_visible()
    assert console.wrong == []  # type: ignore[attr-defined]
    stack.assert_accounted_for("mouse")


@pytest.mark.slow
def test_by_keyboard_alone(stack: Stack, page: Page) -> None:
    page.goto(f"{stack.url}/console/connect")
    _type_into(page, "Name", "ada")
    _type_into(page, "Password", PASSWORD)
    page.keyboard.press("Enter")

    _type_into(page, "Name of the account", "keyboard")
    page.keyboard.press("Enter")
    _press(page, "Continue to Constant Contact")
    _press(page, "Allow")
    expect(page.get_by_role("heading", name="Acme Bakery is connected")).to_be_visible()
    _press(page, "Yes, make a form")
    expect(page.get_by_role("heading", name="Make a form")).to_be_visible()


@pytest.mark.slow
def test_a_client_connects_by_a_link_and_the_agency_sees_it_arrive(
    stack: Stack, console: Page, new_page: NewPage
) -> None:
    console.goto(f"{stack.url}/console/connect/client/log-in")
    console.get_by_label("Who asks").fill("Studio North")
    console.get_by_role("button", name="Make a link for my client").click()
    url = console.get_by_label("Send this link to").input_value()
    expect(console.get_by_text("Nobody has opened the link yet")).to_be_visible()

    client = new_page(viewport=PHONE, java_script_enabled=False)
    client.goto(url)
    expect(client.get_by_role("heading", name=re.compile("Studio North wants"))).to_be_visible()
    expect(console.get_by_text("Somebody has opened the link")).to_be_visible()
    client.get_by_role("button", name="Continue to Constant Contact").click()
    client.wait_for_url("**/authorize**")
    client.get_by_role("button", name="Deny").click()
    expect(client.get_by_role("alert")).to_contain_text("open the link")
    expect(console.get_by_text("Access was not allowed")).to_be_visible()

    client.goto(url)
    client.get_by_role("button", name="Continue to Constant Contact").click()
    client.wait_for_url("**/authorize**")
    client.get_by_role("button", name="Allow").click()
    expect(client.get_by_role("heading", name="All done, thank you")).to_be_visible()
    expect(console.get_by_text("Your client has logged in")).to_be_visible()
    expect(console.get_by_text("Acme Bakery", exact=True)).to_be_visible()
    expect(console.locator(".checks li.ok")).to_have_count(7)
    client.reload()
    expect(client.get_by_role("heading", name="All done, thank you")).to_be_visible()
    client.goto(url)
    expect(client.get_by_role("heading", name="All done, thank you")).to_be_visible()


@pytest.mark.slow
def test_every_page_fits_a_phone(stack: Stack, console: Page, tmp_path: Path) -> None:
    stack.connect("phone")
    console.set_viewport_size(PHONE)  # type: ignore[arg-type]
    for path in (
        "/console/",
        "/console/connect",
        "/console/connect/phone/log-in",
        "/console/accounts/phone",
        "/console/accounts/phone/disconnect",
        "/console/doctor",
    ):
        console.goto(f"{stack.url}{path}")
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert console.evaluate(wide) == 0, path


def _type_into(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label, exact=True).or_(page.get_by_label(re.compile(f"^{label}")))
    _tab_to(page, field.first)
    page.keyboard.type(text)


def _press(page: Page, name: str) -> None:
    page.get_by_text(name).first.wait_for()
    button = page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name))
    _tab_to(page, button.first)
    page.keyboard.press("Enter")


def _tab_to(page: Page, wanted: object) -> None:
    """Press Tab until the focus is there, as somebody without a mouse does."""
    for _ in range(60):
        if wanted.evaluate("element => element === document.activeElement"):  # type: ignore[attr-defined]
            return
        page.keyboard.press("Tab")
    raise AssertionError("it cannot be reached with the keyboard")
