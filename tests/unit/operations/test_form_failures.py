"""What failed of forms by the counts of their causes, and which lists are gone for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.form import ListRef
from shared.operations.form_targets import FormTarget
from shared.operations.forms.failures import FormFailures, failures_by_form, failures_of
from shared.operations.forms.gone_lists import GoneLists, gone_lists
from tests.support import builders
from tests.support.few_failures import cause

CAKES, NEWS = ListRef("c", "Cakes"), ListRef("n", "News")


def test_a_form_has_the_causes_of_its_name_and_account() -> None:
    gone, other = cause(12), cause(3, "HTTP 400: The e-mail address is invalid.")
    strangers = [cause(7, account="blue"), cause(5, form="shop"), cause(9, form=None)]
    forms = [builders.form(), replace(builders.form(), name="quiet")]
    found = failures_by_form(forms, [other, *strangers, cause(2), gone])
    assert found == {"news": FormFailures(17, gone), "quiet": FormFailures()}
    assert found["news"].trouble == "A list is gone: 12 failed"
    assert found["news"].in_words == "17 (a list is gone)"
    assert FormFailures(3).trouble is None and FormFailures(3).in_words == "3"


def test_what_jobs_send_again_is_no_trouble_of_the_form() -> None:
    jobs = {"one": 7, "two": 5}
    all_of_it, some = cause(12, jobs=jobs), cause(15, jobs=jobs)
    assert failures_of([all_of_it]) == FormFailures(12, None, 12)
    assert failures_of([all_of_it]).in_words == "12 (12 being retried)"
    found = failures_of([all_of_it, some, cause(2)])
    assert found == FormFailures(29, some, 24)
    assert found.trouble == "A list is gone: 3 failed"
    assert found.in_words == "29 (24 being retried, a list is gone)"


def test_a_form_that_has_another_list_by_now_has_only_to_be_retried() -> None:
    target = FormTarget(account="acme", form="news", count=3, lists=("B",), names_gone_list=True)
    found = FormFailures(3, cause(3), target=target)
    assert (found.trouble, found.left, found.in_words) == (None, "3 to retry", "3 (3 to retry)")
    again = replace(found, target=replace(target, gone=("B",)))
    assert (again.trouble, again.left) == ("A list is gone: 3 failed", None)


@pytest.mark.parametrize(
    ("lists", "there", "age", "failures", "found"),
    [
        pytest.param([CAKES], "cn", 1, [], GoneLists(), id="nothing failed"),
        pytest.param([CAKES], "n", 1, [], GoneLists(frozenset("c")), id="not there"),
        pytest.param([CAKES], "n", -1, [12], GoneLists(frozenset("c"), failed=12), id="both tell"),
        pytest.param(
            [CAKES], "cn", 1, [12], GoneLists(frozenset("c"), failed=12), id="read before"
        ),
        pytest.param([CAKES], "cn", -1, [12], GoneLists(), id="is there again"),
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
