"""What the overview and an account's page say of its connection and holds, each once."""

from shared.accounts.account_summary import AccountSummary
from shared.accounts.advice import (
    ASK_AN_OPERATOR,
    BUTTONS,
    Advice,
    Means,
    for_account,
    on_hold,
    why,
)
from shared.domain.account import Hold, HoldReason
from shared.operations.operators import Role
from web.console.guard import current_operator


def advice_for(summary: AccountSummary) -> list[Advice]:
    """Return what is wrong with the account's connection, unless the hold for it says so."""
    if any(hold.reason == HoldReason.RECONNECT for hold in summary.holds):
        return []
    return list(for_account(summary.account.name, (), summary, how_to_act()))


def holds_of(summary: AccountSummary) -> list[tuple[Hold, str, str]]:
    """Return each hold of the account, why it is, and what ends it if that does not say so."""
    name, means = summary.account.name, how_to_act()
    connection = [each.sentence for each in for_account(name, (), summary, means)]
    return [
        (each, connection[0], "")
        if connection and each.reason == HoldReason.RECONNECT
        else (each, why(each), on_hold(each, name, means))
        for each in summary.holds
    ]


def how_to_act() -> Means:
    """Return what advice tells this operator to press, or to ask for."""
    return BUTTONS if current_operator().role.may(Role.OPERATOR) else ASK_AN_OPERATOR
