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
from worker.poller import Lookout
from worker.runtime import Wiring
from worker.task_events import Silent

MakeWiring = Callable[..., "Recording"]


class Recording(Wiring):
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
    wiring = Wiring(settings, Silent())
    wiring.registry.save_account(builders.account("acme"))
    builders.accept(wiring.ledger)
    return settings


def lookout_of(wiring: Wiring) -> Lookout:
    return Lookout.watching(wiring, "relay-1@test")(None)


def waiting(valkey: ValkeyServer) -> int:
    with valkey.client(1) as broker:
        return int(broker.llen(queues.DELIVER_QUEUE))


def test_what_is_due_is_asked_for_and_run_here_when_it_still_is_at_the_next_look(
    with_something_due: Settings, valkey: ValkeyServer
) -> None:
    wiring = Recording(with_something_due)
    lookout = lookout_of(wiring)
    lookout.look()
    assert waiting(valkey) == 1
    assert wiring.ran_none()
    lookout.look()
    assert wiring.ran_one()
    assert waiting(valkey) == 1


def test_where_a_lane_runs_already_another_one_is_asked_for(
    with_something_due: Settings, valkey: ValkeyServer
) -> None:
    wiring = Recording(with_something_due)
    lookout = lookout_of(wiring)
    with wiring.places.take("acme"):
        lookout.look()
        lookout.look()
    assert waiting(valkey) == 2
    assert wiring.ran_none()


def test_without_a_broker_the_lane_runs_here_at_once(with_something_due: Settings) -> None:
    away = replace(with_something_due, broker_url=f"redis://127.0.0.1:{free_port()}/1")
    wiring = Recording(away)
    lookout_of(wiring).look()
    assert wiring.ran_one()


def test_a_worker_that_serves_no_deliveries_only_asks(
    with_something_due: Settings, valkey: ValkeyServer
) -> None:
    wiring = Recording(with_something_due, delivers=False)
    lookout = lookout_of(wiring)
    lookout.look()
    lookout.look()
    assert waiting(valkey) == 2
    assert wiring.ran_none()


def test_a_worker_that_stops_starts_no_lane(with_something_due: Settings) -> None:
    wiring = Recording(with_something_due)
    wiring.stopping.set()
    lookout = lookout_of(wiring)
    lookout.look()
    lookout.look()
    assert wiring.ran_none()


def test_a_lane_for_an_account_that_there_is_not_leaves_nothing_behind(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    wiring = Wiring(settings, Silent())
    before = set(redis_client.scan_iter("*"))
    assert wiring.run_lane("nobody") == {"stopped": "no such account"}
    assert set(redis_client.scan_iter("*")) == before
