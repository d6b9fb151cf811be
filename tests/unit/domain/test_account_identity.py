"""Which account at Constant Contact may take a name unasked."""

import pytest

from shared.domain.account import Account


def account(id: str | None, login: str | None) -> Account:
    return Account(name="acme", client_id="key", encoded_account_id=id, login=login)


@pytest.mark.parametrize(
    ("before", "now", "may"),
    [
        pytest.param(("p1", "ada"), ("p1", "bea"), True, id="another login of the same account"),
        pytest.param(("p1", "ada"), ("p2", "ada"), False, id="another account"),
        pytest.param(("p1", "ada"), (None, "ada"), False, id="a login that may not tell"),
        pytest.param((None, "ada"), ("p1", "ada"), True, id="the login tells more than before"),
        pytest.param((None, "ada"), ("p1", "bea"), False, id="another login, and no id to compare"),
        pytest.param((None, "ada"), (None, None), False, id="nothing to compare with"),
        pytest.param((None, None), ("p1", "ada"), True, id="nobody knows which account it was"),
    ],
)
def test_who_may_take_a_name_unasked(
    before: tuple[str | None, str | None], now: tuple[str | None, str | None], may: bool
) -> None:
    assert account(*before).may_become(account(*now)) is may
