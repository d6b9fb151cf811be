"""Watch: looks for troubles, and has the alert services told when one begins, stands and ends.

alert_conditions.py says what a trouble is, alert_messages.py what is said of it. Nobody
is told of what passes within a minute, a trouble that stands is told of again once a day, and its
end is told of once. shared/ledger/alert_log.py keeps count, so that any number of processes that
look tell it once.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import redis

from shared.domain.account import Account
from shared.domain.durations import in_words
from shared.infrastructure.alert_services import Kind, Service, make_services
from shared.infrastructure.settings import Settings
from shared.ledger.alert_log import (
    AlertLedger,
    DeadLetterNotification,
    Notification,
    Throttle,
    redis_time,
)
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.ledger.signup_baseline import SignupBaselines
from shared.ledger.token_store import TokenLedger
from worker.alerts.alert_conditions import AccountView, Snapshot, TokenState, active_conditions
from worker.alerts.alert_messages import Message, dead_letter_message, message_for

log = logging.getLogger(__name__)

LONGEST_ALERT_INTERVAL = timedelta(seconds=20)


def alert_interval(after: timedelta) -> timedelta:
    """Return how often to look, where a trouble is told of once it has stood for `after`."""
    return min(LONGEST_ALERT_INTERVAL, after / 3)


class SnapshotReader:
    """Looks at everything that the conditions are about."""

    def __init__(self, client: "redis.Redis", public_url: str) -> None:
        self._client = client
        self._public_url = public_url
        self._registry = Registry(client)
        self._ledger = Ledger(client)
        self._tokens = TokenLedger(client)
        self._baselines = SignupBaselines(client)

    def look(self) -> Snapshot:
        """Return what there is to see now. Raises `LedgerUnavailable`."""
        at = redis_time(self._client)  # before the first read, so that a later look sees more
        return Snapshot(
            at=at,
            public_url=self._public_url,
            accounts=tuple(self._view(account) for account in self._registry.accounts()),
            workers=min(self._ledger.workers_seen().values(), default=None),
            beats=min(self._ledger.beats_seen().values(), default=None),
            spools=tuple(self._ledger.spools()),
        )

    def _view(self, account: Account) -> AccountView:
        stored = self._tokens.read(account.name)
        return AccountView(
            account=account,
            figures=self._ledger.figures(account.name),
            tokens=TokenState.of(stored) if stored else None,
            last_delivery=self._baselines.last_delivery(account.name),
            baseline=self._baselines.baseline(account.name),
        )


class AlertDispatcher:
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
        self._notify_of_conditions(snapshot)
        self._notify_of_dead_letters(snapshot)

    def _notify_of_conditions(self, snapshot: Snapshot) -> None:
        standing = active_conditions(snapshot)
        names = list(self._services)
        while not self._stopping():
            notification = self._alerts.next(standing, names, taken_at=snapshot.at)
            if notification is None:
                return
            about = " ".join(part.key for part in notification.parts)
            self._tell(notification, message_for(notification, standing, snapshot), about)

    def _notify_of_dead_letters(self, snapshot: Snapshot) -> None:
        accounts = [view.name for view in snapshot.accounts]
        names = list(self._services)
        while not self._stopping():
            notification = self._alerts.next_dead_letters(accounts, names)
            if notification is None:
                return
            message = dead_letter_message(notification, snapshot.public_url)
            self._tell(notification, message, f"dead:{notification.account}")

    def _tell(
        self, notification: Notification | DeadLetterNotification, message: Message, about: str
    ) -> None:
        extra = {"service": notification.service, "trouble": about, "event": notification.event}
        if self._services[notification.service].send(message.title, message.body, message.kind):
            self._alerts.notified(notification)
            log.info("alert sent", extra=extra)
        else:
            self._alerts.failed(notification)
            log.warning("alert not sent, tried again later", extra=extra)


def make_alert_dispatcher(
    settings: Settings, client: "redis.Redis", stopping: Callable[[], bool] = lambda: False
) -> AlertDispatcher:
    """Return the watch that tells the services of the settings."""
    return AlertDispatcher(
        SnapshotReader(client, settings.public_url).look,
        AlertLedger(client, Throttle(after=settings.alert_after)),
        make_services(settings.alerts),
        stopping=stopping,
    )


_WITHOUT_REDIS = (
    "Beat cannot reach it.\n\n"
    "What was accepted is in Redis, and goes on when it answers. Web takes new sign-ups onto its"
    " own disk, as long as there is room, and turns them away after that.\n\n"
    "What to do: see that Redis runs, and that this host reaches it."
)


class RedisOutageAlert:
    """Tells that Redis does not answer, and that it does again.

    Nobody can write down then who was told, so each process that has one tells by itself: beat.
    """

    def __init__(
        self, services: Sequence[Service], after: timedelta, monotonic: Callable[[], float]
    ) -> None:
        self._services = services
        self._after = after
        self._monotonic = monotonic
        self._away_since: float | None = None
        self._lasted = timedelta()
        self._told: set[str] = set()

    def away(self) -> None:
        """Note that Redis does not answer just now."""
        if self._away_since is None:
            self._away_since = self._monotonic()
        self._lasted = timedelta(seconds=self._monotonic() - self._away_since)
        if self._lasted >= self._after:
            for service in self._services:
                if service.name not in self._told and service.send(
                    "Redis does not answer, so nothing is delivered", _WITHOUT_REDIS, Kind.PROBLEM
                ):
                    self._told.add(service.name)

    def answers(self) -> None:
        """Note that Redis answers."""
        self._away_since = None
        body = f"It did not for {in_words(self._lasted)}. Deliveries go on by themselves."
        for service in self._services:
            if service.name in self._told and service.send("Redis answers again", body, Kind.OVER):
                self._told.discard(service.name)
