"""The dead-man's switch: a ping goes out exactly while sign-ups can be delivered."""

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.infrastructure.redis_urls import connect
from shared.ledger.ledger import Ledger
from tests.support.webhook import Webhook
from worker.upkeep.heartbeat import Heartbeat


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    """A ledger with a worker that is alive."""
    ledger = Ledger(redis_client)
    ledger.processes.worker_alive("relay-1@here")
    return ledger


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger="worker.upkeep.heartbeat")
    return caplog


def causes(logged: pytest.LogCaptureFixture) -> list[str]:
    """Return what was logged: why there is no heartbeat, or that there is one again."""
    return [str(getattr(record, "cause", record.message)) for record in logged.records]


def test_a_ping_goes_out_while_a_worker_is_alive(
    ledger: Ledger, webhook: Webhook, logged: pytest.LogCaptureFixture
) -> None:
    beating = Heartbeat(webhook.page, ledger)
    beating.ping()
    beating.ping()
    assert webhook.asked == ["/the-secret-path"] * 2
    assert causes(logged) == []


def test_no_ping_goes_out_without_a_worker_and_that_is_said_once(
    ledger: Ledger,
    redis_client: "redis.Redis",
    webhook: Webhook,
    logged: pytest.LogCaptureFixture,
) -> None:
    seconds, _ = redis_client.time()
    redis_client.zadd("relay:workers", {"relay-1@here": (seconds - 61) * 1000})
    beating = Heartbeat(webhook.page, ledger)
    for _ in range(3):
        beating.ping()
    assert webhook.asked == []
    ledger.processes.worker_alive("relay-1@here")
    beating.ping()
    assert len(webhook.asked) == 1
    assert causes(logged) == [
        "no worker has been seen for a minute",
        "heartbeat sent again",
    ]


def test_no_ping_goes_out_while_redis_does_not_answer(
    tmp_path: Path, webhook: Webhook, logged: pytest.LogCaptureFixture
) -> None:
    away = connect(f"unix://{tmp_path}/nobody-listens", socket_timeout=1, socket_connect_timeout=1)
    Heartbeat(webhook.page, Ledger(away)).ping()
    assert webhook.asked == []
    assert causes(logged) == ["Redis does not answer: there is no socket at its path"]


@pytest.mark.parametrize("status", [302, 404, 500])
def test_a_ping_that_fails_is_said_once_for_each_cause_without_the_address(
    ledger: Ledger, webhook: Webhook, logged: pytest.LogCaptureFixture, status: int
) -> None:
    webhook.status = status
    beating = Heartbeat(webhook.page, ledger)
    beating.ping()
    beating.ping()
    webhook.status = 200
    beating.ping()
    assert causes(logged) == [f"HTTP {status}", "heartbeat sent again"]
    assert "secret" not in logged.text


def test_nobody_that_listens_is_a_cause_like_any_other(
    ledger: Ledger, logged: pytest.LogCaptureFixture
) -> None:
    Heartbeat("http://127.0.0.1:9/the-secret-path", ledger).ping()
    (cause,) = causes(logged)
    assert cause.startswith("could not connect")
    assert "secret" not in logged.text


def test_a_server_that_never_ends_its_answer_holds_it_up_for_the_deadline_only(
    ledger: Ledger, logged: pytest.LogCaptureFixture
) -> None:
    deadline = timedelta(milliseconds=500)
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not ended.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            Heartbeat(f"http://127.0.0.1:{server.getsockname()[1]}/", ledger, deadline).ping()
        finally:
            ended.set()
            dripping.join(10)
    assert causes(logged) == ["no answer within 0.5 s"]
