"""Advice: what to do about a hold, or about a connection that does not work."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.accounts.problems import explain_secret
from shared.domain.account import COUNTED_BY_API, Hold, HoldReason
from shared.domain.connection_end import EndCause
from shared.domain.durations import minute

_ON_HOLD = {
    HoldReason.RECONNECT: "If the hold does not end by itself, run: relay connect {account}",
    HoldReason.FORBIDDEN: ("Reconnect it as an Account Owner or Manager: relay connect {account}"),
    HoldReason.PAUSED: "To end the pause, run: relay release {account}",
    HoldReason.OUTAGE: (
        "Deliveries resume by themselves when Constant Contact answers. If the hold stays, check"
        " whether this host reaches it."
    ),
    HoldReason.QUOTA: "You need not do anything: deliveries resume at 00:00 UTC.",
}

_NOT_WELL = {
    ConnectionStatus.DISCONNECTED: (
        "is disconnected. Its sign-ups are accepted and wait."
        " Reconnect it with: relay connect {account}"
    ),
    ConnectionStatus.UNUSABLE: (
        "cannot be used: its tokens are gone, or the secret of its API key is no longer known. Its"
        " sign-ups are accepted and wait. If CTCT_CLIENT_ID was changed, put the old value back."
        " Otherwise run: relay connect {account}"
    ),
    ConnectionStatus.REVOKED: (
        "needs a new login: Constant Contact refuses its refresh token. Its sign-ups are"
        " accepted and wait. Reconnect it with: relay connect {account}"
    ),
    ConnectionStatus.ELSEWHERE: (
        "was connected at {origin}, and CTCT_API_URL and CTCT_AUTH_URL name other addresses now."
        " Its tokens are sent to no other server, so its sign-ups are accepted and wait. Put the"
        " former addresses back, or run: relay connect {account}. If Constant Contact has moved,"
        " run: relay accounts move-tokens {account}. If it was for trying out, remove it:"
        " relay accounts remove {account}"
    ),
    ConnectionStatus.FOREIGN: (
        "is kept connected by another installation ({owner}), so this one does not refresh its"
        " tokens. If this installation is a copy, connect another account. If it has replaced the"
        " other, run: relay accounts take-over {account}"
    ),
    ConnectionStatus.FAILING: (
        "is connected, but the last refresh of its tokens failed."
        " You need not do anything: signup-relay tries again by itself."
    ),
}

_WILL_END = {
    EndCause.REFUSED: (
        "works until {until}. Constant Contact refuses its refresh token, so the access token that"
        " it has is the last one. Its sign-ups are delivered until then, and wait afterwards."
        " Reconnect it before: relay connect {account}"
    ),
    EndCause.CLIENT: (
        "works until {until}. Constant Contact does not accept the secret of its API key, so"
        " nothing refreshes its tokens. Its sign-ups are delivered until then, and wait afterwards."
        " {secret}"
    ),
    EndCause.UNUSED: (
        "loses its connection on {until}: Constant Contact ends a refresh token that was not used"
        " for 180 days. Its sign-ups are accepted. Start beat and a worker, which use the token. If"
        " that fails, reconnect it: relay connect {account}"
    ),
}

USED_ELSEWHERE = (
    "Constant Contact counts more requests than signup-relay. If it counts far more, another"
    " program uses the same API key: give that one an application of its own."
)


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence about one thing that is wrong. `urgent`: an operator should act now."""

    sentence: str
    urgent: bool


def on_hold(hold: Hold, account: str) -> str:
    """Return what ends the hold, in sentences."""
    what = _ON_HOLD[hold.reason].format(account=account)
    return f"{what} {USED_ELSEWHERE}" if used_elsewhere(hold) else what


def used_elsewhere(hold: Hold) -> bool:
    """Whether Constant Contact says that the quota is used up before our own count does."""
    return hold.reason == HoldReason.QUOTA and hold.by == COUNTED_BY_API


def for_account(
    name: str, holds: Iterable[Hold], summary: AccountSummary | None
) -> Iterator[Advice]:
    """Yield what is wrong with the account, with what to do about each thing."""
    wrong = summary and _NOT_WELL.get(summary.status)
    if summary and summary.end:
        until = minute(summary.end.at)
        secret = explain_secret(own_key=summary.own_key)
        will_end = _WILL_END[summary.end.cause].format(account=name, until=until, secret=secret)
        yield Advice(f"{name} {will_end}", urgent=True)
    elif summary and wrong:
        told = wrong.format(account=name, owner=summary.owner, origin=summary.origin_told)
        sentence = f"{name} {told}"
        yield Advice(sentence, summary.status != ConnectionStatus.FAILING)
    for hold in holds:
        if wrong and hold.reason == HoldReason.RECONNECT:
            continue  # the sentence about the connection says why
        note = f": {hold.note}" if hold.note else ""
        sentence = f"{name} is on hold ({hold.reason}{note}). {on_hold(hold, name)}"
        yield Advice(sentence, not hold.reason.is_harmless)


def in_trouble_first(summaries: Iterable[AccountSummary]) -> list[AccountSummary]:
    """Return the accounts with those first that an operator should look at."""
    return sorted(summaries, key=_urgency)


def _urgency(summary: AccountSummary) -> tuple[bool, bool]:
    found = list(for_account(summary.account.name, summary.holds, summary))
    return (not any(each.urgent for each in found), not found)
