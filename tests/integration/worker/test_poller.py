"""The worker's own look: lanes run although no message brings them."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import redis

from shared.infrastructure import queues
from shared.infrastructure.addresses import free_port
from shared.infrastructure.settings import Settings
from tests.support import builders
from tests.support.valkey_server import ValkeyServer
from worker.poller import Poller
from worker.runtime import WorkerRuntime
from worker.task_events import Silent

MakeWiring = Callable[..., "Recording"]


class Recording(WorkerRuntime):
    """Runs no lane, but notes those it should have run. The next one ends when `end` is set."""

    def __init__(self, settings: Settings, *, delivers: bool = True) -> None:
        super().__init__(settings, Silent(), delivers=delivers)
        self.ran = threading.Semaphore(0)

    def run_lane(self, account: str) -> dict[str, int | str]:
        assert account == "acme"
        self.ran.release()
        return {"stopped": "nothing due"}

    def ran_one(self) -> bool:
        return self.ran.acquire(timeout=30)

    def ran_none(self) -> bool:
        return not self.ran.acquire(blocking=False)


@pytest.fixture
def with_something_due(settings: Settings, redis_client: "redis.Redis") -> Settings:
    runtime = WorkerRuntime(settings, Silent())
    runtime.registry.save_account(builders.account("acme"))
    builders.accept(runtime.ledger)
    return settings


def poller_of(runtime: WorkerRuntime) -> Poller:
    return Poller.watching(runtime, "relay-1@test")(None)


def waiting(valkey: ValkeyServer) -> int:
    with valkey.client(1) as broker:
        return int(broker.llen(queues.DELIVER_QUEUE))


def test_what_is_due_is_asked_for_and_run_here_when_it_still_is_at_the_next_look(
    with_something_due: Settings, valkey: ValkeyServer
) -> None:
    runtime = Recording(with_something_due)
    poller = poller_of(runtime)
    poller.look()
    assert waiting(valkey) == 1
    assert runtime.ran_none()
    poller.look()
    assert runtime.ran_one()
    assert waiting(valkey) == 1


def test_where_a_lane_runs_already_another_one_is_asked_for(
    with_something_due: Settings, valkey: ValkeyServer
) -> None:
    runtime = Recording(with_something_due)
    poller = poller_of(runtime)
    with runtime.places.take("acme"):
        poller.look()
        poller.look()
    assert waiting(valkey) == 2
    assert runtime.ran_none()


def test_without_a_broker_the_lane_runs_here_at_once(with_something_due: Settings) -> None:
    away = replace(with_something_due, broker_url=f"redis://127.0.0.1:{free_port()}/1")
    runtime = Recording(away)
    poller_of(runtime).look()
    assert runtime.ran_one()


def test_a_worker_that_serves_no_deliveries_only_asks(
    with_something_due: Settings, valkey: ValkeyServer
) -> None:
    runtime = Recording(with_something_due, delivers=False)
    poller = poller_of(runtime)
    poller.look()
    poller.look()
    assert waiting(valkey) == 2
    assert runtime.ran_none()


def test_a_worker_that_stops_starts_no_lane(with_something_due: Settings) -> None:
    runtime = Recording(with_something_due)
    runtime.stopping.set()
    poller = poller_of(runtime)
    poller.look()
    poller.look()
    assert runtime.ran_none()


def test_a_lane_for_an_account_that_there_is_not_leaves_nothing_behind(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    runtime = WorkerRuntime(settings, Silent())
    before = set(redis_client.scan_iter("*"))
    assert runtime.run_lane("nobody") == {"stopped": "no such account"}
    assert set(redis_client.scan_iter("*")) == before
