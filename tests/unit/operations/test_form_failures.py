"""What failed of forms by the counts of their causes, and which lists are gone for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.form import ListRef
from shared.operations.form_targets import FormTarget
from shared.operations.forms.failures import (
    FormFailures,
    failures_by_form,
    failures_of,
    read_failures,
)
from shared.operations.forms.gone_lists import (
    GoneLists,
    ListFailures,
    gone_lists,
    read_list_failures,
)
from tests.support import builders
from tests.support.few_failures import LIST_GONE, FewFailures, cause, dead

CAKES, NEWS = ListRef("c", "Cakes"), ListRef("n", "News")
OTHER = "HTTP 400: The email address is invalid."


def test_a_form_has_the_causes_of_its_name_and_account() -> None:
    gone, other = cause(1200), cause(1300, OTHER)
    strangers = [cause(7, account="blue"), cause(5, form="shop"), cause(9, form=None)]
    forms = [builders.form(), replace(builders.form(), name="quiet")]
    found = failures_by_form(forms, [other, *strangers, cause(2), gone])
    assert found == {"news": FormFailures(2502, gone), "quiet": FormFailures()}
    assert found["news"].trouble == "A list is gone: 1,200 failed"
    assert found["news"].in_words == "2,502 (a list is gone)"
    assert FormFailures(3000).trouble is None and FormFailures(3000).in_words == "3,000"


def test_what_jobs_send_again_is_no_trouble_of_the_form() -> None:
    jobs = {"one": 700, "two": 500}
    all_of_it, some = cause(1200, jobs=jobs), cause(1203, jobs=jobs)
    assert failures_of([all_of_it]) == FormFailures(1200, None, 1200)
    assert failures_of([all_of_it]).in_words == "1,200 (1,200 being retried)"
    found = failures_of(iter([all_of_it, some, cause(2)]))
    assert found == FormFailures(2405, some, 2400)
    assert found.trouble == "A list is gone: 3 failed"
    assert found.in_words == "2,405 (2,400 being retried, a list is gone)"


def test_a_form_that_has_another_list_by_now_has_only_to_be_retried() -> None:
    target = FormTarget(account="acme", form="news", count=3, lists=("B",), names_gone_list=True)
    found = FormFailures(3, cause(3000), target=target)
    assert (found.trouble, found.left) == (None, "3,000 to retry")
    assert found.in_words == "3 (3,000 to retry)"
    again = replace(found, target=replace(target, gone=("B",)))
    assert (again.trouble, again.left) == ("A list is gone: 3,000 failed", None)


def test_the_latest_of_the_largest_cause_says_whether_the_form_has_another_list() -> None:
    forms = [builders.form(lists=(NEWS,)), builders.form("shop"), builders.form("far", account="b")]
    of_far = cause(5, OTHER, form="far", account="b")
    stored = FewFailures(
        forms=forms,
        causes=[cause(2, OTHER), cause(4), cause(3, OTHER, form="shop"), of_far],
        dead=[dead(lists=("c",))],
    )
    target = FormTarget(account="acme", form="news", count=4, lists=("News",), names_gone_list=True)
    assert read_failures(stored.targets, forms) == {
        "news": FormFailures(6, cause(4), target=target),
        "shop": FormFailures(3),
        "far": FormFailures(5),
    }


def test_causes_that_are_lists_are_of_those_that_the_form_has_or_of_others() -> None:
    replaced, kept = cause(4), cause(3, f"{LIST_GONE} n")
    by_jobs, unread = cause(2, "list n is gone", jobs={"job": 2}), cause(1, "list n is unknown")
    stored = FewFailures(
        forms=[builders.form(lists=(NEWS,)), builders.form("shop", lists=(NEWS,))],
        causes=[
            *(cause(8, OTHER), cause(7, account="b"), cause(6, form="shop")),
            *(replaced, kept, by_jobs, unread),
        ],
        dead=[
            *(dead(lists=("c",)), dead(lists=("n",), form="shop")),
            dead(f"{LIST_GONE} n", lists=("n",)),
        ],
    )
    found = read_list_failures(stored.targets, stored.forms[0])
    assert found == ListFailures(of_kept=[kept], of_replaced=[replaced])
    assert found.replaced == 4
    assert len(stored.asked) == 3  # one of each cause that may be one


@pytest.mark.parametrize(
    ("lists", "there", "age", "failures", "found"),
    [
        pytest.param([CAKES], "cn", 1, [], GoneLists(), id="nothing failed"),
        pytest.param([CAKES], "n", 1, [], GoneLists(frozenset("c")), id="not there"),
        pytest.param([CAKES], "n", -1, [12], GoneLists(frozenset("c"), failed=12), id="both tell"),
        pytest.param(
            [CAKES], "cn", 1, [12], GoneLists(frozenset("c"), failed=12), id="read before"
        ),
        pytest.param([CAKES], "cn", 0, [12], GoneLists(), id="is there again"),
        pytest.param([CAKES], None, 0, [2, 1], GoneLists(frozenset("c"), failed=3), id="not read"),
        pytest.param([CAKES], None, 0, [], GoneLists(), id="not read, and nothing failed"),
        pytest.param(
            [CAKES, NEWS], "cn", 1, [4], GoneLists(one_of=(CAKES, NEWS), failed=4), id="one of two"
        ),
        pytest.param(
            [CAKES, NEWS], "n", 1, [4], GoneLists(frozenset("c"), failed=4), id="one is not there"
        ),
    ],
)
def test_a_list_is_gone_that_is_not_there_or_that_sign_ups_failed_for(
    lists: list[ListRef], there: str | None, age: int, failures: list[int], found: GoneLists
) -> None:
    """`there` has the ids of the lists that were read `age` minutes before the last failure."""
    form = replace(builders.form(), lists=tuple(lists))
    known = tuple(ContactList(id, id, None) for id in there or "")
    read = Lists(known, builders.NOON - timedelta(minutes=age)) if there is not None else None
    assert gone_lists(form, read, [cause(count) for count in failures]) == found


def test_a_list_that_was_refused_is_the_one_of_two_that_is_gone() -> None:
    form = replace(builders.form(), lists=(CAKES, NEWS))
    there = Lists((ContactList("c", "c", None), ContactList("n", "n", None)), builders.NOON)
    found = gone_lists(form, there, [cause(4, last_at=builders.NOON + timedelta(1))], {"n"})
    assert found == GoneLists(frozenset("n"), failed=4)
