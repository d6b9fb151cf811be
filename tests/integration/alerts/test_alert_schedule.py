"""Who looks: a worker looks for alerts by itself exactly while no beat is alive."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis

from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from tests.support.webhook import Webhook
from worker.alerts.dispatcher import make_alert_dispatcher
from worker.alerts.schedule import WorkerAlerts


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


class Worker:
    """A worker that is alive, notifies the webhook at once, and began `age` seconds ago."""

    def __init__(self, settings: Settings, client: "redis.Redis") -> None:
        self.age = 0.0
        self.ledger = Ledger(client)
        self.ledger.processes.worker_alive("relay-1@here")
        dispatcher = make_alert_dispatcher(settings, client)
        self.alerts = WorkerAlerts(dispatcher, self.ledger, monotonic=lambda: self.age)


@pytest.fixture
def worker(
    settings_with: Callable[..., Settings], webhook: Webhook, redis_client: "redis.Redis"
) -> Worker:
    settings = settings_with(alerts=(webhook.address,), alert_after=timedelta(0))
    return Worker(settings, redis_client)


def test_a_worker_looks_once_it_has_seen_no_beat_for_a_minute(
    worker: Worker, webhook: Webhook
) -> None:
    worker.alerts.look_without_beat()
    worker.age = 60
    worker.alerts.look_without_beat()
    assert webhook.titles == []  # beat may not have started yet
    worker.age = 61
    worker.alerts.look_without_beat()
    assert webhook.titles == ["No beat is alive, so quiet accounts' tokens are not refreshed"]


def test_a_worker_leaves_it_to_beat_while_one_is_alive(
    worker: Worker, webhook: Webhook, redis_client: "redis.Redis"
) -> None:
    worker.age = 3600  # so old that only a beat that is alive speaks against looking
    redis_client.delete("relay:workers")  # which would be an alert
    worker.ledger.processes.beat_alive("beat-1@here")
    worker.alerts.look_without_beat()
    assert webhook.titles == []
    redis_client.delete("relay:beats")
    worker.alerts.look_without_beat()
    assert webhook.titles == [
        "No worker is alive, so nothing is delivered",
        "No beat is alive, so quiet accounts' tokens are not refreshed",
    ]
