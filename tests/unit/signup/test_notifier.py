"""Notifications go out on a thread of their own; their failures disturb nobody."""

import logging
import threading
import time
from collections.abc import Callable

import pytest

from web.signup.notifier import LOG_EVERY, WorkerNotifier


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_nobody_waits_for_a_broker_that_hangs_and_notifications_do_not_pile_up() -> None:
    hanging = threading.Event()
    published: list[str] = []

    def publish(account: str) -> None:
        hanging.wait(timeout=5)
        published.append(account)

    notifier = WorkerNotifier(publish, clock=lambda: 0.0)
    for _ in range(100):
        notifier.notify_workers("acme")
    notifier.notify_workers("other")
    assert published == []
    hanging.set()
    wait_for(lambda: "other" in published)
    assert published.count("acme") <= 2


def test_a_failure_is_logged_once_a_minute_and_the_next_notification_goes_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    tried: list[str] = []

    def publish(account: str) -> None:
        tried.append(account)
        raise ConnectionError("redis://:secret@host")

    notifier = WorkerNotifier(publish, clock=lambda: now[0])

    def notify_workers(account: str) -> None:
        notifier.notify_workers(account)
        wait_for(lambda: account in tried)

    with caplog.at_level(logging.WARNING):
        notify_workers("a")
        notify_workers("b")
        wait_for(lambda: len(caplog.records) == 1)
        now[0] += LOG_EVERY.total_seconds()
        notify_workers("c")
        wait_for(lambda: len(caplog.records) == 2)
    assert "secret" not in caplog.text
