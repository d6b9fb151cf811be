"""What it means that a login belongs to another account, in words."""

from typing import Any

import pytest

from shared.accounts.another_account import consequences, differs
from tests.support.builders import account

ACME: dict[str, Any] = {"organization": "Acme Bakery", "encoded_account_id": "a1"}


@pytest.mark.parametrize(
    ("before", "found", "told"),
    [
        pytest.param(
            ACME,
            {"organization": "Blue Door Books", "encoded_account_id": "b2"},
            "This login belongs to Blue Door Books, but acme was connected to Acme Bakery.",
            id="two names",
        ),
        pytest.param(
            ACME,
            {"organization": "Acme Bakery", "encoded_account_id": "b2"},
            "This login belongs to Acme Bakery (account id b2), but acme was connected to Acme"
            " Bakery (account id a1).",
            id="two accounts of one organization",
        ),
        pytest.param(
            ACME,
            {"login": "ada"},
            "This login does not say whose account it is, but acme was connected to Acme Bakery.",
            id="a login that may not read the account",
        ),
        pytest.param(
            {"login": "ada"},
            {"organization": "Blue Door Books"},
            "This login belongs to Blue Door Books, but acme was connected to another account.",
            id="nobody knows the first one's name",
        ),
    ],
)
def test_both_accounts_are_named(before: Any, found: Any, told: str) -> None:
    assert differs(account(**before), account(**found)) == told


@pytest.mark.parametrize(
    ("forms", "waiting", "said"),
    [
        pytest.param([], 0, "", id="nothing to lose"),
        pytest.param([], 2, "2 sign-ups wait, and would be sent to Blue Door Books.", id="waiting"),
        pytest.param(["news", "tour"], 0, "use lists of Acme Bakery: news, tour.", id="forms"),
    ],
)
def test_what_would_go_to_the_other_account_is_said(
    forms: list[str], waiting: int, said: str
) -> None:
    found = account(organization="Blue Door Books", encoded_account_id="b2")

    first, *others = consequences(account(**ACME), found, forms, waiting)

    assert first == "Blue Door Books has other lists and other contacts than Acme Bakery."
    assert said in " ".join(others)
    assert len(others) == bool(forms) + bool(waiting)
