"""Alerts on the real server: each is sent once, by any of the workers, and repeated in time."""

import json
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import apprise
import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.signup import DeathReason
from shared.infrastructure.alert_services import MessageKind, Service, make_services
from shared.infrastructure.logs import LineFormatter
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.server_id import redis_time
from shared.ledger.spools import SpoolFigures
from shared.ledger.stores.alert_log import (
    AlertLedger,
    DeadLetterNotification,
    Notification,
    Throttle,
)
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.command_line import CommandLine
from tests.support.fake_service import FakeService
from tests.support.webhook import Webhook
from worker.alerts.dispatcher import AlertDispatcher
from worker.alerts.redis_outage import RedisOutageAlert
from worker.alerts.schedule import BeatAlerts
from worker.alerts.snapshot import Snapshot, SnapshotReader
from worker.runtime import WorkerRuntime
from worker.task_events import Silent

WORKERS = 8
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
AT_ONCE = Throttle(after=timedelta(0))
AFTER_AN_HOUR = Throttle(after=HOUR)
TIMES = ("begun_at", "ended_at", "told_at", "claimed_until", "retry_at", "none_since")


def condition(key: str = "reconnect:acme", **fields: Any) -> AlertCondition:
    defaults: dict[str, Any] = {
        "severity": Severity.PROBLEM,
        "title": "acme is on hold",
        "body": "Nothing is lost.",
        "over": "acme: the hold has ended",
        "account": "acme",
    }
    return AlertCondition(key=key, **{**defaults, **fields})


class Alerts:
    """An `AlertLedger` of the services `json` and `mailto`, with time that can be let pass."""

    def __init__(self, client: "redis.Redis", throttle: Throttle = AT_ONCE) -> None:
        self.client = client
        self.ledger = AlertLedger(client, throttle)
        self.services = ["json"]

    def next(
        self, *active_conditions: AlertCondition, taken_at: datetime | None = None
    ) -> Notification | None:
        taken_at = taken_at or redis_time(self.client)
        return self.ledger.next(active_conditions, self.services, taken_at=taken_at)

    def events(self, *active_conditions: AlertCondition) -> list[tuple[str, str]]:
        """Send all that is due; return it as (service, event)."""
        notified: list[tuple[str, str]] = []
        while notification := self.next(*active_conditions):
            notified.append((notification.service, notification.event))
            assert self.ledger.notified(notification)
        return notified

    def given(self, *active_conditions: AlertCondition) -> Notification:
        """Return the notification that is due; the test fails when there is none."""
        notification = self.next(*active_conditions)
        assert notification is not None
        return notification

    def let_pass(self, span: timedelta) -> None:
        """Make all that is written down as much older."""
        for stored in ("relay:alerts", "relay:alerts:dead-letters"):
            for key, record in self.client.hgetall(stored).items():
                self.client.hset(stored, key, json.dumps(_older(json.loads(record), span)))


def _older(value: Any, span: timedelta) -> Any:
    if not isinstance(value, dict):
        return value
    ms = round(span.total_seconds() * 1000)
    return {
        name: inner - ms if name in TIMES or " " in name else _older(inner, span)
        for name, inner in value.items()
    }


@pytest.fixture
def alerts(redis_client: "redis.Redis") -> Alerts:
    return Alerts(redis_client)


@pytest.fixture
def patient(redis_client: "redis.Redis") -> Alerts:
    """Conditions alert after an hour."""
    return Alerts(redis_client, AFTER_AN_HOUR)


# --- when anybody is told


def test_a_beginning_and_an_end_are_told_once_each(alerts: Alerts) -> None:
    assert alerts.events(condition()) == [("json", "begun")]
    assert alerts.events(condition()) == []
    assert alerts.events() == [("json", "over")]
    assert alerts.events() == []
    assert alerts.ledger.known() == {}


def test_nobody_is_told_of_a_blip(patient: Alerts) -> None:
    assert patient.events(condition()) == []
    assert patient.events() == []
    patient.let_pass(2 * HOUR)
    assert patient.events() == []
    assert patient.events(condition()) == []


def test_what_has_stood_for_long_enough_is_told_of(patient: Alerts) -> None:
    assert patient.events(condition()) == []
    patient.let_pass(HOUR)
    assert patient.events(condition()) == [("json", "begun")]


def test_a_condition_that_knows_its_beginning_alerts_at_the_first_look(
    patient: Alerts, redis_client: "redis.Redis"
) -> None:
    now = redis_time(redis_client)
    assert patient.events(condition(since=now - timedelta(minutes=59))) == []
    assert patient.events(condition("forbidden:acme", since=now - HOUR - SECOND)) == [
        ("json", "begun")
    ]


def test_while_it_stands_there_is_a_reminder_once_a_day(alerts: Alerts) -> None:
    alerts.events(condition())
    alerts.let_pass(timedelta(hours=23))
    assert alerts.events(condition()) == []
    alerts.let_pass(HOUR)
    assert alerts.events(condition()) == [("json", "reminder")]
    assert alerts.events(condition()) == []


def test_a_condition_that_soon_comes_back_never_ended(patient: Alerts) -> None:
    patient.next(condition())
    patient.let_pass(HOUR)
    assert patient.events(condition()) == [("json", "begun")]
    assert patient.events() == []
    assert patient.events(condition()) == []
    assert patient.events() == []
    patient.let_pass(HOUR)
    assert patient.events() == [("json", "over")]


def test_one_that_comes_back_before_its_end_got_out_has_to_stand_anew(patient: Alerts) -> None:
    patient.services = ["json", "mailto"]
    patient.next(condition())
    patient.let_pass(HOUR)
    assert patient.events(condition()) == [("json", "begun"), ("mailto", "begun")]
    patient.events()
    patient.let_pass(HOUR)
    assert patient.ledger.notified(patient.given())  # to the first; the other's does not get out
    assert patient.ledger.failed(patient.given())
    assert patient.events(condition()) == []
    patient.let_pass(HOUR)
    assert patient.events(condition()) == [("json", "begun")]


def test_an_end_tells_when_it_began_and_ended(alerts: Alerts, redis_client: "redis.Redis") -> None:
    since = redis_time(redis_client).replace(microsecond=0) - HOUR
    alerts.events(condition(since=since))
    notification = alerts.given()
    (part,) = notification.parts
    assert part.begun_at == since
    assert part.ended_at is not None
    assert since + HOUR <= part.ended_at <= redis_time(redis_client)
    assert (part.over, part.account) == ("acme: the hold has ended", "acme")


def test_every_service_is_told_and_only_those_that_were_hear_of_the_end(alerts: Alerts) -> None:
    alerts.events(condition())
    alerts.services = ["json", "mailto"]
    assert alerts.events(condition("forbidden:acme"), condition()) == [
        ("json", "begun"),
        ("mailto", "begun"),
        ("mailto", "begun"),
    ]
    alerts.services = ["mailto"]
    assert alerts.events() == [("mailto", "over"), ("mailto", "over")]
    assert alerts.ledger.known() == {}


# --- several at once


def about(notification: Notification | None) -> list[str]:
    return [part.key for part in notification.parts] if notification else []


OUTAGES = [condition(f"outage:site-{number}", account=f"site-{number}") for number in range(20)]


def test_what_begins_together_for_the_same_reason_is_told_in_one_message(alerts: Alerts) -> None:
    notification = alerts.given(*OUTAGES, condition())
    assert (notification.kind, notification.event) == ("outage", "begun")
    assert about(notification) == [each.key for each in OUTAGES]
    assert alerts.ledger.notified(notification)
    assert about(alerts.next(*OUTAGES, condition())) == ["reconnect:acme"]


def test_and_so_is_its_end(alerts: Alerts) -> None:
    assert alerts.events(*OUTAGES) == [("json", "begun")]
    notification = alerts.given()
    assert sorted(about(notification)) == sorted(each.key for each in OUTAGES)
    assert alerts.ledger.notified(notification)
    assert alerts.next() is None
    assert alerts.ledger.known() == {}


def test_for_ten_minutes_more_of_the_kind_is_gathered_and_nothing_else(patient: Alerts) -> None:
    first, *others = OUTAGES
    patient.next(*OUTAGES[:1])
    patient.let_pass(HOUR)
    assert patient.events(first) == [("json", "begun")]
    since = redis_time(patient.client) - 2 * HOUR
    later = [condition(each.key, since=since) for each in others]
    assert patient.events(first, *later) == []
    assert patient.events(first, *later, condition(since=since)) == [("json", "begun")]
    patient.let_pass(timedelta(minutes=9))
    assert patient.next(first, *later, condition()) is None
    patient.let_pass(timedelta(minutes=1))
    assert about(patient.next(first, *later, condition())) == [each.key for each in others]


def test_what_could_not_be_told_has_nothing_gathered_for_it(patient: Alerts) -> None:
    since = redis_time(patient.client) - 2 * HOUR
    one, another = (condition(each.key, since=since) for each in OUTAGES[:2])
    assert patient.ledger.failed(patient.given(one))
    assert about(patient.next(one, another)) == [another.key]


def test_gathering_ends_although_the_servers_clock_was_set_back(patient: Alerts) -> None:
    since = redis_time(patient.client) - 2 * HOUR
    assert patient.events(condition(since=since)) == [("json", "begun")]
    patient.let_pass(-HOUR)
    assert about(patient.next(condition("reconnect:books", since=since))) == ["reconnect:books"]


# --- dead letters


class DeadLetters:
    """Lets sign-ups of `acme` die, and sends what is due about them."""

    def __init__(self, alerts: Alerts, ledger: Ledger) -> None:
        self.alerts = alerts
        self.ledger = ledger
        self.ids: list[str] = []

    def die(self, reason: DeathReason, count: int = 1) -> None:
        for _ in range(count):
            self.ids.append(builders.accept(self.ledger, f"{len(self.ids)}@example.com").id)
            claim = builders.claimed(self.ledger)
            assert self.ledger.bury(
                claim, None, reason=reason, error_key="", message="", account_is_well=False
            )

    def given(self) -> DeadLetterNotification | None:
        """Return what is given out once this very millisecond is over, which waits."""
        now = redis_time(self.alerts.client)
        while redis_time(self.alerts.client) < now + timedelta(milliseconds=2):
            pass
        return self.alerts.ledger.next_dead_letters(["acme"], self.alerts.services)

    def notified(self) -> list[tuple[str, dict[str, int]]]:
        """Send all that is due; return it as (event, counts)."""
        notified: list[tuple[str, dict[str, int]]] = []
        while notification := self.given():
            counts = {str(reason): count for reason, count in notification.counts.items()}
            notified.append((notification.event, counts))
            assert len(notified) < 10, notified
            assert self.alerts.ledger.notified(notification)
        return notified


@pytest.fixture
def dead(alerts: Alerts, ledger: Ledger) -> DeadLetters:
    return DeadLetters(alerts, ledger)


def test_the_first_dead_letter_of_a_reason_is_told_at_once_and_more_once_an_hour(
    dead: DeadLetters,
) -> None:
    assert dead.notified() == []
    dead.die(DeathReason.REJECTED)
    assert dead.notified() == [("first", {"rejected": 1})]
    dead.die(DeathReason.REJECTED, 3)
    assert dead.notified() == []
    dead.die(DeathReason.GAVE_UP)
    assert dead.notified() == [("first", {"rejected": 3, "gave_up": 1})]
    dead.die(DeathReason.GAVE_UP, 2)
    dead.die(DeathReason.REJECTED)
    dead.alerts.let_pass(timedelta(minutes=59))
    assert dead.notified() == []
    dead.alerts.let_pass(timedelta(minutes=1))
    assert dead.notified() == [("more", {"rejected": 1, "gave_up": 2})]
    dead.alerts.let_pass(timedelta(days=9))
    assert dead.notified() == []


def test_that_none_is_left_is_told_once_and_then_all_begins_anew(dead: DeadLetters) -> None:
    dead.die(DeathReason.REJECTED)
    dead.notified()
    assert dead.ledger.discard("acme", dead.ids[0])
    assert dead.notified() == [("over", {})]
    assert dead.notified() == []
    dead.die(DeathReason.REJECTED)
    assert dead.notified() == [("first", {"rejected": 1})]


def test_nobody_is_told_that_none_is_left_before_that_lasts(
    patient: Alerts, ledger: Ledger
) -> None:
    dead = DeadLetters(patient, ledger)
    dead.die(DeathReason.REJECTED)
    dead.notified()
    assert dead.ledger.discard("acme", dead.ids[0])
    assert dead.notified() == []
    dead.die(DeathReason.REJECTED)
    patient.let_pass(timedelta(minutes=59))
    assert dead.notified() == []
    assert dead.ledger.discard("acme", dead.ids[1])
    dead.notified()
    patient.let_pass(HOUR)
    assert dead.notified() == [("over", {})]


def test_each_service_hears_of_every_dead_letter_and_one_that_fails_later(
    dead: DeadLetters,
) -> None:
    dead.alerts.services = ["json", "mailto"]
    dead.die(DeathReason.REJECTED)
    failing = dead.given()
    assert failing is not None and failing.service == "json"
    assert dead.alerts.ledger.failed(failing)
    assert dead.notified() == [("first", {"rejected": 1})]
    dead.die(DeathReason.POISON)
    dead.alerts.let_pass(timedelta(seconds=10))
    assert dead.notified() == [
        ("first", {"rejected": 1, "poison": 1}),
        ("first", {"poison": 1}),
    ]


def test_dead_letters_that_one_is_telling_of_are_given_to_no_other(dead: DeadLetters) -> None:
    dead.die(DeathReason.REJECTED)
    first = dead.given()
    assert first is not None
    assert dead.given() is None
    dead.alerts.let_pass(timedelta(minutes=1))
    again = dead.given()
    assert again is not None and again.counts == first.counts
    assert not dead.alerts.ledger.notified(first)
    assert dead.alerts.ledger.notified(again)


# --- who sends


def test_what_one_is_telling_is_given_to_no_other(alerts: Alerts) -> None:
    alerts.given(condition())
    assert alerts.next(condition()) is None


def test_what_one_began_to_tell_and_never_did_is_given_out_again(alerts: Alerts) -> None:
    first = alerts.given(condition())
    alerts.let_pass(timedelta(minutes=1))
    again = alerts.given(condition())
    assert again.number != first.number
    assert not alerts.ledger.notified(first)
    assert alerts.ledger.notified(again)


def test_what_did_not_get_out_is_tried_again_later_and_later(alerts: Alerts) -> None:
    for pause in (10, 20, 40):
        assert alerts.ledger.failed(alerts.given(condition()))
        assert alerts.next(condition()) is None
        alerts.let_pass(timedelta(seconds=pause - 5))
        assert alerts.next(condition()) is None
        alerts.let_pass(timedelta(seconds=5))
    for _ in range(10):
        assert alerts.ledger.failed(alerts.given(condition()))
        alerts.let_pass(HOUR)
    assert alerts.events(condition()) == [("json", "begun")]


def test_a_service_that_fails_keeps_no_other_from_being_told_and_has_no_other_told_twice(
    alerts: Alerts,
) -> None:
    alerts.services = ["json", "mailto"]
    assert alerts.ledger.failed(alerts.given(condition()))
    assert alerts.events(condition()) == [("mailto", "begun")]
    alerts.let_pass(timedelta(seconds=10))
    assert alerts.events(condition()) == [("json", "begun")]


def test_what_ends_while_it_is_being_told_is_told_to_have_ended(alerts: Alerts) -> None:
    notification = alerts.given(condition())
    assert alerts.next() is None
    assert alerts.ledger.notified(notification)
    assert alerts.events() == [("json", "over")]


def test_a_look_that_a_newer_one_overtook_counts_for_nothing(
    alerts: Alerts, redis_client: "redis.Redis"
) -> None:
    now = redis_time(redis_client)
    before = now - timedelta(seconds=1)
    # Ahead of the server's own time, as rounding can have it.
    assert alerts.next(taken_at=now + timedelta(seconds=1)) is None
    assert alerts.next(condition(since=before - HOUR), taken_at=before) is None
    assert alerts.ledger.known() == {}


def test_looks_count_again_after_the_servers_clock_was_set_back(
    alerts: Alerts, redis_client: "redis.Redis"
) -> None:
    ahead = (redis_time(redis_client) + HOUR).timestamp() * 1000
    redis_client.hset("relay:alerts", "looked_at", round(ahead))
    assert alerts.events(condition()) == [("json", "begun")]


@pytest.fixture
def snapshot_reader(redis_client: "redis.Redis") -> SnapshotReader:
    """Sees the account `acme`, and that a worker and a beat are alive."""
    Registry(redis_client).save_account(builders.account("acme"))
    Ledger(redis_client).processes.worker_alive("relay-1@here")
    Ledger(redis_client).processes.beat_alive("beat-1@here")
    return SnapshotReader(redis_client, "https://signup.example.com")


def watch(
    look: Callable[[], Snapshot], client: "redis.Redis", services: Sequence[Service]
) -> AlertDispatcher:
    return AlertDispatcher(look, AlertLedger(client, AT_ONCE), services, stopping=lambda: False)


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


def test_workers_that_all_see_the_condition_notify_each_service_once(
    redis_client: "redis.Redis", snapshot_reader: SnapshotReader, ledger: Ledger
) -> None:
    ledger.hold("acme", HoldReason.RECONNECT, by="answer")
    all_saw_it = threading.Barrier(WORKERS)
    services = [FakeService("json"), FakeService("mailto")]

    def look() -> Snapshot:
        seen = snapshot_reader.take()
        all_saw_it.wait(timeout=10)  # holds each until all know of the condition
        return seen

    def work(_: int) -> None:
        watch(look, redis_client, services).dispatch()

    with ThreadPoolExecutor(WORKERS) as workers:
        list(workers.map(work, range(WORKERS)))
        assert [len(service.sent) for service in services] == [1, 1]
        ledger.lift("acme", HoldReason.RECONNECT)
        list(workers.map(work, range(WORKERS)))
    assert [[kind for _, kind in service.sent] for service in services] == [
        [MessageKind.PROBLEM, MessageKind.OVER]
    ] * 2


def test_a_process_looks_once_at_a_time(
    redis_client: "redis.Redis", snapshot_reader: SnapshotReader
) -> None:
    looking, go_on = threading.Event(), threading.Event()
    looks = []

    def look() -> Snapshot:
        looks.append(1)
        looking.set()
        assert go_on.wait(timeout=10)
        return snapshot_reader.take()

    watching = watch(look, redis_client, [FakeService()])
    with ThreadPoolExecutor(1) as other:
        first = other.submit(watching.dispatch)
        assert looking.wait(timeout=10)
        watching.dispatch()
        go_on.set()
        first.result(timeout=10)
    assert looks == [1]
    watching.dispatch()
    assert looks == [1, 1]


def test_a_worker_that_is_stopping_begins_to_tell_nothing_more(
    redis_client: "redis.Redis", snapshot_reader: SnapshotReader, ledger: Ledger
) -> None:
    ledger.hold("acme", HoldReason.RECONNECT, by="answer")
    service = FakeService()
    alerts = AlertLedger(redis_client, AT_ONCE)
    AlertDispatcher(snapshot_reader.take, alerts, [service], stopping=lambda: True).dispatch()
    assert service.sent == []


def test_nobody_looks_where_nobody_is_to_be_told(redis_client: "redis.Redis") -> None:
    def look() -> Snapshot:
        raise AssertionError("nobody asked for it")

    watch(look, redis_client, []).dispatch()


def test_tokens_that_fail_to_refresh_are_seen(
    redis_client: "redis.Redis", snapshot_reader: SnapshotReader
) -> None:
    now = round(redis_time(redis_client).timestamp() * 1000)
    redis_client.hset(
        "relay:{acme}:tokens",
        mapping={
            "version": 1,
            "access": "sealed",
            "refresh": "sealed",
            "digest": "d",
            "received_at": now - 1000,
            "expires_at": now - 1,
            "scopes": "",
            "client_id": "test-key",
            "failures": 2,
        },
    )
    service = FakeService()
    watch(snapshot_reader.take, redis_client, [service]).dispatch()
    assert service.sent == [("acme: its access token cannot be refreshed", MessageKind.WARNING)]


def test_a_look_tells_of_dead_letters_a_spool_and_silent_processes(
    redis_client: "redis.Redis", snapshot_reader: SnapshotReader, dead: DeadLetters
) -> None:
    dead.die(DeathReason.REJECTED)
    figures = SpoolFigures(count=2, bytes=9, oldest=HOUR)
    dead.ledger.spools.note("0f", "web-1", figures)
    redis_client.zadd("relay:workers", {"relay-1@here": 0})
    redis_client.zadd("relay:beats", {"beat-1@here": 0})
    dead.given()  # so that the millisecond in which it died is over
    redis_client.delete("relay:alerts:dead-letters")
    service = FakeService()
    watch(snapshot_reader.take, redis_client, [service]).dispatch()
    assert sorted(title for title, _ in service.sent) == [
        "No beat is alive, so quiet accounts' tokens are not refreshed",
        "No worker is alive, so nothing is delivered",
        "acme: 1 failed sign-up: 1 rejected",
        "web-1: 2 sign-ups wait on its own disk",
    ]


# --- while Redis is away


def test_beat_tells_by_itself_that_redis_is_away(tmp_path: Path) -> None:
    away = connect(f"unix://{tmp_path}/nobody-listens", socket_timeout=1, socket_connect_timeout=1)
    service = FakeService()
    watching = watch(SnapshotReader(away, "https://signup.example.com").take, away, [service])
    BeatAlerts(watching, RedisOutageAlert([service], timedelta(0), lambda: 0.0)).look()
    assert service.sent == [
        (
            "Redis does not answer: there is no socket at its path; nothing is delivered",
            MessageKind.PROBLEM,
        )
    ]


# --- a real service


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


class Lines(logging.Handler):
    """Keeps the lines that a process would print."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(LineFormatter("worker"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """The lines that a process would print; pytest's own also listens to who keeps silent."""
    caplog.set_level(logging.INFO)
    handler = Lines()
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)


def test_a_webhook_gets_title_body_and_kind(webhook: Webhook) -> None:
    (service,) = make_services([webhook.address])
    assert service.send("A title", "One.\n\nTwo: https://x.example/a?b=1&c", MessageKind.PROBLEM)
    (message,) = webhook.taken
    assert (message["title"], message["type"]) == ("A title", "failure")
    assert message["message"] == "One.\n\nTwo: https://x.example/a?b=1&c"


@pytest.mark.parametrize("status", [403, 500])
def test_a_service_that_refuses_is_tried_again_and_its_address_is_in_no_log(
    webhook: Webhook,
    redis_client: "redis.Redis",
    snapshot_reader: SnapshotReader,
    ledger: Ledger,
    logged: list[str],
    status: int,
) -> None:
    ledger.hold("acme", HoldReason.RECONNECT, by="answer")
    eager = AlertLedger(redis_client, Throttle(after=timedelta(0), pause=timedelta(0)))
    ran_out = iter([False, True])
    services = make_services([webhook.address])
    webhook.status = status

    AlertDispatcher(
        snapshot_reader.take, eager, services, stopping=lambda: next(ran_out, True)
    ).dispatch()
    assert "alert not sent, tried again later service=json" in logged[0]
    assert webhook.taken == []

    webhook.status = 200
    AlertDispatcher(snapshot_reader.take, eager, services, stopping=lambda: False).dispatch()
    assert len(webhook.taken) == 1
    assert "alert sent service=json condition=reconnect:acme event=begun" in logged[1]
    assert len(logged) == 2
    assert not any("127.0.0.1" in line or "secret" in line for line in logged)


def test_a_service_that_raises_failed_and_says_no_more_than_that(logged: list[str]) -> None:
    class Exploding:
        def notify(self, *args: object, **options: object) -> bool:
            raise RuntimeError("json://127.0.0.1:9/the-secret-path")

    service = Service("json", cast("apprise.Apprise", Exploding()))
    assert not service.send("A title", "A body", MessageKind.INFO)
    assert len(logged) == 1
    assert "secret" not in logged[0]


def test_a_worker_tells_the_services_of_its_settings(
    settings_with: Callable[..., Settings],
    webhook: Webhook,
    snapshot_reader: SnapshotReader,
    ledger: Ledger,
) -> None:
    ledger.hold("acme", HoldReason.FORBIDDEN, by="answer")
    settings = settings_with(alerts=(webhook.address,), alert_after=timedelta(0))
    WorkerRuntime("relay-1@here", settings, Silent()).alerts.look()
    assert webhook.titles == ["acme is on hold: its login may not write contacts"]


def test_while_redis_is_away_a_look_fails_in_one_line(
    settings_with: Callable[..., Settings], tmp_path: Path, logged: list[str]
) -> None:
    away = f"unix://{tmp_path}/nobody-listens"
    settings = settings_with(alerts=("json://127.0.0.1:9/the-secret-path",), redis_url=away)
    WorkerRuntime("relay-1@here", settings, Silent()).alerts.look()
    (line,) = logged
    assert "could not look for alerts" in line


# --- the command


@pytest.fixture
def run(
    settings: Settings,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Run a command with RELAY_ALERTS as given; return its status, output and errors."""
    environ = {
        "REDIS_URL": settings.redis_url,
        "CTCT_CLIENT_ID": settings.client_id,
        "CTCT_CLIENT_SECRET": settings.client_secret,
        "RELAY_SECRET_KEY": settings.secret_keys[0],
        "RELAY_DATA_DIR": str(settings.data_dir),
    }
    command_line = CommandLine(monkeypatch, capsys, environ)

    def run(*arguments: str, alerts: str = "") -> tuple[int, str, str]:
        command_line.set(RELAY_ALERTS=alerts)
        ran = command_line("alerts", *arguments)
        return ran.status, ran.out, ran.err

    return run


def test_a_test_message_goes_to_every_service(run: Callable[..., Any], webhook: Webhook) -> None:
    status, out, err = run("test", alerts=webhook.address)
    assert (status, out, err) == (0, "json: sent\n", "")
    (message,) = webhook.taken
    assert message["type"] == "info"
    assert "relay alerts test" in message["message"]


def test_a_test_message_that_does_not_get_out_is_a_failure_without_the_address(
    run: Callable[..., Any], webhook: Webhook
) -> None:
    closed = "json://127.0.0.1:9/the-secret-path"
    status, out, err = run("test", alerts=f"{webhook.address} {closed}")
    assert (status, out) == (1, "json: sent\njson 2: failed\n")
    assert "secret" not in err
    status, out, err = run("test", "--json", alerts=closed)
    assert (status, json.loads(out)) == (1, [{"service": "json", "sent": False}])


def test_without_a_service_the_test_names_the_setting(run: Callable[..., Any]) -> None:
    status, out, err = run("test")
    assert (status, out) == (1, "")
    assert "RELAY_ALERTS" in err


def test_active_conditions_are_listed_with_the_time_of_their_alert(
    run: Callable[..., Any],
    webhook: Webhook,
    redis_client: "redis.Redis",
    snapshot_reader: SnapshotReader,
    ledger: Ledger,
) -> None:
    assert run("list", "--json") == (0, "[]\n", "")
    ledger.hold("acme", HoldReason.RECONNECT, by="answer", note="refused")
    _, out, _ = run("list", "--json")
    (listed,) = json.loads(out)
    assert (listed["key"], listed["account"]) == ("reconnect:acme", "acme")
    assert listed["since"] is not None
    assert listed["told_at"] is None

    watch(snapshot_reader.take, redis_client, make_services([webhook.address])).dispatch()
    _, out, _ = run("list", "--json")
    assert json.loads(out)[0]["told_at"] is not None


def test_the_list_for_people_says_what_stands_and_whether_anybody_is_told(
    run: Callable[..., Any], webhook: Webhook, snapshot_reader: SnapshotReader, ledger: Ledger
) -> None:
    _, out, _ = run("list")
    assert "No alert is active." in out
    assert "Alerts are off. Set RELAY_ALERTS" in out
    ledger.hold("acme", HoldReason.RECONNECT, by="answer", note="refused")
    _, out, _ = run("list", alerts=webhook.address)
    assert "problem: acme is on hold" in out
    assert "relay connect acme" in out
    assert "Notified: not yet" in out
    assert "RELAY_ALERTS" not in out
