"""What is known of an account's lists without asking for them."""

from datetime import datetime, timedelta

import pytest

from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.form import ListRef
from shared.domain.signup import State
from shared.operations.forms.refused_lists import read_refused_lists, refused_by
from shared.operations.signup_lists import SignupFilter
from tests.support import builders
from tests.support.few_failures import LIST_GONE, FewFailures, cause, dead

MINUTE = timedelta(minutes=1)
READ_AT = builders.NOON


def read(*ids: str) -> Lists:
    return Lists(tuple(ContactList(id, f"Name of {id}", None) for id in ids), READ_AT)


def at(minutes: int) -> datetime:
    return READ_AT + minutes * MINUTE


@pytest.mark.parametrize(
    ("lists", "message", "refused"),
    [
        pytest.param(("id-c",), LIST_GONE, ["id-c"], id="its only list"),
        pytest.param(("id-c", "id-n"), LIST_GONE, [], id="one of two"),
        pytest.param(("id-c", "id-n"), "list ID-N not found", ["id-n"], id="named"),
        pytest.param(("id-c", "id-n"), "lists id-n, id-c", ["id-c", "id-n"], id="both named"),
        pytest.param(("id-c", "id-n"), None, [], id="nothing said"),
    ],
)
def test_the_answer_names_the_list_unless_it_is_the_only_one(
    lists: tuple[str, ...], message: str | None, refused: list[str]
) -> None:
    assert list(refused_by(dead(message, lists=lists))) == refused


def test_a_list_is_refused_for_which_sign_ups_failed_after_the_reading() -> None:
    stored = FewFailures(
        causes=[
            cause(1, last_at=at(0)),
            cause(2, "HTTP 400: The email address is invalid.", last_at=at(9)),
            cause(3, "list gone", last_at=at(3)),
            cause(4, "list not there", last_at=at(4)),
            cause(5, "list of blue", last_at=at(5), account="blue"),
        ],
        dead=[
            dead(lists=("id-same-moment",), settled_at=at(1)),
            dead("list gone", lists=("id-c",), settled_at=at(3)),
            dead("list gone", lists=("id-c",), settled_at=at(2)),
            dead("list gone", lists=("id-before",), settled_at=at(0)),
            dead("list gone", lists=("id-unknown",), settled_at=None),
            dead("list not there", lists=("id-c",), settled_at=at(1)),
            dead("list not there", lists=("id-n",), settled_at=at(4)),
        ],
    )
    found = read_refused_lists(stored.signups, "acme", read("id-c", "id-n"))
    assert found == {"id-c": at(3), "id-n": at(4)}
    dead_ones = frozenset({State.DEAD})
    assert stored.asked == [
        (SignupFilter(states=dead_ones, account="acme", group=id), 20) for id in ("4", "3")
    ]


def test_of_many_causes_the_last_ones_are_looked_into() -> None:
    stored = FewFailures(
        causes=[cause(number, f"list {number} gone", last_at=at(number)) for number in range(12)]
    )
    read_refused_lists(stored.signups, "acme", Lists((), READ_AT - MINUTE))
    assert [chosen.group for chosen, _ in stored.asked] == [str(n) for n in range(11, 1, -1)]


def test_lists_are_there_that_were_read_and_not_refused_since() -> None:
    stored = FewFailures(
        accounts=["acme", "new"],
        causes=[cause(last_at=at(1))],
        dead=[dead(lists=("id-c",), settled_at=at(1))],
        lists={"acme": read("id-c", "id-n")},
    )
    assert stored.known.there("acme") == frozenset({"id-n"})
    assert stored.known.there("new") is None


def test_a_name_is_the_forms_then_that_of_the_last_reading_then_of_other_forms() -> None:
    cakes, weekly = ListRef("id-c", "Cakes"), ListRef("id-w", "Weekly")
    own = builders.form(lists=(cakes,))
    shop = builders.form("shop", lists=(ListRef("id-c", "?"), ListRef("id-n", "?"), weekly))
    far = builders.form("far", account="blue", lists=(ListRef("id-b", "Of blue"),))
    stored = FewFailures(forms=[own, shop, far], lists={"acme": read("id-n")})
    names_for = stored.known.names_for
    assert names_for(dead(lists=("id-c",)), own) == ["Cakes"]
    assert stored.read == []
    every = dead(lists=("id-c", "id-n", "id-w", "id-b"))
    assert names_for(every, own) == ["Cakes", "Name of id-n", "Weekly", "id-b"]
    assert names_for(dead(lists=("id-w",)), None) == ["Weekly"]
    # This account is removed.
    assert names_for(dead(account="blue", lists=("id-b",)), None) == ["Of blue"]
