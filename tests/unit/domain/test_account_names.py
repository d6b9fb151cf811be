"""Names of accounts: what they may be, and what is said of an unknown one."""

import pytest

from shared.domain.account import check_name, unknown_account
from shared.domain.errors import Refused


@pytest.mark.parametrize("name", ["a", "7", "Acme.bakery_2-x", "a" * 40])
def test_what_can_be_a_name(name: str) -> None:
    check_name(name)


@pytest.mark.parametrize("name", ["", "a" * 41, "-a", ".a", "_a", "a b", "a/b", "a:b", "a\n", "ä"])
def test_what_cannot_be_a_name(name: str) -> None:
    with pytest.raises(Refused, match="cannot be an account's name: at most 40 letters"):
        check_name(name)
    with pytest.raises(Refused, match="cannot be an operator's name"):
        check_name(name, "an operator's")


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([], "There is no account 'x' yet. Connect it with: relay connect x"),
        (["acme", "other"], "There is no account 'x'. Known accounts: acme, other."),
    ],
)
def test_an_unknown_account_is_told_with_what_to_do(known: list[str], words: str) -> None:
    assert str(unknown_account("x", known)) == words


@pytest.mark.parametrize("known", [[], ["acme"]])
def test_what_can_be_no_name_is_not_repeated(known: list[str]) -> None:
    assert "suspended" not in str(unknown_account("acme is suspended", known))
    assert "There is no account of this name" in str(unknown_account("acme is suspended", known))
