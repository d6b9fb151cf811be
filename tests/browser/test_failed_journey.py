"""Finding out why sign-ups have failed, and sending them again, in a real browser."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from shared.domain.phrases import counted
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Operators, Role
from tests.browser.conftest import NewPage
from tests.support.accessibility import faults_of
from tests.support.browser_sign_in import sign_in
from tests.support.builders import accept, bury_claim, claimed
from tests.support.stack import Stack

pytestmark = pytest.mark.slow

PASSWORD = "a password for tests only"
CAUSE = 'The list "Birthday club" does not exist'
WITHIN = 60_000
RATE = 200


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """The whole product with a form `news`, and an operator; no worker runs yet."""
    with Stack(tmp_path, rate=RATE) as stack:
        stack.open()
        with stack.valkey.client() as client:
            Operators(client).add("ada", Role.OPERATOR, PASSWORD)
        yield stack


@pytest.fixture
def fail(stack: Stack) -> Callable[..., None]:
    """Have so many sign-ups be dead letters. Their cause is mended already."""

    def make(count: int, message: str = CAUSE) -> None:
        with stack.valkey.client() as client:
            ledger, form = Ledger(client), Registry(client).form("news")
            assert form is not None
            lists = tuple(each.id for each in form.lists)
            for number in range(count):
                accept(ledger, f"{number}@{len(message)}.example.com", lists=lists)
            key = "lists.not_found" if message == CAUSE else "invalid"
            for _ in range(count):
                bury_claim(ledger, claimed(ledger), message=message, error_key=key)

    return make


def open_console(page: Page, stack: Stack) -> None:
    sign_in(page, f"{stack.url}/console/", PASSWORD)
    page.get_by_role("button", name="Sign out").wait_for()


def retry_all(page: Page, count: int) -> None:
    """Retry the first cause of the failed page: two steps after it was read."""
    page.get_by_role("button", name="Retry all").first.click()
    expect(
        page.get_by_role("heading", name=f"Retry {counted(count, 'failed sign-up')}?")
    ).to_be_visible()
    page.get_by_role("button", name=f"Retry {counted(count, 'failed sign-up')}").click()
    expect(page.get_by_text("The job has begun.")).to_be_visible()


def test_from_the_overview_to_why_to_all_of_it_delivered(
    stack: Stack, fail: Callable[..., None], page: Page
) -> None:
    fail(120)
    fail(3, "The e-mail address is not valid.")
    stack.start("beat")
    stack.start_workers()
    open_console(page, stack)

    page.get_by_role("link", name="Failed", exact=True).first.click()
    row = page.get_by_role("row").filter(has_text="does not exist").first
    expect(row).to_contain_text("120")
    retry_all(page, 120)

    expect(page.get_by_role("progressbar")).to_have_text(
        "120 of 120 done, 120 delivered", timeout=WITHIN
    )
    expect(page.get_by_role("heading", level=1)).to_contain_text("Done")
    page.get_by_role("link", name="Failed sign-ups").click()
    expect(page.get_by_text(CAUSE)).to_have_count(0)
    expect(page.get_by_text("The e-mail address is not valid.").first).to_be_visible()
    stack.assert_accounted_for()


def test_five_thousand_are_retried_stopped_and_found_again(
    stack: Stack, fail: Callable[..., None], page: Page, new_page: NewPage
) -> None:
    fail(5_000)
    stack.start("beat")
    stack.start_workers()
    open_console(page, stack)
    page.goto(f"{stack.url}/console/failed")
    retry_all(page, 5_000)
    expect(page.get_by_role("progressbar")).to_have_text(
        re.compile(r"\d+ of 5,000 done, \d+ delivered"), timeout=WITHIN
    )
    assert faults_of(page) == []
    page.close()  # it goes on without the browser

    other = new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    open_console(other, stack)
    other.goto(f"{stack.url}/console/failed")
    other.get_by_role("link", name="Retry 5,000 sign-ups").click()
    other.get_by_role("button", name="Stop it").click()
    expect(other.get_by_text("The job is stopped.")).to_be_visible()
    expect(other.get_by_role("heading", level=1)).to_contain_text("Stopped")
    said = other.get_by_role("progressbar").text_content() or ""
    left = int(re.findall(r"([\d,]+) left as they were", said)[0].replace(",", ""))
    assert 0 < left < 5_000
    assert stack.account()["dead"] == left
    stack.assert_accounted_for()


def test_some_are_ticked_discarded_and_all_of_it_is_undone(
    stack: Stack, fail: Callable[..., None], page: Page
) -> None:
    fail(4)
    open_console(page, stack)
    page.goto(f"{stack.url}/console/failed")
    assert faults_of(page) == []
    for box in page.get_by_role("checkbox").all()[:3]:
        box.check()
    page.get_by_role("button", name="Discard…", exact=True).click()
    page.get_by_label("Reason").fill("our own tests")
    assert faults_of(page) == []
    page.get_by_role("button", name="Discard 3 failed sign-ups").click()
    expect(page.get_by_text("3 of 3 done, 3 discarded").first).to_be_visible()
    assert stack.account()["dead"] == 1
    page.get_by_role("button", name="Undo discarding 3").click()
    expect(page.get_by_text("3 of 3 done, 3 as before").first).to_be_visible()
    assert stack.account()["dead"] == 4
