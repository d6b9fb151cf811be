"""Remembers which notifications the alert services got, so that none is sent twice.

`relay:alerts` has a record for each active condition, and for each whose end a service does not
know yet. `relay:alerts:dead-letters` has one for each account that had dead letters. A process
passes in all conditions that it found. It gets one notification at a time, which no other process
gets, and reports whether it was sent.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import redis

from shared.domain.alert_condition import AlertCondition
from shared.domain.signup import DeathReason
from shared.infrastructure.stored_records import RecordKind, json_object, read_all
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import from_milliseconds, moment, to_milliseconds

AlertEvent = Literal["begun", "reminder", "over"]
# Fields beside the conditions: when the newest look began, how many notifications were given out,
# and until when more of a kind is gathered.
_NOT_CONDITIONS = ("looked_at", "given", "gathering")
LONGEST_GATHERING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttle:
    """How often a service is notified: when a condition has lasted for `after`, again every
    `remind`, and when it has been gone for `after`. Further dead letters come every `digest`.

    The sender has `lease` to report the outcome. A failed notification is sent again after
    `pause`, which doubles up to `longest_pause`.
    """

    after: timedelta
    remind: timedelta = timedelta(days=1)
    digest: timedelta = timedelta(hours=1)
    lease: timedelta = timedelta(minutes=1)
    pause: timedelta = timedelta(seconds=10)
    longest_pause: timedelta = timedelta(hours=1)

    @property
    def gather(self) -> timedelta:
        """How long, after a notification, more of its kind is gathered into the next one."""
        return min(10 * self.after, LONGEST_GATHERING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One condition of a notification. `over` is the title of the message that it ended;
    `ended_at` is None while it is active."""

    key: str
    begun_at: datetime
    ended_at: datetime | None
    over: str
    account: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """The right to notify `service` once of conditions of one kind. All of them have begun, all
    still last, or all have ended. `number` identifies it."""

    service: str
    kind: str
    event: AlertEvent
    number: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterNotification:
    """The right to notify `service` once of an account's dead letters.

    `counts` has those that the service does not know of. With the event "first", one of their
    reasons is new to it; with "more", none is; "over" says that no dead letter is left.
    """

    service: str
    account: str
    event: Literal["first", "more", "over"]
    number: str
    counts: Mapping[DeathReason, int]


@dataclass(frozen=True, slots=True)
class AlertHistory:
    """When a condition began, and when a service was last notified; None for never."""

    begun_at: datetime
    notified_at: datetime | None


class AlertLedger:
    """The steps of notifying, each one script. Every method raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", throttle: Throttle) -> None:
        self._client = client
        self._scripts = Scripts(client)
        self._throttle = throttle

    def next(
        self,
        active_conditions: Sequence[AlertCondition],
        services: Sequence[str],
        *,
        taken_at: datetime,
    ) -> Notification | None:
        """Return the next notification; None when nothing is left, or another process has looked
        since `taken_at`, when `active_conditions` were all there were."""
        answer = self._scripts.run(
            "alerts/next",
            alerts=keys.ALERTS,
            taken_at=taken_at,
            found=[_found(condition) for condition in active_conditions],
            services=list(services),
            after=self._throttle.after,
            remind=self._throttle.remind,
            lease=self._throttle.lease,
            gather=self._throttle.gather,
        )
        return _notification(json.loads(answer)) if answer else None

    def next_dead_letters(
        self, accounts: Sequence[str], services: Sequence[str]
    ) -> DeadLetterNotification | None:
        """Return the next notification of the dead letters of `accounts`; None when nothing is
        left."""
        answer = self._scripts.run(
            "alerts/next_dead_letters",
            alerts=keys.DEAD_LETTER_ALERTS,
            accounts=[(name, keys.account(name)) for name in accounts],
            services=list(services),
            reasons=list(DeathReason),
            digest=self._throttle.digest,
            after=self._throttle.after,
            lease=self._throttle.lease,
        )
        return _dead_letter_notification(json.loads(answer)) if answer else None

    def notified(self, notification: Notification | DeadLetterNotification) -> bool:
        """Note that the service knows; False when the right to notify it had run out."""
        return self._ended(notification, notified=True)

    def failed(self, notification: Notification | DeadLetterNotification) -> bool:
        """Have it sent again later; False when the right to notify had run out."""
        return self._ended(notification, notified=False)

    def _ended(
        self, notification: Notification | DeadLetterNotification, *, notified: bool
    ) -> bool:
        if isinstance(notification, Notification):
            stored, about = keys.ALERTS, [part.key for part in notification.parts]
        else:
            stored, about = keys.DEAD_LETTER_ALERTS, [f"dead:{notification.account}"]
        return bool(
            self._scripts.run(
                "alerts/settle",
                alerts=stored,
                about=about,
                name=notification.service,
                event=notification.event,
                number=notification.number,
                notified=notified,
                pause=self._throttle.pause,
                longest_pause=self._throttle.longest_pause,
                gather=self._throttle.gather,
            )
        )

    def known(self) -> dict[str, AlertHistory]:
        """Return the history of each known condition, by its key."""
        with redis_errors_translated():
            stored = self._client.hgetall(keys.ALERTS)
        return read_all(RecordKind.ALERT, _conditions(stored), _history)


def accounts_on_record(client: "redis.Redis") -> set[str]:
    """Return the accounts with an alert that has not ended for every service, or with dead letters
    that one was notified of."""
    with redis_errors_translated():
        records: dict[Any, Any] = client.hgetall(keys.ALERTS)
        dead_letters = client.hkeys(keys.DEAD_LETTER_ALERTS)
    alerts = read_all(RecordKind.ALERT, _conditions(records), _account_of).values()
    return {
        *filter(None, alerts),
        *(str(key).removeprefix("dead:") for key in dead_letters),
    }


def _conditions(stored: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(each) for key, each in stored.items() if key not in _NOT_CONDITIONS}


def _found(condition: AlertCondition) -> dict[str, str | int]:
    found: dict[str, str | int] = {"key": condition.key, "over": condition.over}
    if condition.account is not None:
        found["account"] = condition.account
    if condition.since is not None:
        found["since"] = to_milliseconds(condition.since)
    return found


def _notification(given: dict[str, Any]) -> Notification:
    return Notification(
        service=given["service"],
        kind=given["kind"],
        event=given["event"],
        number=given["number"],
        parts=tuple(_part(part) for part in given["parts"]),
    )


def _part(given: dict[str, Any]) -> Part:
    return Part(
        key=given["key"],
        begun_at=from_milliseconds(given["begun_at"]),
        ended_at=moment(given.get("ended_at")),
        over=given["over"],
        account=given.get("account"),
    )


def _dead_letter_notification(given: dict[str, Any]) -> DeadLetterNotification:
    return DeadLetterNotification(
        service=given["service"],
        account=given["account"],
        event=given["event"],
        number=given["number"],
        counts={DeathReason(reason): count for reason, count in given["counts"].items()},
    )


def _account_of(record: str) -> str:
    """Return the account that the alert is about; empty if it is about none."""
    _history(record)  # raises for what is no alert
    return str(json_object(record).get("account", ""))


def _history(record: str) -> AlertHistory:
    alert = json_object(record)
    times = [each["told_at"] for each in alert["services"].values() if "told_at" in each]
    return AlertHistory(from_milliseconds(alert["begun_at"]), moment(max(times, default=None)))
