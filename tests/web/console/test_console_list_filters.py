"""The filters of lists of sign-ups as a table: what was given, and what becomes of it."""

from datetime import UTC, datetime

import pytest

from shared.domain.errors import WrongFilter
from shared.operations.signup_lists import DUE, SignupFilter
from web.console import list_filters

IN_ADDRESSES = {
    "account": "acme",
    "form": "news",
    "reason": "rejected",
    "group": "abc",
    "words": "no list",
    "since": "2026-03-01",
    "until": "2026-03-02T12:00",
    "settled": "2026-03-03",
}
FILTERS = {**IN_ADDRESSES, "email": "ada@example.com"}


def test_every_filter_is_read_without_the_space_around_it() -> None:
    given = {name: f" {value} " for name, value in FILTERS.items()}
    assert list_filters.chosen_filter(given, DUE) == SignupFilter(
        states=DUE,
        account="acme",
        form="news",
        reason="rejected",
        group="abc",
        words="no list",
        email="ada@example.com",
        since=datetime(2026, 3, 1, tzinfo=UTC),
        until=datetime(2026, 3, 2, 12, tzinfo=UTC),
        settled_since=datetime(2026, 3, 3, tzinfo=UTC),
    )


@pytest.mark.parametrize("given", [{}, dict.fromkeys(FILTERS, " ")], ids=["none", "empty"])
def test_what_was_not_given_filters_nothing(given: dict[str, str]) -> None:
    assert list_filters.chosen_filter(given, DUE) == SignupFilter(states=DUE)


@pytest.mark.parametrize("name", ["since", "until", "settled"])
def test_a_wrong_time_is_told_with_its_name(name: str) -> None:
    with pytest.raises(WrongFilter, match=r"^A time looks like 2026-03-01") as raised:
        list_filters.chosen_filter({name: "yesterday"}, DUE)
    assert raised.value.name == name


def test_a_person_is_in_a_form_and_in_no_address() -> None:
    given = {**FILTERS, "cursor": "c", "ticked": "acme 1"}
    assert list_filters.kept_filters(given) == FILTERS
    assert list_filters.in_address(given) == IN_ADDRESSES
    assert list_filters.from_address(given) == {
        **IN_ADDRESSES,
        "cursor": "c",
        "ticked": "acme 1",
    }


def test_a_filter_that_is_empty_is_left_out() -> None:
    given = {**FILTERS, "form": "", "email": ""}
    kept = {name: value for name, value in IN_ADDRESSES.items() if name != "form"}
    assert list_filters.kept_filters(given) == list_filters.in_address(given) == kept


def test_a_row_that_was_picked_names_its_account_and_its_id() -> None:
    assert list_filters.picked(["acme 1", "acme", "", "blue b c"]) == (
        ("acme", "1"),
        ("blue", "b c"),
    )
