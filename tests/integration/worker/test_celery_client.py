"""The Celery app that web and worker share: nothing in web may wait for a broker."""

import time
from dataclasses import replace

import pytest
import redis
from kombu.exceptions import OperationalError

from shared.infrastructure.celery_client import LONGEST_QUEUE, Publisher, make_celery
from shared.infrastructure.settings import Settings
from tests.support.valkey_server import ValkeyServer


def publishing_to(broker: ValkeyServer, settings: Settings) -> Settings:
    return replace(settings, broker_url=broker.url())


@pytest.mark.parametrize("state", ["frozen", "away"])
def test_publishing_gives_up_soon_and_recovers(
    broker: ValkeyServer, settings: Settings, state: str
) -> None:
    publisher = Publisher(publishing_to(broker, settings))
    publisher.notify_workers("acme")
    broker.freeze() if state == "frozen" else broker.stop()
    for _ in range(2):
        began = time.monotonic()
        with pytest.raises((OperationalError, OSError, redis.RedisError)):
            publisher.notify_workers("acme")
        assert time.monotonic() - began < 5
    broker.thaw() if state == "frozen" else broker.start()
    publisher.notify_workers("acme")
    assert broker.client().llen("deliver") >= 1


def test_messages_are_json_and_results_are_not_kept(settings: Settings) -> None:
    conf = make_celery(settings, publishing=False).conf
    assert conf.accept_content == ["json"]
    assert conf.result_backend is None
    assert conf.task_ignore_result is True


def test_messages_that_nobody_takes_do_not_pile_up(
    broker: ValkeyServer, settings: Settings
) -> None:
    publisher = Publisher(publishing_to(broker, settings))
    for _ in range(LONGEST_QUEUE + 20):
        publisher.notify_workers("acme")
    assert broker.client().llen("deliver") == LONGEST_QUEUE
