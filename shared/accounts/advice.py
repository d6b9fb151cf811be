"""Advice: what to do about a hold, or about a connection that does not work."""

from collections.abc import Iterable, Iterator

from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.domain.account import Hold, HoldReason

_ON_HOLD = {
    HoldReason.RECONNECT: "if it does not end by itself, run: relay connect {account}",
    HoldReason.FORBIDDEN: (
        "connect it with an Account Owner's or Manager's login: relay connect {account}"
    ),
    HoldReason.PAUSED: "go on with: relay release {account}",
    HoldReason.OUTAGE: "nothing to do: it is probed and goes on by itself",
    HoldReason.QUOTA: "nothing to do: it goes on at 00:00 UTC",
}

_NOT_WELL = {
    ConnectionStatus.DISCONNECTED: (
        "is disconnected; its sign-ups are accepted and wait."
        " Connect it again with: relay connect {account}"
    ),
    ConnectionStatus.UNUSABLE: (
        "cannot be used: its tokens are gone, or the secret of its API key is not known any more."
        " If CTCT_CLIENT_ID was changed, put it back; else run: relay connect {account}"
    ),
    ConnectionStatus.REVOKED: (
        "was cut off by Constant Contact, which refuses its refresh token for good; its sign-ups"
        " are accepted and wait. Connect it again with: relay connect {account}"
    ),
    ConnectionStatus.FOREIGN: (
        "is kept connected by another installation ({owner}), so this one leaves its tokens"
        " alone. If this is a copy, connect an account of its own; if it has replaced the other,"
        " run: relay accounts take-over {account}"
    ),
    ConnectionStatus.FAILING: (
        "is connected, but its tokens could not be refreshed the last time."
        " Nothing to do: that is tried again by itself"
    ),
}


def on_hold(reason: HoldReason, account: str) -> str:
    """Return what ends the hold."""
    return _ON_HOLD[reason].format(account=account)


def on_account(name: str, holds: Iterable[Hold], summary: AccountSummary | None) -> Iterator[str]:
    """Yield a sentence for each thing that is wrong with the account, with what to do."""
    wrong = summary and _NOT_WELL.get(summary.status)
    if summary and wrong:
        yield f"{name} {wrong.format(account=name, owner=summary.owner)}"
    for hold in holds:
        if wrong and hold.reason == HoldReason.RECONNECT:
            continue  # what is wrong with the connection is why
        note = f" ({hold.note})" if hold.note else ""
        yield f"{name} is on hold, {hold.reason}{note}: {on_hold(hold.reason, name)}"
