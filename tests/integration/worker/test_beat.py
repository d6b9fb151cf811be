"""What beat sends, and when: whatever stood still or was set, nothing piles up or falls silent."""

from datetime import UTC, datetime, timedelta

import pytest
import redis

from shared.infrastructure import queues
from shared.infrastructure.celery_client import LONGEST_QUEUE
from shared.infrastructure.settings import Settings
from tests.support.builders import NOON
from tests.support.valkey_server import ValkeyServer
from worker.beat import make_service, steady_clock


class Host:
    """A beat, and the two clocks of its host."""

    def __init__(self, settings: Settings, broker: redis.Redis) -> None:
        self.wall = NOON
        self.monotonic = 1000.0
        now = steady_clock(lambda: self.wall, lambda: self.monotonic)
        self._scheduler = make_service(settings, now).scheduler
        self._broker = broker
        self.send_what_is_due()

    def send_what_is_due(self) -> None:
        while self._scheduler.tick() == 0:
            pass

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.stand_still(timedelta(seconds=1))
            self.send_what_is_due()

    def stand_still(self, time: timedelta) -> None:
        self.wall += time
        self.monotonic += time.total_seconds()

    def take_messages(self) -> list[int]:
        """Return how many messages lay in each queue, and empty them."""
        lengths = [int(self._broker.llen(queue)) for queue in queues.ALL_QUEUES]
        self._broker.delete(*queues.ALL_QUEUES)
        return lengths


@pytest.fixture
def host(settings: Settings, redis_client: "redis.Redis", valkey: ValkeyServer) -> Host:
    with valkey.client(1) as broker:
        return Host(settings, broker)


def test_every_message_is_sent_in_its_time(host: Host) -> None:
    host.run(39)
    assert host.take_messages() == [0, 0, 39 + 1]  # wakes, and a look for alerts every 20 s
    host.run(30)
    assert host.take_messages() == [0, 1, 30 + 2]


def test_after_an_hour_of_standing_still_each_message_is_sent_once(host: Host) -> None:
    host.run(5)
    host.take_messages()
    host.stand_still(timedelta(hours=1))
    host.send_what_is_due()
    assert host.take_messages() == [0, 1, 2]


def test_messages_that_nobody_takes_do_not_pile_up(host: Host) -> None:
    host.run(120)
    host.stand_still(timedelta(hours=1))
    host.run(120)
    assert max(host.take_messages()) == LONGEST_QUEUE


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(hours=1)], ids=str)
def test_setting_the_hosts_clock_changes_nothing(host: Host, step: timedelta) -> None:
    host.run(5)
    host.take_messages()
    host.wall += step
    host.run(5)
    assert host.take_messages() == [0, 0, 5]


def test_beats_clock_begins_with_the_hosts() -> None:
    assert abs(steady_clock()() - datetime.now(UTC)) < timedelta(minutes=1)
