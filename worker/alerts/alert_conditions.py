"""Conditions: what a look saw, and which troubles are in it.

A condition is a pure function from a snapshot to the troubles in it. To watch for something
more, write one more and add it to `CONDITIONS`, and what is said of several at once to `SEVERAL`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from shared.domain.account import Account, Hold, HoldReason
from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.durations import in_words
from shared.infrastructure.logs import redact
from shared.ledger.signup_baseline import SignupBaseline
from shared.ledger.spools import SpoolReport
from shared.ledger.token_store import StoredTokens
from shared.ledger.values import Figures

# Workers say that they are alive every few seconds, beat every second.
SILENT_AFTER = timedelta(seconds=30)
STALLED_AFTER = timedelta(hours=1)
# A day's quota may be spent in its last minutes, and nobody need know of that.
LONG_QUOTA_HOLD = timedelta(hours=1)
# An operator knows of the own pause, and may forget it.
LONG_PAUSE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenState:
    """How an account's tokens are. `failures` counts the refreshes that failed in a row."""

    expires_at: datetime
    life: timedelta
    left: timedelta
    failures: int

    @classmethod
    def of(cls, stored: StoredTokens) -> "TokenState":
        return cls(
            expires_at=stored.expires_at,
            life=stored.life,
            left=stored.left,
            failures=stored.failures,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as a look found it; `tokens` is None when it has none, `last_delivery` when none
    is on record."""

    account: Account
    figures: Figures
    tokens: TokenState | None
    last_delivery: datetime | None
    baseline: SignupBaseline

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def title(self) -> str:
        organization = self.account.organization
        return f"{self.name} ({organization})" if organization else self.name

    @property
    def connected(self) -> bool:
        return not self.account.disconnected_at

    def hold(self, reason: HoldReason) -> Hold | None:
        return next((hold for hold in self.figures.holds if hold.reason == reason), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one look saw; `at` is when it began, by Redis' clock.

    `workers` and `beats` tell how long ago the latest of each was seen; None is an hour or more.
    """

    at: datetime
    public_url: str
    accounts: tuple[AccountView, ...]
    workers: timedelta | None
    beats: timedelta | None
    spools: tuple[SpoolReport, ...] = ()

    def account(self, name: str | None) -> AccountView | None:
        return next((view for view in self.accounts if view.name == name), None)


Condition = Callable[[Snapshot], Iterator[AlertCondition]]


def reconnect_holds(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts whose tokens are refused, or cannot be had; not those that were disconnected."""
    for view, hold in _held(snapshot, HoldReason.RECONNECT):
        if view.connected:
            yield _hold_condition(
                view,
                hold,
                title=f"{view.name} is on hold: its connection to Constant Contact does not work",
                cause=f"{view.title} has no working tokens",
                to_do=_connect_if_it_stays(hold) + _connect_again(view, snapshot),
            )


def forbidden_holds(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts that were connected by a login that may not write contacts."""
    for view, hold in _held(snapshot, HoldReason.FORBIDDEN):
        yield _hold_condition(
            view,
            hold,
            title=f"{view.name} is on hold: its login may not write contacts",
            cause=f"The login that connected {view.title} lacks a permission",
            to_do="With an Account Owner's or Manager's login, " + _connect_again(view, snapshot),
        )


def outage_holds(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts for which Constant Contact fails, whatever it is sent."""
    for view, hold in _held(snapshot, HoldReason.OUTAGE):
        yield _hold_condition(
            view,
            hold,
            title=f"{view.name} is on hold: Constant Contact fails for everything it is sent",
            cause=f"Constant Contact failed for one sign-up of {view.title} after the other",
            to_do="it is tried again by itself; should it stay so, look whether this server"
            " reaches Constant Contact, and whether others have the same trouble with it.",
        )


def long_quota_holds(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts with sign-ups that wait for the next day's calls, and have for long."""
    for view, hold in _held(snapshot, HoldReason.QUOTA):
        if view.figures.due and snapshot.at - hold.since >= LONG_QUOTA_HOLD:
            yield _hold_condition(
                view,
                hold,
                severity=Severity.WARNING,
                title=f"{view.name} is on hold: the day's calls to Constant Contact are spent",
                cause=f"The API key of {view.title} has no calls left for this day",
                to_do="it goes on by itself after 00:00 UTC. Should this come often, ask Constant"
                " Contact for more calls a day, and raise CTCT_REQUESTS_PER_DAY then.",
            )


def forgotten_pauses(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts with sign-ups that wait since an operator said so, and have for long."""
    for view, hold in _held(snapshot, HoldReason.PAUSED):
        if view.figures.due and snapshot.at - hold.since >= LONG_PAUSE:
            yield _hold_condition(
                view,
                hold,
                severity=Severity.WARNING,
                title=f"{view.name} is still paused",
                cause=f"An operator paused {view.title}",
                to_do=f"if that is no longer wanted: relay release {view.name}",
            )


def failing_refreshes(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts whose tokens are past half of their life, as refreshing them fails."""
    for view in snapshot.accounts:
        tokens = view.tokens
        if tokens and tokens.failures and tokens.left < tokens.life / 2:
            yield AlertCondition(
                key=f"tokens:{view.name}",
                account=view.name,
                severity=Severity.WARNING,
                title=f"{view.name}: its access token cannot be refreshed",
                body=paragraphs(
                    f"Refreshing the access token of {view.title} has failed"
                    f" {_times(tokens.failures)} in a row. {_how_long_it_works(view, tokens)}",
                    f"Nothing is lost: {waiting(view)}, and refreshing is tried again by itself.",
                    "What to do: look whether this server reaches Constant Contact. If it does,"
                    f" {_connect_again(view, snapshot)}",
                ),
                over=f"{view.name}: the trouble with its access token is over",
            )


def stalled_accounts(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts that have had something due for an hour and delivered nothing in it.

    Time on hold does not count; but a hold that begins later ends nothing.
    """
    for view in snapshot.accounts:
        oldest, last = view.figures.oldest_due, view.last_delivery
        if not view.connected or oldest is None:
            continue
        since = max(snapshot.at - oldest, last or datetime.min.replace(tzinfo=UTC))
        if min((snapshot.at, *(hold.since for hold in view.figures.holds))) - since < STALLED_AFTER:
            continue
        delivered = f"was on {time(last)}" if last else "is not on record"
        yield AlertCondition(
            key=f"stalled:{view.name}",
            account=view.name,
            severity=Severity.PROBLEM,
            title=f"{view.name}: nothing has been delivered for an hour, although there is work",
            body=paragraphs(
                f"{_capital(waiting(view))} for {view.title}, the oldest for {in_words(oldest)}."
                f" The last delivery {delivered}.",
                "Nothing is lost: what waits is tried again and again, and new ones are accepted.",
                f"What to do: see what is wrong at {snapshot.public_url}/console/doctor"
                f"?account={view.name} or with: relay doctor {view.name}",
            ),
            over=f"{view.name}: it is over that nothing was delivered",
        )


def unusual_silence(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts that have had no sign-up for much longer than is usual for them."""
    for view in snapshot.accounts:
        baseline = view.baseline
        silence = snapshot.at - baseline.last_at
        if view.connected and baseline.unusual is not None and silence >= baseline.unusual:
            yield AlertCondition(
                key=f"silence:{view.name}",
                account=view.name,
                severity=Severity.WARNING,
                title=f"{view.name}: no sign-up has come for {in_words(silence)}",
                body=paragraphs(
                    f"In the days before, {view.title} was never without a sign-up for longer"
                    f" than {in_words(baseline.longest)}.",
                    "What to do: sign up with the form on the website yourself. If that does not"
                    " arrive, see whether the form still posts to"
                    f" {snapshot.public_url}/f/ and its name.",
                ),
                over=f"{view.name}: sign-ups come again",
                since=baseline.last_at,
            )


def silent_workers(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """No worker is alive."""
    if _silent(snapshot.workers):
        due = sum(view.figures.due for view in snapshot.accounts)
        yield AlertCondition(
            key="workers",
            severity=Severity.PROBLEM,
            title="No worker is alive, so nothing is delivered",
            body=paragraphs(
                f"{_last_seen('worker', snapshot.workers)} {_capital(_sign_ups_wait(due))}.",
                "Nothing is lost: new sign-ups are accepted, and all are delivered, oldest first,"
                " when a worker runs again.",
                "What to do: see why it ended, and start one with: relay worker",
            ),
            over="A worker is alive again",
            since=_since(snapshot, snapshot.workers),
        )


def silent_beats(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """No beat is alive."""
    if _silent(snapshot.beats):
        yield AlertCondition(
            key="beat",
            severity=Severity.WARNING,
            title="No beat is alive, so quiet accounts' tokens are not refreshed",
            body=paragraphs(
                f"{_last_seen('beat', snapshot.beats)} Workers deliver without it.",
                "What to do: see why it ended, and start one with: relay beat",
            ),
            over="A beat is alive again",
            since=_since(snapshot, snapshot.beats),
        )


def used_spools(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Web hosts that keep sign-ups on their own disk."""
    for spool in snapshot.spools:
        if not spool.figures.count:
            continue
        wait = _sign_ups_wait(spool.figures.count)
        oldest = spool.figures.oldest
        age = f", the oldest for {in_words(oldest)}" if oldest is not None else ""
        yield AlertCondition(
            key=f"spool:{spool.id}",
            severity=Severity.WARNING,
            title=f"{spool.host}: {wait} on its own disk",
            body=paragraphs(
                f"Web on {spool.host} took sign-ups while it could not hand them to Redis:"
                f" {wait} there{age}.{_refused(spool)} It last told so"
                f" {in_words(spool.seen)} ago.",
                "Nothing is lost while that disk is there: they are handed over by themselves.",
                f"What to do: see that web runs on {spool.host} and reaches Redis; its log says"
                " what keeps it from handing them over.",
            ),
            over=f"{spool.host}: no sign-up waits on its own disk any more",
        )


CONDITIONS: tuple[Condition, ...] = (
    silent_workers,
    silent_beats,
    reconnect_holds,
    forbidden_holds,
    outage_holds,
    long_quota_holds,
    forgotten_pauses,
    failing_refreshes,
    stalled_accounts,
    unusual_silence,
    used_spools,
)

# What is said of several troubles of one kind at once, behind their number: that they began, and
# that they ended.
SEVERAL = {
    "reconnect": (
        "accounts are on hold: their connections to Constant Contact do not work",
        "accounts: the hold `reconnect` has ended",
    ),
    "forbidden": (
        "accounts are on hold: their logins may not write contacts",
        "accounts: the hold `forbidden` has ended",
    ),
    "outage": (
        "accounts are on hold: Constant Contact fails for everything it is sent",
        "accounts: the hold `outage` has ended",
    ),
    "quota": (
        "accounts are on hold: the day's calls to Constant Contact are spent",
        "accounts: the hold `quota` has ended",
    ),
    "paused": ("accounts are still paused", "accounts: the hold `paused` has ended"),
    "tokens": (
        "accounts: their access tokens cannot be refreshed",
        "accounts: the trouble with their access tokens is over",
    ),
    "stalled": (
        "accounts: nothing has been delivered for an hour, although there is work",
        "accounts: it is over that nothing was delivered",
    ),
    "silence": (
        "accounts: no sign-up has come for much longer than usual",
        "accounts: sign-ups come again",
    ),
    "spool": (
        "web hosts keep sign-ups on their own disks",
        "web hosts: no sign-up waits on their own disks any more",
    ),
}


def active_conditions(snapshot: Snapshot) -> list[AlertCondition]:
    """Return every trouble that stood in the snapshot."""
    return [active for condition in CONDITIONS for active in condition(snapshot)]


def _held(snapshot: Snapshot, reason: HoldReason) -> Iterator[tuple[AccountView, Hold]]:
    for view in snapshot.accounts:
        if hold := view.hold(reason):
            yield view, hold


def _hold_condition(
    view: AccountView,
    hold: Hold,
    *,
    title: str,
    cause: str,
    to_do: str,
    severity: Severity = Severity.PROBLEM,
) -> AlertCondition:
    # A note may quote what Constant Contact answered, and an alert leaves the house.
    note = redact(hold.note).rstrip(".")
    reason = f" Reason: {note}." if note else ""
    return AlertCondition(
        key=f"{hold.reason}:{view.name}",
        account=view.name,
        severity=severity,
        title=title,
        body=paragraphs(
            f"{cause}, so nothing is delivered since {time(hold.since)}.{reason}",
            f"Nothing is lost: {waiting(view)}, new ones are accepted, and all are delivered,"
            " oldest first, when the hold ends.",
            f"What to do: {to_do}",
        ),
        over=f"{view.name}: the hold `{hold.reason}` has ended",
        since=hold.since,
    )


def _connect_if_it_stays(hold: Hold) -> str:
    """Return what is said before the advice to connect, where nobody may need to."""
    return "it is tried again by itself; should it stay so, " if hold.probe_at else ""


def _connect_again(view: AccountView, snapshot: Snapshot) -> str:
    return (
        f"connect it again at {snapshot.public_url}/console/accounts/{view.name}"
        f" or with: relay connect {view.name}"
    )


def _how_long_it_works(view: AccountView, tokens: TokenState) -> str:
    if view.hold(HoldReason.RECONNECT) or tokens.left <= timedelta(0):
        return "Until that succeeds, nothing can be delivered."
    return f"It still works until {time(tokens.expires_at)}, for {in_words(tokens.left)} more."


def _silent(seen: timedelta | None) -> bool:
    return seen is None or seen > SILENT_AFTER


def _last_seen(process: str, seen: timedelta | None) -> str:
    if seen is None:
        return f"No {process} has been seen for an hour or more."
    return f"The last {process} was seen {in_words(seen)} ago."


def _since(snapshot: Snapshot, seen: timedelta | None) -> datetime | None:
    return None if seen is None else snapshot.at - seen


def _refused(spool: SpoolReport) -> str:
    refused = spool.figures.refused
    return f" Of these, {refused:,} could not be handed over and stay." if refused else ""


def waiting(view: AccountView) -> str:
    return _sign_ups_wait(view.figures.due)


def _sign_ups_wait(count: int) -> str:
    return {0: "no sign-up waits", 1: "1 sign-up waits"}.get(count, f"{count:,} sign-ups wait")


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def paragraphs(*texts: str) -> str:
    return "\n\n".join(texts)
