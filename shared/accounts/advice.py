"""Advice: what to do about a hold, or about a connection that does not work."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.accounts.problems import explain_secret
from shared.domain.account import Hold, HoldReason
from shared.domain.connection_end import EndCause
from shared.domain.durations import minute, short_minute
from shared.domain.lasting_failures import what_helps
from shared.domain.phrases import clause, shortened, sign_ups_wait
from shared.domain.requests_today import is_counted_by_api
from shared.ledger.limits import FAILURES_IN_A_ROW


@dataclass(frozen=True, slots=True)
class Means:
    """How the reader does what the advice says. Each may be the end of a sentence, which `stop`
    ends: a command has no full stop, so that it can be copied."""

    reconnect: str
    release: str
    take_over: str
    remove: str
    stop: str = ""

    def told(self, text: str, account: str, **facts: str | None) -> str:
        """Return the text with these in it."""
        how = {what: way.format(account=account) for what, way in asdict(self).items()}
        told = text.format(account=account, **how, **facts)
        return told if told.endswith(".") else f"{told}{self.stop}"


COMMANDS = Means(
    reconnect="run: relay connect {account}",
    release="run: relay release {account}",
    take_over="run: relay accounts take-over {account}",
    remove="run: relay accounts remove {account}",
)
# Those of the account's page in the console.
BUTTONS = Means(
    reconnect="press Reconnect",
    release="press Release",
    take_over="an admin presses Take over",
    remove="an admin presses Remove",
    stop=".",
)

# Of who may only look.
ASK_AN_OPERATOR = Means(
    reconnect="ask an operator to reconnect it",
    release="ask an operator to release it",
    take_over="ask an admin to take it over",
    remove="ask an admin to remove it",
    stop=".",
)

_ON_HOLD = {
    HoldReason.RECONNECT: "{if_it_stays}{reconnect}",
    HoldReason.FORBIDDEN: "To reconnect it as an Account Owner or Manager, {reconnect}",
    HoldReason.PAUSED: "To end the pause, {release}",
    HoldReason.OUTAGE: (
        "Deliveries resume by themselves when Constant Contact takes sign-ups again. If the hold"
        " stays, {what_helps}."
    ),
    HoldReason.QUOTA: "You need not do anything: deliveries resume at 00:00 UTC.",
}

_WHY = {
    HoldReason.RECONNECT: "No working token is available, so nothing can be sent.",
    HoldReason.FORBIDDEN: "The login that connected it may not write contacts.",
    HoldReason.PAUSED: "An operator paused it.",
    HoldReason.OUTAGE: "Several sign-ups in a row could not be sent.",
    HoldReason.QUOTA: "The API key has no requests left today.",
}

_NOT_WELL = {
    ConnectionStatus.DISCONNECTED: (
        "is disconnected. Its sign-ups are accepted and wait. To reconnect it, {reconnect}"
    ),
    ConnectionStatus.UNUSABLE: (
        "cannot be used: its tokens are gone, or the secret of its API key is no longer known. Its"
        " sign-ups are accepted and wait. If CTCT_CLIENT_ID was changed, put the old value back."
        " Otherwise {reconnect}"
    ),
    ConnectionStatus.REVOKED: (
        "needs a new login: Constant Contact refuses its refresh token. Its sign-ups are"
        " accepted and wait. To reconnect it, {reconnect}"
    ),
    ConnectionStatus.ELSEWHERE: (
        "was connected at {origin}, and CTCT_API_URL and CTCT_AUTH_URL name other addresses now."
        " Its tokens are sent to no other server, so its sign-ups are accepted and wait. Put the"
        " former addresses back. If Constant Contact has moved, run: relay accounts move-tokens"
        " {account}. To connect it at the new addresses, {reconnect}. If it was for trying out,"
        " {remove}"
    ),
    ConnectionStatus.FOREIGN: (
        "is kept connected by another installation ({owner}), so this one does not refresh its"
        " tokens. If this installation is a copy, connect another account. If it has replaced the"
        " other, {take_over}"
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
        " Reconnect it before: {reconnect}"
    ),
    EndCause.CLIENT: (
        "works until {until}. Constant Contact does not accept the secret of its API key, so"
        " nothing refreshes its tokens. Its sign-ups are delivered until then, and wait afterwards."
        " {secret}"
    ),
    EndCause.UNUSED: (
        "loses its connection on {until}: Constant Contact ends a refresh token that was not used"
        " for 180 days. Its sign-ups are accepted. Start beat and a worker, which use the token. If"
        " that fails, reconnect it: {reconnect}"
    ),
}

# The same in a few words, which follow the account's name. `{at}` and `{since}` are empty where
# nobody knows since when, `{cause}` where nobody knows what Constant Contact answered.
_BRIEFLY_NOT_WELL = {
    ConnectionStatus.DISCONNECTED: "is disconnected",
    ConnectionStatus.UNUSABLE: "cannot be used: its tokens or its secret are gone",
    ConnectionStatus.REVOKED: "must be reconnected: revoked{at}",
    ConnectionStatus.ELSEWHERE: "was connected at another API address",
    ConnectionStatus.FOREIGN: "is kept connected by another installation",
    ConnectionStatus.FAILING: "could not refresh its tokens, and tries again by itself",
}
_BRIEFLY_ON_HOLD = {
    HoldReason.RECONNECT: "is on hold{since}: it has no working token",
    HoldReason.FORBIDDEN: "is on hold{since}: its login may not write contacts",
    HoldReason.PAUSED: "was paused{at}",
    HoldReason.OUTAGE: (
        f"is on hold{{since}}: its sign-ups could not be sent{{cause}}, {FAILURES_IN_A_ROW} or more"
        " in a row"
    ),
    HoldReason.QUOTA: "is on hold until 00:00 UTC: today's requests are used up",
}

USED_ELSEWHERE = (
    "Constant Contact counts more requests than signup-relay. If it counts far more, another"
    " program uses the same API key: give that one an application of its own."
)


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence about one thing that is wrong. `urgent`: an operator should look now. `waits`:
    sign-ups wait because of it. `by_itself`: it ends without anybody."""

    sentence: str
    urgent: bool
    brief: str
    since: datetime | None = None
    waits: bool = True
    by_itself: bool = False
    cause: str = ""

    def briefly(self, now: datetime) -> str:
        """Return the same in a few words, which follow the account's name."""
        at = short_minute(self.since, now) if self.since else None
        return self.brief.format(
            at=f" at {at}" if at else "",
            since=f" since {at}" if at else "",
            cause=f": {shortened(clause(self.cause))}" if self.cause else "",
        )


def on_hold(hold: Hold, account: str, means: Means = COMMANDS) -> str:
    """Return what ends the hold, in sentences."""
    if_it_stays = "If the hold does not end by itself, " if hold.probe_at else "To end it, "
    facts = {"if_it_stays": if_it_stays, "what_helps": what_helps(hold.note)}
    what = means.told(_ON_HOLD[hold.reason], account, **facts)
    return f"{what} {USED_ELSEWHERE}" if is_counted_by_api(hold) else what


def why(hold: Hold) -> str:
    """Return why deliveries wait, in a sentence."""
    return _WHY[hold.reason]


def release_may_help(holds: Iterable[Hold], status: ConnectionStatus) -> bool:
    """Return whether releasing the account can end one of its holds: not that of a day's quota, nor
    one that needs a new login."""
    connected = status in (ConnectionStatus.CONNECTED, ConnectionStatus.FAILING)
    may = {HoldReason.PAUSED, HoldReason.OUTAGE, HoldReason.FORBIDDEN}
    return any(
        each.reason in may | ({HoldReason.RECONNECT} if connected else set()) for each in holds
    )


def on_release(holds: Sequence[Hold], due: int) -> str:
    """Return what releasing the account will do, in sentences; `due` sign-ups wait."""
    paused = any(hold.reason == HoldReason.PAUSED for hold in holds)
    others = [str(hold.reason) for hold in holds if hold.reason != HoldReason.PAUSED]
    if not others:
        return f"Releasing ends the pause. {sign_ups_wait(due)}, and all are sent, oldest first."
    ends = "Releasing ends the pause, and sends" if paused else "Releasing sends"
    return (
        f"{ends} one sign-up now, to see whether the cause of {' and '.join(others)} is gone. If it"
        " is, all others follow. If not, the hold stays."
    )


def for_account(
    name: str, holds: Sequence[Hold], summary: AccountSummary | None, means: Means = COMMANDS
) -> Iterator[Advice]:
    """Yield what is wrong with the account, with what to do about each thing."""
    wrong = summary and _NOT_WELL.get(summary.status)
    if summary and summary.end:
        until = minute(summary.end.at)
        secret = explain_secret(own_key=summary.own_key)
        will_end = means.told(_WILL_END[summary.end.cause], name, until=until, secret=secret)
        brief = f"works until {until}: reconnect it before"
        yield Advice(f"{name} {will_end}", urgent=True, brief=brief, waits=False)
    elif summary and wrong:
        told = means.told(wrong, name, owner=summary.owner, origin=summary.origin_told)
        failing = summary.status == ConnectionStatus.FAILING
        yield Advice(
            f"{name} {told}",
            urgent=not failing,
            brief=_BRIEFLY_NOT_WELL[summary.status],
            since=_since(holds, HoldReason.RECONNECT),
            waits=not failing,
        )
    for hold in holds:
        if wrong and hold.reason == HoldReason.RECONNECT:
            continue  # the sentence about the connection says why
        note = f": {hold.note}" if hold.note else ""
        sentence = f"{name} is on hold ({hold.reason}{note}). {on_hold(hold, name, means)}"
        yield Advice(
            sentence,
            urgent=not hold.reason.is_harmless,
            brief=_BRIEFLY_ON_HOLD[hold.reason],
            since=hold.since,
            by_itself=hold.reason.ends_by_itself,
            cause=hold.note,
        )


def _since(holds: Sequence[Hold], reason: HoldReason) -> datetime | None:
    return next((each.since for each in holds if each.reason == reason), None)


def in_trouble_first(summaries: Iterable[AccountSummary]) -> list[AccountSummary]:
    """Return the accounts with those first that need an operator, then those with any trouble."""
    return sorted(summaries, key=_urgency)


def _urgency(summary: AccountSummary) -> tuple[bool, bool, bool]:
    found = list(for_account(summary.account.name, summary.holds, summary))
    urgent = [each for each in found if each.urgent]
    return all(each.by_itself for each in urgent), not urgent, not found
