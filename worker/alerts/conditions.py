"""Conditions: what alerts are about, in one table.

`CONDITIONS` at the end has every kind of alert. Each finds the active conditions of its kind in a
snapshot, as a pure function. To alert on something more, add a row.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.accounts.advice import USED_ELSEWHERE
from shared.domain.account import Hold, HoldReason
from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.connection_end import ConnectionEnd, EndCause
from shared.domain.durations import in_words, minute, times
from shared.domain.lasting_failures import LOGIN, what_helps
from shared.domain.phrases import clause, sentence, sign_ups_wait
from shared.domain.requests_today import is_counted_by_api
from shared.domain.stalls import has_stalled
from shared.infrastructure.logs import redact
from shared.ledger.spools import SpoolReport
from shared.ledger.stores.alert_candidates import REPLACEMENT_IS_NEWS
from worker.alerts.form_conditions import quarantining_forms, refusing_forms, spiking_forms
from worker.alerts.phrases import paragraphs, waiting
from worker.alerts.snapshot import AccountSnapshot, Snapshot, TokenState

# Workers say that they are alive every few seconds, beat every second.
SILENT_AFTER = timedelta(seconds=30)
# A day's quota may be spent in its last minutes, and nobody needs to know of that.
LONG_QUOTA_HOLD = timedelta(hours=1)
# The operator who paused an account knows it, but may have forgotten after a day.
LONG_PAUSE = timedelta(days=1)

Find = Callable[[Snapshot], Iterator[AlertCondition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionKind:
    """One kind of alert: `find` returns its active conditions.

    `several` and `several_over` are titles for several at once, after their number: that they
    began, that they ended. They are empty where there is never more than one.
    """

    find: Find
    several: str = ""
    several_over: str = ""


def active_conditions(snapshot: Snapshot) -> list[AlertCondition]:
    """Return every condition that was active in the snapshot."""
    return [active for kind in CONDITIONS.values() for active in kind.find(snapshot)]


# --- holds


_IF_IT_STAYS = "signup-relay tries again by itself. If the hold stays, "


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldAlert:
    """What to say of a hold. In the texts `{name}` is the account's name, `{title}` the one with
    its organization, `{connect}` how to connect it again, `{if_it_stays}` an introduction for holds
    that are probed, and `{others}` that another program may have used up the quota.

    `after`: the hold must have lasted so long, with sign-ups waiting. None: it alerts at once.
    """

    reason: HoldReason
    title: str
    several: str
    cause: str
    to_do: str
    after: timedelta | None = None

    @property
    def severity(self) -> Severity:
        return Severity.WARNING if self.reason.is_harmless else Severity.PROBLEM

    @property
    def kind(self) -> ConditionKind:
        over = f"accounts: the hold `{self.reason}` has ended"
        return ConditionKind(find=self._find, several=self.several, several_over=over)

    def _find(self, snapshot: Snapshot) -> Iterator[AlertCondition]:
        for view in snapshot.accounts:
            hold = view.hold(self.reason)
            if hold and self._alerts(view, snapshot.at - hold.since):
                yield self._condition(view, hold, snapshot)

    def _alerts(self, view: AccountSnapshot, lasted: timedelta) -> bool:
        if self.reason == HoldReason.RECONNECT and not view.connected:
            return False  # it was disconnected on purpose
        return self.after is None or (view.figures.due > 0 and lasted >= self.after)

    def _condition(self, view: AccountSnapshot, hold: Hold, snapshot: Snapshot) -> AlertCondition:
        words = {
            "name": view.name,
            "title": view.title,
            "connect": _connect_again(view, snapshot),
            "what_helps": what_helps(hold.note),
            "if_it_stays": _IF_IT_STAYS if hold.probe_at else "",
            "others": f". {clause(USED_ELSEWHERE)}" if is_counted_by_api(hold) else "",
        }
        return AlertCondition(
            key=f"{hold.reason}:{view.name}",
            account=view.name,
            severity=self.severity,
            title=self.title.format_map(words),
            body=paragraphs(
                f"{self.cause.format_map(words)}. Nothing has been delivered since"
                f" {minute(hold.since)}.{_reason(hold)}",
                f"No sign-up is lost. {waiting(view)}. New ones are accepted. All are delivered,"
                " oldest first, when the hold ends.",
                f"What to do: {self.to_do.format_map(words)}",
            ),
            over=f"{view.name}: the hold `{hold.reason}` has ended",
            since=hold.since,
        )


def _reason(hold: Hold) -> str:
    # A note may quote what Constant Contact answered, and an alert leaves this installation.
    note = redact(hold.note)
    return f" Reason: {sentence(note)}" if note else ""


def _connect_again(view: AccountSnapshot, snapshot: Snapshot) -> str:
    return (
        f"connect it again at {snapshot.public_url}/console/accounts/{view.name}"
        f" or with: relay connect {view.name}"
    )


HOLD_ALERTS = (
    HoldAlert(
        reason=HoldReason.RECONNECT,
        title="{name} is on hold: its connection to Constant Contact does not work",
        several="accounts are on hold: their connections to Constant Contact do not work",
        cause="{title} has no working tokens",
        to_do="{if_it_stays}{connect}",
    ),
    HoldAlert(
        reason=HoldReason.FORBIDDEN,
        title="{name} is on hold: its login may not write contacts",
        several="accounts are on hold: their logins may not write contacts",
        cause="The login that connected {title} lacks a permission",
        to_do="with an Account Owner's or Manager's login, {connect}",
    ),
    HoldAlert(
        reason=HoldReason.OUTAGE,
        title="{name} is on hold: its sign-ups could not be sent",
        several="accounts are on hold: their sign-ups could not be sent",
        cause="Several sign-ups of {title} in a row could not be sent",
        to_do=_IF_IT_STAYS + "{what_helps}.",
    ),
    HoldAlert(
        reason=HoldReason.QUOTA,
        title="{name} is on hold: today's requests to Constant Contact are used up",
        several="accounts are on hold: today's requests to Constant Contact are used up",
        cause="The API key of {title} has no requests left today{others}",
        to_do="nothing at first: deliveries go on after 00:00 UTC. If this happens often, ask"
        " Constant Contact for more requests a day, and then raise CTCT_REQUESTS_PER_DAY.",
        after=LONG_QUOTA_HOLD,
    ),
    HoldAlert(
        reason=HoldReason.PAUSED,
        title="{name} is still paused",
        several="accounts are still paused",
        cause="An operator paused {title}",
        to_do="if the pause is no longer needed, end it with: relay release {name}",
        after=LONG_PAUSE,
    ),
)


# --- accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class EndingText:
    """What to say of a connection that ends. In the texts `{title}` is the account's name with its
    organization, `{name}` the name, `{until}` the end and `{connect}` how to connect it again."""

    title: str
    cause: str
    to_do: str


ENDING_TEXTS = {
    EndCause.REFUSED: EndingText(
        title="{name}: its connection works until {until}, reconnect before",
        cause="Constant Contact refuses the refresh token of {title}. Its access token still works,"
        " until {until}",
        to_do="before that, {connect}",
    ),
    EndCause.CLIENT: EndingText(
        title="{name}: its connection works until {until}, as its secret is refused",
        cause="Constant Contact does not accept the secret of the API key of {title}, so nothing"
        " refreshes its tokens. The last access token works until {until}",
        to_do="copy the secret again from the developer portal, into CTCT_CLIENT_SECRET or, for an"
        " application of the account's own, into the console when you connect it again",
    ),
    EndCause.UNUSED: EndingText(
        title="{name}: its connection ends on {until}, as nothing refreshes it",
        cause="The refresh token of {title} was not used for months. Constant Contact ends it after"
        " 180 days without use, on {until}",
        to_do="start beat and a worker, which use the token. If that fails, {connect}",
    ),
}


def ending_connections(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts whose connection works now, and will end."""
    for view in snapshot.accounts:
        end = view.tokens.end if view.tokens else None
        if end and view.connected and not view.hold(HoldReason.RECONNECT):
            yield _ending(view, end, snapshot)


def _ending(view: AccountSnapshot, end: ConnectionEnd, snapshot: Snapshot) -> AlertCondition:
    text = ENDING_TEXTS[end.cause]
    words = {
        "name": view.name,
        "title": view.title,
        "until": minute(end.at),
        "connect": _connect_again(view, snapshot),
    }
    return AlertCondition(
        key=f"ending:{view.name}",
        account=view.name,
        severity=Severity.WARNING,
        title=text.title.format_map(words),
        body=paragraphs(
            f"{text.cause.format_map(words)}.",
            f"No sign-up is lost. {waiting(view)}. Sign-ups are delivered until the end, and wait"
            " afterwards until somebody connects the account again.",
            f"What to do: {text.to_do.format_map(words)}",
        ),
        over=f"{view.name}: the warning that its connection ends is over",
    )


def failing_refreshes(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts whose tokens are past half of their life, as refreshing them fails."""
    for view in snapshot.accounts:
        tokens = view.tokens
        if tokens and tokens.failures and tokens.left < tokens.life / 2 and not tokens.end:
            yield AlertCondition(
                key=f"tokens:{view.name}",
                account=view.name,
                severity=Severity.WARNING,
                title=f"{view.name}: its access token cannot be refreshed",
                body=paragraphs(
                    f"Refreshing the access token of {view.title} has failed"
                    f" {times(tokens.failures)} in a row. {_how_long_it_works(view, tokens)}",
                    f"No sign-up is lost. {waiting(view)}. signup-relay tries to refresh the"
                    " token again by itself.",
                    f"What to do: {what_helps(tokens.failure or '', LOGIN)}. If that is not it,"
                    f" {_connect_again(view, snapshot)}",
                ),
                over=f"{view.name}: the problem with its access token is over",
            )


def replaced_accounts(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Names that have passed to another account at Constant Contact in the last day."""
    for view in snapshot.accounts:
        replacement = view.tokens.replacement if view.tokens else None
        if replacement and replacement.at and snapshot.at - replacement.at < REPLACEMENT_IS_NEWS:
            since = minute(replacement.at)
            yield AlertCondition(
                key=f"replaced:{view.name}@{replacement.at.timestamp():.0f}",
                account=view.name,
                severity=Severity.WARNING,
                title=f"{view.name} is another account since {since}, by {replacement.by}",
                body=paragraphs(
                    f"{view.name} was {replacement.before}, and is"
                    f" {view.account.organization or 'an account without a name'} now. Its sign-ups"
                    " go there.",
                    "No sign-up is lost. Those that a form sends to a list of the account before"
                    " fail until the form names lists of the new one.",
                    "What to do: nothing, if this was meant. If not, pause deliveries with:"
                    f" relay hold {view.name} --reason TEXT. Then"
                    f" {_connect_again(view, snapshot)}, with a login of the right account.",
                ),
                over=f"{view.name}: another account took this name more than a day ago",
                since=replacement.at,
            )


def _how_long_it_works(view: AccountSnapshot, tokens: TokenState) -> str:
    if view.hold(HoldReason.RECONNECT) or tokens.left <= timedelta(0):
        return "Until a refresh succeeds, nothing can be delivered."
    return f"It still works until {minute(tokens.expires_at)}, for {in_words(tokens.left)} more."


def stalled_accounts(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Accounts that have had something due for an hour and delivered nothing in it."""
    for view in snapshot.accounts:
        oldest, holds = view.figures.oldest_due, view.figures.holds
        if (
            view.connected
            and oldest is not None
            and has_stalled(oldest, view.last_delivery, holds, snapshot.at)
        ):
            yield AlertCondition(
                key=f"stalled:{view.name}",
                account=view.name,
                severity=Severity.PROBLEM,
                title=f"{view.name}: nothing has been delivered for an hour, although sign-ups"
                " wait",
                body=paragraphs(
                    f"{waiting(view)} for {view.title}, the oldest for {in_words(oldest)}."
                    f" {_last_delivery(view)}",
                    "No sign-up is lost. signup-relay goes on trying, and new ones are accepted.",
                    f"What to do: see what is wrong at {snapshot.public_url}/console/doctor"
                    f"?account={view.name} or with: relay doctor {view.name}",
                ),
                over=f"{view.name}: deliveries have resumed",
            )


def _last_delivery(view: AccountSnapshot) -> str:
    if view.last_delivery is None:
        return "No delivery is on record."
    return f"The last delivery was on {minute(view.last_delivery)}."


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
                title=f"{view.name}: no sign-up has arrived for {in_words(silence)}",
                body=paragraphs(
                    f"In the days before, {view.title} was never without a sign-up for longer"
                    f" than {in_words(baseline.longest)}.",
                    "Either nobody signed up, or the form no longer reaches us.",
                    "What to do: sign up with the form on the website yourself. If your sign-up"
                    " does not arrive, check that the form still posts to"
                    f" {snapshot.public_url}/f/ and its name.",
                ),
                over=f"{view.name}: sign-ups arrive again",
                since=baseline.last_at,
            )


# --- the installation


def silent_workers(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """No worker is alive."""
    if _silent(snapshot.workers):
        due = sum(view.figures.due for view in snapshot.accounts)
        yield AlertCondition(
            key="workers",
            severity=Severity.PROBLEM,
            title="No worker is alive, so nothing is delivered",
            body=paragraphs(
                f"{_last_seen('worker', snapshot.workers)} {sign_ups_wait(due)}.",
                "No sign-up is lost. New ones are accepted. All are delivered, oldest first, when"
                " a worker runs again.",
                "What to do: find out why it ended, and start one with: relay worker",
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
                f"{_last_seen('beat', snapshot.beats)} Workers deliver without it."
                " No sign-up is lost.",
                "What to do: find out why it ended, and start one with: relay beat",
            ),
            over="A beat is alive again",
            since=_since(snapshot, snapshot.beats),
        )


def _silent(seen: timedelta | None) -> bool:
    return seen is None or seen > SILENT_AFTER


def _last_seen(process: str, seen: timedelta | None) -> str:
    if seen is None:
        return f"No {process} has been seen for an hour or more."
    return f"The last {process} was seen {in_words(seen)} ago."


def _since(snapshot: Snapshot, seen: timedelta | None) -> datetime | None:
    return None if seen is None else snapshot.at - seen


def used_spools(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Web hosts that keep sign-ups on their own disk."""
    for spool in snapshot.spools:
        if spool.figures.count:
            wait = sign_ups_wait(spool.figures.count)
            yield AlertCondition(
                key=f"spool:{spool.id}",
                severity=Severity.WARNING,
                title=f"{spool.host}: {wait} on its own disk",
                body=paragraphs(
                    f"Web on {spool.host} kept sign-ups on its disk while it could not hand them"
                    f" to Redis. {wait} there{_oldest(spool)}.{_refused(spool)} It last reported"
                    f" this {in_words(spool.seen)} ago.",
                    "No sign-up is lost while that disk exists. Web hands them over by itself.",
                    f"What to do: check that web runs on {spool.host} and reaches Redis. Its log"
                    " says why it cannot hand them over.",
                ),
                over=f"{spool.host}: no sign-up waits on its own disk any more",
            )


def _oldest(spool: SpoolReport) -> str:
    oldest = spool.figures.oldest
    return "" if oldest is None else f", the oldest for {in_words(oldest)}"


def _refused(spool: SpoolReport) -> str:
    refused = spool.figures.refused
    return f" Of these, {refused:,} could not be handed over yet." if refused else ""


def full_server(snapshot: Snapshot) -> Iterator[AlertCondition]:
    """Redis is nearly full, or will be soon."""
    memory = snapshot.memory
    if memory and memory.warning and memory.is_urgent:
        yield AlertCondition(
            key="memory",
            severity=Severity.PROBLEM,
            title=clause(memory.warning),
            body=paragraphs(
                memory.found,
                "No sign-up is lost. When Redis is full, web keeps new ones on its own disk while"
                " there is room, and nothing is delivered.",
                f"What to do: {memory.to_do}",
            ),
            over="Redis is no longer about to be full",
        )


# --- the table, in the order in which messages go out


CONDITIONS: dict[str, ConditionKind] = {
    "workers": ConditionKind(find=silent_workers),
    "beat": ConditionKind(find=silent_beats),
    "memory": ConditionKind(find=full_server),
    **{alert.reason.value: alert.kind for alert in HOLD_ALERTS},
    "ending": ConditionKind(
        find=ending_connections,
        several="accounts: their connections end, reconnect them before",
        several_over="accounts: the warning that their connections end is over",
    ),
    "tokens": ConditionKind(
        find=failing_refreshes,
        several="accounts: their access tokens cannot be refreshed",
        several_over="accounts: the problem with their access tokens is over",
    ),
    "replaced": ConditionKind(
        find=replaced_accounts,
        several="names of accounts have passed to other accounts",
        several_over="names passed to other accounts more than a day ago",
    ),
    "stalled": ConditionKind(
        find=stalled_accounts,
        several="accounts: nothing has been delivered for an hour, although sign-ups wait",
        several_over="accounts: deliveries have resumed",
    ),
    "silence": ConditionKind(
        find=unusual_silence,
        several="accounts: no sign-up has arrived for much longer than usual",
        several_over="accounts: sign-ups arrive again",
    ),
    "refusals": ConditionKind(
        find=refusing_forms,
        several="forms refuse sign-ups",
        several_over="forms no longer refuse sign-ups",
    ),
    "spike": ConditionKind(
        find=spiking_forms,
        several="forms have far more sign-ups than usual",
        several_over="forms: sign-ups come at a usual rate again",
    ),
    "quarantine": ConditionKind(
        find=quarantining_forms,
        several="forms: most of their sign-ups go to quarantine",
        several_over="forms: most sign-ups are no longer quarantined",
    ),
    "spool": ConditionKind(
        find=used_spools,
        several="web hosts keep sign-ups on their own disks",
        several_over="web hosts: no sign-up waits on their own disks any more",
    ),
}
