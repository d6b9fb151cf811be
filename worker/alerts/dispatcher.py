"""The dispatcher: looks for conditions, and sends an alert when one begins, lasts or ends.

conditions.py says which conditions there are, messages.py what is said of them. A condition that
ends within `RELAY_ALERT_AFTER_SECONDS` is not reported. One that lasts is repeated once a day, and
its end is sent once. The alert log of the ledger keeps count, so that any number of processes send
each alert once.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import redis

from shared.infrastructure.alert_services import Service, make_services
from shared.infrastructure.settings import Settings
from shared.ledger.stores.alert_log import (
    AlertLedger,
    DeadLetterNotification,
    Notification,
    Throttle,
)
from worker.alerts.conditions import active_conditions
from worker.alerts.messages import Message, dead_letter_message, message_for
from worker.alerts.snapshot import Snapshot, SnapshotReader

log = logging.getLogger(__name__)

LONGEST_ALERT_INTERVAL = timedelta(seconds=20)


def alert_interval(after: timedelta) -> timedelta:
    """Return how often to look, where a condition alerts once it has lasted for `after`."""
    return min(LONGEST_ALERT_INTERVAL, after / 3)


class AlertDispatcher:
    """Looks and sends; safe to run in any number of processes at once.

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

    def dispatch(self) -> None:
        """Look once, and send what there is to send. Raises `LedgerUnavailable`."""
        if not self._services or not self._looking.acquire(blocking=False):
            return
        try:
            self._dispatch()
        finally:
            self._looking.release()

    def _dispatch(self) -> None:
        snapshot = self._take()
        self._notify_of_conditions(snapshot)
        self._notify_of_dead_letters(snapshot)

    def _notify_of_conditions(self, snapshot: Snapshot) -> None:
        active = active_conditions(snapshot)
        names = list(self._services)
        while not self._stopping():
            notification = self._alerts.next(active, names, taken_at=snapshot.at)
            if notification is None:
                return
            about = " ".join(part.key for part in notification.parts)
            self._send(notification, message_for(notification, active, snapshot), about)

    def _notify_of_dead_letters(self, snapshot: Snapshot) -> None:
        accounts = [view.name for view in snapshot.accounts]
        names = list(self._services)
        while not self._stopping():
            notification = self._alerts.next_dead_letters(accounts, names)
            if notification is None:
                return
            message = dead_letter_message(notification, snapshot.public_url)
            self._send(notification, message, f"dead:{notification.account}")

    def _send(
        self, notification: Notification | DeadLetterNotification, message: Message, about: str
    ) -> None:
        extra = {"service": notification.service, "condition": about, "event": notification.event}
        if self._services[notification.service].send(message.title, message.body, message.kind):
            self._alerts.notified(notification)
            log.info("alert sent", extra=extra)
        else:
            self._alerts.failed(notification)
            log.warning("alert not sent, tried again later", extra=extra)


def make_alert_dispatcher(
    settings: Settings, client: "redis.Redis", stopping: Callable[[], bool] = lambda: False
) -> AlertDispatcher:
    """Return the dispatcher that sends to the services of the settings."""
    return AlertDispatcher(
        SnapshotReader(client, settings.public_url).take,
        AlertLedger(client, Throttle(after=settings.alert_after)),
        make_services(settings.alerts),
        stopping=stopping,
    )
