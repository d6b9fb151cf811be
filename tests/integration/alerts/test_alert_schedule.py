"""Who watches: a worker looks for troubles by itself exactly while no beat is alive."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import redis

from shared.infrastructure.settings import Settings
from tests.support.webhook import Webhook
from worker.alerts import alert_schedule
from worker.alerts.alert_schedule import AlertsWithoutBeat
from worker.runtime import WorkerRuntime
from worker.task_events import Silent


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as listening:
        yield listening


@pytest.fixture
def runtime(
    settings_with: Callable[..., Settings], webhook: Webhook, redis_client: "redis.Redis"
) -> WorkerRuntime:
    """A worker that is alive and tells the webhook at once."""
    settings = settings_with(alerts=(webhook.address,), alert_after=timedelta(0))
    runtime = WorkerRuntime(settings, Silent())
    runtime.ledger.worker_alive("relay-1@here")
    return runtime


def step(runtime: WorkerRuntime) -> AlertsWithoutBeat:
    return AlertsWithoutBeat.of(runtime)(None)


def test_a_worker_looks_once_it_has_seen_no_beat_for_a_minute(
    runtime: WorkerRuntime, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = step(runtime)
    watch.look()
    assert webhook.titles == []  # beat may not have started yet
    monkeypatch.setattr(alert_schedule, "BEAT_SILENT_AFTER", timedelta(0))
    watch.look()
    assert webhook.titles == ["No beat is alive, so quiet accounts' tokens are not refreshed"]


def test_a_worker_leaves_it_to_beat_while_one_is_alive(
    runtime: WorkerRuntime, webhook: Webhook, redis_client: "redis.Redis"
) -> None:
    watch = step(runtime)
    watch._began -= 3600  # so old that only a beat that is alive speaks against looking
    runtime.ledger.beat_alive("beat-1@here")
    watch.look()
    assert webhook.titles == []
    redis_client.delete("relay:beats")
    watch.look()
    assert len(webhook.titles) == 1
