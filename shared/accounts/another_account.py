"""A login that belongs to another account than the one that has the name: what it means, in words.

Pure. The console, the commands, and the pages after a login say the same.
"""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from shared.accounts.connect_request import PendingTokens
from shared.domain.account import Account
from shared.domain.phrases import sign_ups_wait


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginChoice:
    """What an operator decides about a login.

    `before` is the account that has the name, if the login belongs to another one, `found`. `known`
    is that one, if it is connected under another name.
    """

    before: Account | None = None
    known: Account | None = None
    found: Account | None = None


def choice(pending: PendingTokens, accounts: Sequence[Account]) -> LoginChoice:
    """Return what there is to decide as `accounts` are now."""
    if pending.found is None:
        return LoginChoice()
    found = dataclasses.replace(pending.found, name=pending.request.account)
    before = next((each for each in accounts if each.name == found.name), None)
    return LoginChoice(
        before=before if before and not before.may_become(found) else None,
        known=other_name(before, found, accounts),
        found=found,
    )


def other_name(
    before: Account | None, found: Account, accounts: Iterable[Account]
) -> Account | None:
    """Return the one of `accounts` that is connected to the same account, under another name.

    None if this name, which `before` has, is connected to it, too: older versions allowed that.
    """
    if before and not before.disconnected_at and before.is_same_as(found):
        return None
    return next(iter(found.other_names(accounts)), None)


def told(account: Account, beside: Account) -> str | None:
    """Return whose account it is, so that nobody takes it for the one `beside`; None if nobody
    knows."""
    if account.organization and account.organization == beside.organization:
        return " ".join(filter(None, (account.organization, _id_of(account))))
    return account.organization or account.encoded_account_id


def _id_of(account: Account) -> str | None:
    id = account.encoded_account_id
    return f"(account id {id})" if id else None


def differs(before: Account, found: Account) -> str:
    """Return that `found` is not the account that has the name."""
    whose, was = told(found, before), told(before, found) or "another account"
    belongs = f"belongs to {whose}" if whose else "does not say whose account it is"
    return f"This login {belongs}, but {before.name} was connected to {was}."


def consequences(before: Account, found: Account, forms: Sequence[str], waiting: int) -> list[str]:
    """Return what follows if `found` takes the name, in sentences. `forms` and `waiting` are the
    forms and the sign-ups that would be its own then."""
    whose, was = told(found, before) or "The other account", told(before, found) or "the first one"
    said = [f"{whose} has other lists and other contacts than {was}."]
    if waiting:
        said.append(f"{sign_ups_wait(waiting)}, and would be sent to {whose}.")
    if forms:
        said.append(
            f"These forms use lists of {was}: {', '.join(forms)}. Constant Contact would refuse"
            " their sign-ups until you give the forms other lists."
        )
    return said
