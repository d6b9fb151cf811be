"""A worker outlives the death of its broker, at whatever moment it comes."""

import logging
from contextlib import suppress
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest
import redis
from celery.worker import consumer as celery_consumer
from kombu import Connection, Exchange, Message, Queue
from kombu import Consumer as Messages

from shared.infrastructure.celery_client import make_celery
from shared.infrastructure.settings import Settings
from tests.support.valkey_server import ValkeyServer
from worker.consumer import Consumer

log = logging.getLogger(__name__)

# As Celery makes it for remote control, which is off now: a plugin might bring another one.
MAILBOX = Queue("mailbox", Exchange("mailbox", type="fanout"), auto_delete=True)
DELIVER = Queue("deliver", Exchange("deliver"), routing_key="deliver")


class Reading:
    """A connection as a worker has it: reading queues, with one message taken from `deliver`."""

    def __init__(self, broker: ValkeyServer, settings: Settings, **options: Any) -> None:
        app = make_celery(replace(settings, broker_url=broker.url()), publishing=False)
        options = {**app.conf.broker_transport_options, **options}
        self.connection = Connection(broker.url(), transport_options=options)
        self.taken: list[Message] = []
        channel = self.connection.default_channel
        self.consumer = Messages(channel, [DELIVER], on_message=self.taken.append)
        Messages(self.connection.channel(), [MAILBOX], on_message=self.taken.append).consume()
        self.connection.channel()
        self.consumer.consume()
        self.connection.Producer().publish({}, routing_key="deliver")
        while not self.taken:
            self.connection.drain_events(timeout=5)
        with suppress(TimeoutError):  # leaves it waiting for the next message, as a worker does
            self.connection.drain_events(timeout=0.1)

    def worker(self) -> Consumer:
        """Return the worker's consumer, with what it needs when the connection breaks."""
        worker = Consumer.__new__(Consumer)
        worker.connection = self.connection
        worker.channel_errors = (redis.ResponseError,)
        worker.task_consumer = self.consumer
        with mock.patch.object(celery_consumer.Consumer, "on_ready"):
            worker.on_ready()
        return worker


def acknowledge(message: Message, connection: Connection) -> None:
    """Do what Celery's event loop does when a task has begun, and lets no error pass of."""
    message.ack_log_error(log, connection.connection_errors)


def test_a_task_that_begins_when_the_broker_has_died_needs_no_broker(
    broker: ValkeyServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    reading = Reading(broker, settings)
    worker = reading.worker()
    broker.kill()
    acknowledge(reading.taken[0], reading.connection)
    worker.on_connection_error_after_connected(redis.ConnectionError("lost"))
    assert "Couldn't ack" not in caplog.text
    assert worker.connection is None


def test_a_task_that_begins_when_its_connection_is_gone_needs_none(
    broker: ValkeyServer, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    reading = Reading(broker, settings)
    worker = reading.worker()
    broker.kill()
    worker.on_connection_error_after_connected(redis.ConnectionError("lost"))
    acknowledge(reading.taken[0], reading.connection)
    # kombu writes what it cannot put back to a file, and to the log.
    assert "DUMP" not in caplog.text and "Restoring" not in caplog.text


def test_a_connection_that_fails_while_it_is_closed_does_not_end_the_worker(
    broker: ValkeyServer, settings: Settings
) -> None:
    # With acknowledgements in Redis, closing it twice asks a connection that is gone.
    reading = Reading(broker, settings, ack_emulation=True)
    worker = reading.worker()
    worker.task_consumer.channel.do_restore = True
    broker.kill()
    worker.on_connection_error_after_connected(redis.ConnectionError("lost"))
    assert worker.connection is None


def test_a_broker_without_acknowledgements_keeps_nothing_of_a_taken_message(
    broker: ValkeyServer, settings: Settings
) -> None:
    Reading(broker, settings).worker()
    left = {key for key in broker.client().scan_iter() if not key.startswith("_kombu.binding")}
    assert left == set()
