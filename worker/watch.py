"""Watch: looks for troubles, and has the alert services told when one begins, stands and ends.

A condition is a pure function from what a look saw to the troubles in it. To watch for
something more, write one more and add it to `CONDITIONS`; all else follows: nobody is told of
what passes within a minute, a trouble that stands is told of again once a day, and its end is
told of once. shared/ledger/alerts.py keeps count, so that any number of workers tell it once.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis

from shared.alerts import Kind, Service
from shared.domain.account import Account, Hold, HoldReason
from shared.domain.durations import in_words
from shared.domain.trouble import Severity, Trouble
from shared.ledger.alerts import AlertLedger, Telling, redis_time
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.ledger.tokens import StoredTokens, TokenLedger
from shared.ledger.values import Figures
from shared.logs import redact

log = logging.getLogger(__name__)

WATCH_EVERY = timedelta(seconds=20)


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
    """An account as a look found it; `tokens` is None when it has none."""

    account: Account
    figures: Figures
    tokens: TokenState | None

    @property
    def name(self) -> str:
        return self.account.name

    @property
    def title(self) -> str:
        organization = self.account.organization
        return f"{self.name} ({organization})" if organization else self.name

    def hold(self, reason: HoldReason) -> Hold | None:
        return next((hold for hold in self.figures.holds if hold.reason == reason), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one look saw; `at` is when it began, by Redis' clock."""

    at: datetime
    public_url: str
    accounts: tuple[AccountView, ...]

    def account(self, name: str | None) -> AccountView | None:
        return next((view for view in self.accounts if view.name == name), None)


Condition = Callable[[Snapshot], Iterator[Trouble]]


@dataclass(frozen=True, slots=True)
class Message:
    """What a service is sent."""

    title: str
    body: str
    kind: Kind


# --- conditions


def reconnect_holds(snapshot: Snapshot) -> Iterator[Trouble]:
    """Accounts whose tokens are refused, or cannot be had; not those that were disconnected."""
    for view in snapshot.accounts:
        hold = view.hold(HoldReason.RECONNECT)
        if hold and not view.account.disconnected_at:
            yield _hold_trouble(
                view,
                hold,
                title=f"{view.name} is on hold: its connection to Constant Contact does not work",
                cause=f"{view.title} has no working tokens",
                to_do=_connect_if_it_stays(hold) + _connect_again(view, snapshot),
            )


def forbidden_holds(snapshot: Snapshot) -> Iterator[Trouble]:
    """Accounts that were connected by a login that may not write contacts."""
    for view in snapshot.accounts:
        if hold := view.hold(HoldReason.FORBIDDEN):
            yield _hold_trouble(
                view,
                hold,
                title=f"{view.name} is on hold: its login may not write contacts",
                cause=f"The login that connected {view.title} lacks a permission",
                to_do="With an Account Owner's or Manager's login, "
                + _connect_again(view, snapshot),
            )


def failing_refreshes(snapshot: Snapshot) -> Iterator[Trouble]:
    """Accounts whose tokens are past half of their life, as refreshing them fails."""
    for view in snapshot.accounts:
        tokens = view.tokens
        if tokens and tokens.failures and tokens.left < tokens.life / 2:
            yield Trouble(
                key=f"tokens:{view.name}",
                account=view.name,
                severity=Severity.WARNING,
                title=f"{view.name}: its access token cannot be refreshed",
                body=_paragraphs(
                    f"Refreshing the access token of {view.title} has failed"
                    f" {_times(tokens.failures)} in a row. {_how_long_it_works(view, tokens)}",
                    f"Nothing is lost: {_waiting(view)}, and refreshing is tried again by itself.",
                    "What to do: look whether this server reaches Constant Contact. If it does,"
                    f" {_connect_again(view, snapshot)}",
                ),
                over=f"{view.name}: the trouble with its access token is over",
            )


CONDITIONS: tuple[Condition, ...] = (reconnect_holds, forbidden_holds, failing_refreshes)


def troubles(snapshot: Snapshot) -> list[Trouble]:
    """Return every trouble that stood in the snapshot."""
    return [trouble for condition in CONDITIONS for trouble in condition(snapshot)]


def _hold_trouble(view: AccountView, hold: Hold, *, title: str, cause: str, to_do: str) -> Trouble:
    # A note may quote what Constant Contact answered, and an alert leaves the house.
    note = redact(hold.note).rstrip(".")
    reason = f" Reason: {note}." if note else ""
    return Trouble(
        key=f"{hold.reason}:{view.name}",
        account=view.name,
        severity=Severity.PROBLEM,
        title=title,
        body=_paragraphs(
            f"{cause}, so nothing is delivered since {_time(hold.since)}.{reason}",
            f"Nothing is lost: {_waiting(view)}, new ones are accepted, and all are delivered,"
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
    return f"It still works until {_time(tokens.expires_at)}, for {in_words(tokens.left)} more."


def _waiting(view: AccountView) -> str:
    due = view.figures.due
    return {0: "no sign-up waits", 1: "1 sign-up waits"}.get(due, f"{due:,} sign-ups wait")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def _paragraphs(*texts: str) -> str:
    return "\n\n".join(texts)


# --- messages


def message_for(telling: Telling, standing: Sequence[Trouble], snapshot: Snapshot) -> Message:
    """Return what to say; `standing` has the trouble, unless it is over."""
    if telling.event == "over":
        return Message(telling.over, _end_of(telling, snapshot), Kind.OVER)
    (trouble,) = (each for each in standing if each.key == telling.key)
    kind = Kind.PROBLEM if trouble.severity == Severity.PROBLEM else Kind.WARNING
    if telling.event == "begun":
        return Message(trouble.title, trouble.body, kind)
    stood = f"It has stood for {in_words(snapshot.at - telling.begun_at)}."
    return Message(f"Still: {trouble.title}", _paragraphs(stood, trouble.body), kind)


def _end_of(telling: Telling, snapshot: Snapshot) -> str:
    lasted = (telling.ended_at or snapshot.at) - telling.begun_at
    text = f"It lasted {in_words(lasted)}."
    return text if telling.account is None else f"{text} {_what_flows(telling.account, snapshot)}"


def _what_flows(name: str, snapshot: Snapshot) -> str:
    view = snapshot.account(name)
    if view is None or view.account.disconnected_at:
        return "The account is not connected any more."
    if view.figures.holds:
        reasons = ", ".join(hold.reason for hold in view.figures.holds)
        return f"Nothing was lost. The account is still on hold ({reasons}): {_waiting(view)}."
    if view.figures.due:
        return f"Nothing was lost: {_waiting(view)} and are being delivered now, oldest first."
    return "Nothing was lost, and no sign-up waits."


# --- doing it


def watch_every(after: timedelta) -> timedelta:
    """Return how often to look, where a trouble is told of once it has stood for `after`."""
    return min(WATCH_EVERY, after / 3)


class Observer:
    """Looks at everything that the conditions are about."""

    def __init__(self, client: "redis.Redis", public_url: str) -> None:
        self._client = client
        self._public_url = public_url
        self._registry = Registry(client)
        self._ledger = Ledger(client)
        self._tokens = TokenLedger(client)

    def look(self) -> Snapshot:
        """Return what there is to see now. Raises `LedgerUnavailable`."""
        at = redis_time(self._client)  # before the first read, so that a later look sees more
        return Snapshot(
            at=at,
            public_url=self._public_url,
            accounts=tuple(self._view(account) for account in self._registry.accounts()),
        )

    def _view(self, account: Account) -> AccountView:
        stored = self._tokens.read(account.name)
        return AccountView(
            account=account,
            figures=self._ledger.figures(account.name),
            tokens=TokenState.of(stored) if stored else None,
        )


class Watch:
    """Looks and tells; safe to run in any number of processes at once.

    One look at a time in each: a service that hangs must not take one thread after the other,
    and the library paces what it sends to one service.
    """

    def __init__(
        self,
        take: Callable[[], Snapshot],
        alerts: AlertLedger,
        services: Sequence[Service],
        stopping: Callable[[], bool],
    ) -> None:
        self._take = take
        self._alerts = alerts
        self._services = {service.name: service for service in services}
        self._stopping = stopping
        self._looking = threading.Lock()

    def look(self) -> None:
        """Look once, and tell what there is to tell; nothing where nobody is to be told."""
        if not self._services or not self._looking.acquire(blocking=False):
            return
        try:
            self._look()
        finally:
            self._looking.release()

    def _look(self) -> None:
        snapshot = self._take()
        standing = troubles(snapshot)
        names = list(self._services)
        while not self._stopping():
            telling = self._alerts.next(standing, names, taken_at=snapshot.at)
            if telling is None:
                return
            self._tell(telling, message_for(telling, standing, snapshot))

    def _tell(self, telling: Telling, message: Message) -> None:
        about = {"service": telling.service, "trouble": telling.key, "event": telling.event}
        if self._services[telling.service].send(message.title, message.body, message.kind):
            self._alerts.told(telling)
            log.info("alert sent", extra=about)
        else:
            self._alerts.failed(telling)
            log.warning("alert not sent, tried again later", extra=about)
