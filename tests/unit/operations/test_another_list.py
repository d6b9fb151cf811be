"""Which list a form may get in place of one that is gone, and what is retried there then."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.form import ListRef
from shared.operations.bulk_choices import DEAD_LETTERS, BulkChoice
from shared.operations.forms.another_list import AnotherList, ListChoice
from shared.operations.forms.gone_lists import GoneLists
from tests.support import builders
from tests.support.builders import NOON
from tests.support.few_failures import LIST_GONE, FewFailures, cause, dead

CAKES, NEWS = ListRef("id-c", "Cakes"), ListRef("id-n", "News")
FORM = builders.form(lists=(CAKES, NEWS))
NAMES = {"id-n": "News", "id-z": "Zoo", "id-a": "apples", "id-b": "Bread", "id-x": "xmas"}
THERE = Lists(tuple(ContactList(*each, None) for each in NAMES.items()), NOON - timedelta(days=2))


def choice(**given: Any) -> ListChoice:
    usual: dict[str, Any] = {"gone": GoneLists(frozenset({"id-c"})), "refused": {}, "cause": None}
    made: dict[str, Any] = {"form": FORM, "account": builders.account(), "there": THERE}
    return ListChoice(**made | usual | given)


def test_lists_are_offered_by_name_that_the_form_has_not_and_that_were_not_refused() -> None:
    found = choice(refused=dict.fromkeys(("id-z", "id-x", "id-n", "id-b"), NOON))
    assert (found.lost, found.kept) == ([CAKES], [NEWS])
    assert [each.name for each in choice().offered] == ["apples", "Bread", "xmas", "Zoo"]
    assert [each.name for each in found.offered] == ["apples"]
    assert found.left_out == ["Bread", "xmas", "Zoo"]
    assert found.as_of(NOON) == "2026-02-27 12:00 UTC"


def test_of_what_failed_the_cause_is_retried_that_is_a_list() -> None:
    assert choice().failed is None
    assert choice(cause=cause(3)).failed == BulkChoice(
        filter=replace(DEAD_LETTERS, account="acme", group="3")
    )


def another_list(stored: FewFailures) -> AnotherList:
    chooser = SimpleNamespace(lists=stored.signups, targets=stored.targets)
    api: Any = SimpleNamespace(lists=lambda account, max_age: THERE)
    forms: Any = SimpleNamespace(registry=stored.signups.finder.registry)
    bulk: Any = SimpleNamespace(chooser=chooser)
    return AnotherList(api, forms, bulk)


def test_the_cause_is_the_one_that_was_asked_for_or_the_largest() -> None:
    named = f"{LIST_GONE} id-n"
    stored = FewFailures(
        forms=[FORM],
        causes=[cause(9, "HTTP 400: The email address is invalid."), cause(4), cause(2, named)],
        dead=[dead(lists=("id-c",)), dead(named, lists=("id-c", "id-n"))],
    )
    look = another_list(stored).look
    assert look(FORM).cause == look(FORM, "9").cause == cause(4)
    assert look(FORM, "2").cause == cause(2, named)
    assert look(FORM).gone == GoneLists(frozenset({"id-c", "id-n"}), failed=6)


def test_without_failures_nothing_is_retried() -> None:
    given = another_list(FewFailures(forms=[FORM]))
    found = given.look(FORM)
    assert found.cause is None and given.plan(found) is None
    assert found.gone.ids == {"id-c"}
