"""A list was deleted: from the form's page to its dead letters on the form's new list."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from shared.domain.form import ListRef
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.browser.test_failed_journey import WITHIN, open_console, stack  # noqa: F401
from tests.support.accessibility import faults_of
from tests.support.builders import accept, bury_claim, claimed
from tests.support.stack import Stack

pytestmark = pytest.mark.slow

DELETED = ListRef("0190163d-0000-4000-8000-00000000001d", "Old news")


@pytest.fixture
def give_list(stack: Stack) -> Callable[..., ListRef]:  # noqa: F811
    """Give the form `news` a list, or back the one that it had; return that one."""

    def give(given: ListRef) -> ListRef:
        with stack.valkey.client() as client:
            registry = Registry(client)
            form = registry.form("news")
            assert form is not None
            registry.save_form(replace(form, lists=(given,)))
            return form.lists[0]

    return give


@pytest.fixture
def there(stack: Stack, give_list: Callable[..., ListRef]) -> ListRef:  # noqa: F811
    """Have 120 sign-ups be dead letters for the form's list, which was deleted. Return a list that
    there is."""
    there = give_list(DELETED)
    with stack.valkey.client() as client:
        ledger = Ledger(client)
        for number in range(120):
            accept(ledger, f"{number}@example.com", lists=(DELETED.id,))
        for _ in range(120):
            bury_claim(ledger, claimed(ledger), message="HTTP 400: no such list_memberships")
    return there


def test_from_the_form_to_all_of_them_on_its_new_list(
    stack: Stack,  # noqa: F811
    there: ListRef,
    page: Page,
) -> None:
    stack.start("beat")
    stack.start_workers()
    open_console(page, stack)
    page.goto(f"{stack.url}/console/forms/news")
    expect(page.get_by_text("120 sign-ups failed.")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("link", name="Give the form another list").click()
    page.get_by_label("List").select_option(there.id)
    assert faults_of(page) == []
    page.get_by_role("button", name="Use it and retry 120 sign-ups").click()

    expect(page.get_by_role("progressbar")).to_have_text(
        "120 of 120 done, 120 delivered", timeout=WITHIN
    )
    sent = [call["payload"] for calls in stack.deliveries().values() for call in calls]
    assert [each["list_memberships"] for each in sent] == [[there.id]] * 120
    stack.assert_accounted_for()
