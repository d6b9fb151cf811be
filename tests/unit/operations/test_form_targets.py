"""Where dead letters go if they go to the lists that their forms have now."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.form import Form, ListRef
from shared.domain.signup import DeathReason, State
from shared.operations.form_targets import Cause, FormTarget, list_ids, staying
from shared.operations.signup_lists import SignupFilter
from tests.support import builders
from tests.support.few_failures import LIST_GONE, FewFailures, cause, dead

CAKES, NEWS, WEEKLY = ListRef("id-c", "Cakes"), ListRef("id-n", "News"), ListRef("id-w", "Weekly")
OTHER = "HTTP 400: The email address is invalid."


def form(name: str = "news", *lists: ListRef, account: str = "acme") -> Form:
    return builders.form(name, account=account, lists=lists)


def target(**given: Any) -> FormTarget:
    return FormTarget(**{"account": "acme", "form": "news", "count": 3, **given})


def read(*lists: ListRef) -> dict[str, Lists]:
    """Return what was read of the account `acme`, after all failures of these tests."""
    known = tuple(ContactList(each.id, each.name, None) for each in lists)
    return {"acme": Lists(known, builders.NOON + timedelta(days=1))}


@pytest.mark.parametrize(
    ("given", "has_others", "warning", "to_do"),
    [
        pytest.param({}, None, "", None, id="nobody looked"),
        pytest.param(
            {"names_gone_list": False},
            False,
            "The latest is for lists that the form still has.",
            "Give the form another list, and retry them there.",
            id="for lists that the form still has",
        ),
        pytest.param(
            {"names_gone_list": True, "lists": ("Cakes",)},
            True,
            "",
            "The form has another list by now. Retry them to Cakes.",
            id="another list",
        ),
        pytest.param(
            {"names_gone_list": True, "lists": ("Cakes", "News")},
            True,
            "",
            "The form has another list by now. Retry them to the form's 2 lists.",
            id="other lists",
        ),
        pytest.param(
            {"names_gone_list": True, "gone": ("Cakes", "News")},
            False,
            "Constant Contact does not know Cakes, News any more.",
            "Give the form another list, and retry them there.",
            id="other lists that are gone, too",
        ),
    ],
)
def test_what_helps_depends_on_the_lists_that_the_form_has_now(
    given: dict[str, Any], has_others: bool | None, warning: str, to_do: str | None
) -> None:
    found = target(**given)
    assert (found.has_others, found.warning, found.to_do) == (has_others, warning, to_do)
    assert found.needs_list is (has_others is False)
    failed = Cause(cause(), found)
    assert failed.to_do == to_do
    assert failed.form_to_mend == ("news" if found.needs_list else None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"refused": ("Cakes",)}, "The list “Cakes” does not exist any more"),
        ({"refused": ("Cakes",), "gone": ("News",)}, "The list “News” does not exist any more"),
        ({"refused": ("Cakes", "News")}, "One of the lists does not exist any more"),
        ({}, "One of the lists does not exist any more"),
    ],
)
def test_the_list_that_is_gone_is_named_if_one_alone_may_be(
    given: dict[str, Any], told: str
) -> None:
    assert target(**given).cause == told
    assert Cause(cause(), target(**given)).in_words == told[:1].lower() + told[1:]


def test_a_cause_of_another_kind_says_why_and_names_no_form() -> None:
    failed = Cause(cause(1, OTHER))
    assert failed.in_words == "Constant Contact does not accept the e-mail address"
    assert (failed.to_do, failed.form_to_mend) == (None, None)
    gave_up = Cause(cause(reason=DeathReason.GAVE_UP))
    assert gave_up.in_words.startswith("each of its attempts failed")


def test_those_stay_whose_form_is_gone_or_has_no_list() -> None:
    several = target(form=None, count=5)
    assert [each.stays for each in (target(), target(lists=("Cakes",)), several)] == [
        *(True, False, False)
    ]
    of_blue = target(account="blue", count=4)
    found = staying([target(), target(form="shop", count=2), target(lists=("Cakes",)), of_blue])
    assert found == Counter({"acme": 5, "blue": 4})


def test_a_job_gets_the_lists_of_each_form_that_has_some() -> None:
    forms = [form("news", CAKES, NEWS), form("none"), form("shop", WEEKLY)]
    assert list_ids([*forms, form("far", NEWS, account="blue")]) == {
        "acme": {"news": ["id-c", "id-n"], "shop": ["id-w"]},
        "blue": {"far": ["id-n"]},
    }


def test_sign_ups_that_were_chosen_are_told_by_form_and_the_latest_tells_why() -> None:
    earlier = builders.NOON - timedelta(hours=1)
    signups = [
        dead(lists=("id-c",)),
        dead(lists=("id-x",), received_at=earlier),
        dead(OTHER, form="shop", lists=("id-w",)),
        dead(form="none"),
        *[dead(account="blue", lists=("id-c",))] * 3,
    ]
    stored = FewFailures(forms=[form("news", CAKES, NEWS), form("shop", WEEKLY)])
    assert stored.targets.of_signups(signups) == [
        target(account="blue", count=3),
        target(count=2, lists=("Cakes", "News"), names_gone_list=False, refused=("Cakes",)),
        target(form="shop", count=1, lists=("Weekly",), names_gone_list=False),
        target(form="none", count=1),
    ]
    assert stored.read == []
    of_lists = stored.targets.of_list_deaths(signups)
    assert [(each.account, each.form) for each in of_lists] == [
        *(("blue", "news"), ("acme", "news"), ("acme", "none"))
    ]


@pytest.mark.parametrize(
    ("lists", "gone"),
    [({}, ()), (read(CAKES, WEEKLY), ()), (read(CAKES), ("Weekly",)), (read(), ("Weekly",))],
    ids=["never read", "all there", "another one is gone", "none there"],
)
def test_a_list_that_is_gone_helps_nobody(lists: dict[str, Lists], gone: tuple[str, ...]) -> None:
    stored = FewFailures(forms=[form("news", WEEKLY), form("shop", WEEKLY)], lists=lists)
    signups = [dead(lists=("id-c",), id="1"), dead(lists=("id-c",), form="shop", id="2")]
    found = target(count=1, lists=("Weekly",), names_gone_list=True, gone=gone)
    assert stored.targets.of_each([*signups, dead(OTHER, id="3")]) == {
        "1": found,
        "2": replace(found, form="shop"),
    }
    assert stored.targets.of_signups(signups) == [found, replace(found, form="shop")]
    assert stored.read == ["acme"] * 2  # once for each question


def test_of_a_group_those_are_told_that_no_job_retries_and_one_is_read() -> None:
    stored = FewFailures(
        forms=[form("news", WEEKLY), form("shop", NEWS), form("unreadable", CAKES)],
        dead=[dead(lists=("id-c",))],
        lists=read(),
    )
    groups = [
        cause(1, form="shop", jobs={"job": 1}),
        *(cause(2, OTHER), cause(3, jobs={"job": 1}), cause(9, form=None), cause(3, form="none")),
        cause(1, form="unreadable"),
    ]
    assert stored.targets.of_groups(groups) == [
        target(form=None, count=9),
        target(count=4, lists=("Weekly",), names_gone_list=True, gone=("Weekly",)),
        target(form="none"),
        target(form="unreadable", count=1, lists=("Cakes",)),
    ]
    chosen = SignupFilter(states=frozenset({State.DEAD}), account="acme", form="news")
    assert stored.asked == [(chosen, 1), (replace(chosen, form="unreadable"), 1)]
    assert stored.read == ["acme"]


def test_of_many_forms_a_few_are_looked_at() -> None:
    names = [f"{number:02}" for number in range(12)]
    stored = FewFailures(
        forms=[form(name, CAKES) for name in names],
        dead=[dead(form=name, lists=("id-x",)) for name in names],
        lists=read(CAKES),
    )
    found = stored.targets.of_groups([cause(99 - int(name), form=name) for name in names])
    assert [each.names_gone_list for each in found] == [True] * 10 + [None] * 2
    assert stored.read == ["acme"]


def test_a_cause_that_is_a_list_is_told_with_what_its_latest_says() -> None:
    message = f"{LIST_GONE} id-c"
    groups = [cause(4), cause(3, OTHER), cause(2, message), cause(5, form="shop"), cause(form=None)]
    stored = FewFailures(
        forms=[form("news", CAKES, NEWS), form("shop", WEEKLY)],
        causes=groups,
        dead=[
            dead(lists=("id-x",), form="shop"),
            dead(lists=("id-w",)),
            dead(message, lists=("id-c", "id-n")),
        ],
        lists=read(NEWS),
    )
    of_shop = target(form="shop", lists=("Weekly",), gone=("Weekly",), names_gone_list=True)
    latest = target(count=4, lists=("Cakes", "News"), names_gone_list=True, gone=("Cakes",))
    kept = target(count=2, lists=("Cakes", "News"), names_gone_list=False, refused=("Cakes",))
    assert stored.targets.of_causes([*groups, cause(7, form="none")]) == {
        ("acme", "4"): latest,
        ("acme", "2"): kept,
        ("acme", "5"): replace(of_shop, count=5),
        ("acme", "7"): target(form="none", count=7),
    }
    dead_ones = frozenset({State.DEAD})
    assert stored.asked == [
        (SignupFilter(states=dead_ones, account="acme", group=id), 1) for id in ("4", "2", "5")
    ]
    assert stored.read == ["acme"]
    of_one = stored.targets.list_cause
    assert of_one(dead(message)) == Cause(groups[2], kept)
    assert of_one(dead(OTHER)) is None
    assert of_one(dead("nobody knows")) is None
