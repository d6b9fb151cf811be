"""The balance as a table: the counts of accounts, and what is said of all of them."""

import pytest

from shared.domain.totals import Totals
from shared.operations.balance import balance_of

EVEN = Totals(accepted=12_408, due=3, delivered=12_400, dead=2, discarded=1, quarantined=2)
ONE_SHORT = Totals(accepted=5, delivered=4)
ONE_TOO_MANY = Totals(accepted=3, delivered=4)


@pytest.mark.parametrize(
    ("accounts", "sentence"),
    [
        ({}, "No sign-up has been accepted yet."),
        ({"acme": Totals()}, "No sign-up has been accepted yet."),
        (
            {"acme": Totals(accepted=1, due=1)},
            "The 1 accepted sign-up is accounted for. It is not lost.",
        ),
        (
            {"acme": EVEN, "blue": Totals(accepted=2, dead=2)},
            "Every one of 12,410 accepted sign-ups is accounted for. None is lost.",
        ),
        ({"acme": EVEN, "blue": ONE_SHORT}, "The counts of blue do not add up."),
        # One account's surplus makes up for nothing of another.
        ({"blue": ONE_SHORT, "acme": ONE_TOO_MANY}, "The counts of acme, blue do not add up."),
        (dict.fromkeys("abcde", ONE_SHORT), "The counts of a, b, c, d, e do not add up."),
        (
            dict.fromkeys("abcdef", ONE_SHORT),
            "The counts of a, b, c, d, e and 1 more do not add up.",
        ),
    ],
)
def test_the_sum_of_all_accounts(accounts: dict[str, Totals], sentence: str) -> None:
    found = balance_of(accounts, 0)
    assert found.sentence == sentence
    assert bool(found.to_do) == bool(found.uneven)


def test_what_to_do_is_told_if_counts_do_not_add_up() -> None:
    assert balance_of({"acme": EVEN}, 0).to_do is None
    assert "compare with your websites" in str(balance_of({"blue": ONE_SHORT}, 0).to_do)


def test_the_parts_are_what_was_accepted() -> None:
    found = balance_of({"acme": EVEN, "blue": EVEN}, 0)
    parts = {"delivered": 24_800, "waiting": 6, "failed": 4, "quarantined": 4, "discarded": 2}
    assert dict(found.parts) == parts
    assert sum(parts.values()) == found.totals.accepted


def test_what_is_on_disks_is_told_apart() -> None:
    assert balance_of({}, 0).spooled_in_words is None
    assert balance_of({}, 1).spooled_in_words == "1 more sign-up waits on the disks of web hosts."
    assert balance_of({}, 2).spooled_in_words == "2 more sign-ups wait on the disks of web hosts."
