"""The worker's own look: lanes run although no message brings them."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

import pytest
import redis

from shared.constant_contact.client import ConstantContact
from shared.constant_contact.factory import make_constant_contact
from shared.constant_contact.pacing import job_pace
from shared.domain.account import Account
from shared.infrastructure import queues
from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.settings import Settings
from shared.ledger.busy_accounts import BusyAccounts
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.job_steps import job_feeder, job_steps
from tests.support.ports import free_port
from tests.support.valkey_server import ValkeyServer
from worker.delivery.connection_pool import ConnectionPool
from worker.delivery.lane import Lane, LaneReport
from worker.delivery.lane_places import LanePlaces
from worker.delivery.lane_runner import LaneRunner
from worker.delivery.poller import DueWork, Poller
from worker.upkeep.job_runner import JobRunner


class Recorder:
    """Makes lanes that do nothing, and notes them."""

    def __init__(self) -> None:
        self._ran = threading.Semaphore(0)

    def make_lane(self, account: Account, contacts: ConstantContact) -> Lane:
        assert account.name == "acme"
        return cast(Lane, self)

    def run(self) -> LaneReport:
        self._ran.release()
        return {"stopped": "nothing due"}

    def ran_one(self) -> bool:
        return self._ran.acquire(timeout=30)

    def ran_none(self) -> bool:
        return not self._ran.acquire(blocking=False)


class Worker:
    """A worker that polls, with lanes that do nothing."""

    def __init__(self, settings: Settings, client: "redis.Redis", *, delivers: bool = True) -> None:
        self.stopping = threading.Event()
        self.places = LanePlaces(4)
        self.recorder = Recorder()
        registry, ledger = Registry(client), Ledger(client)
        self.lanes = LaneRunner(
            registry=registry,
            places=self.places,
            connections=ConnectionPool(partial(make_constant_contact, settings, client)),
            make_lane=self.recorder.make_lane,
            publish=Publisher(settings).notify_workers,
            stopping=self.stopping,
            delivers=delivers,
        )
        steps = job_steps(client, job_pace(settings))
        runner = JobRunner(steps, self.stopping)
        self.due = DueWork(registry, BusyAccounts(client), job_feeder(steps), runner.note)
        self.poller = Poller(
            self.due, self.lanes, partial(ledger.processes.worker_alive, "relay-1@test")
        )

    def look(self, times: int = 1) -> None:
        for _ in range(times):
            self.poller.poll()


MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(settings: Settings, redis_client: "redis.Redis") -> MakeWorker:
    """Return a worker, with a sign-up that is due; settings and options as given."""
    Registry(redis_client).save_account(builders.account("acme"))
    builders.accept(Ledger(redis_client))

    def make(settings: Settings = settings, **options: bool) -> Worker:
        return Worker(settings, redis_client, **options)

    return make


def waiting(valkey: ValkeyServer) -> int:
    with valkey.client(1) as broker:
        return int(broker.llen(queues.DELIVER_QUEUE))


def test_what_is_due_is_asked_for_and_run_here_when_it_still_is_at_the_next_look(
    make_worker: MakeWorker, valkey: ValkeyServer
) -> None:
    worker = make_worker()
    worker.look()
    assert waiting(valkey) == 1
    assert worker.recorder.ran_none()
    worker.look()
    assert worker.recorder.ran_one()
    assert waiting(valkey) == 1


def test_where_a_lane_runs_already_another_one_is_asked_for(
    make_worker: MakeWorker, valkey: ValkeyServer
) -> None:
    worker = make_worker()
    with worker.places.take("acme"):
        worker.look(2)
    assert waiting(valkey) == 2
    assert worker.recorder.ran_none()


def test_without_a_broker_the_lane_runs_here_at_once(
    make_worker: MakeWorker, settings: Settings
) -> None:
    away = replace(settings, broker_url=f"redis://127.0.0.1:{free_port()}/1")
    worker = make_worker(away)
    worker.look()
    assert worker.recorder.ran_one()


def test_a_worker_that_serves_no_deliveries_only_asks(
    make_worker: MakeWorker, valkey: ValkeyServer
) -> None:
    worker = make_worker(delivers=False)
    worker.look(2)
    assert waiting(valkey) == 2
    assert worker.recorder.ran_none()


def test_a_worker_that_stops_starts_no_lane(make_worker: MakeWorker) -> None:
    worker = make_worker()
    worker.stopping.set()
    worker.look(2)
    assert worker.recorder.ran_none()


def test_a_lane_for_an_account_that_there_is_not_leaves_nothing_behind(
    make_worker: MakeWorker, redis_client: "redis.Redis"
) -> None:
    worker = make_worker()
    before = set(redis_client.scan_iter("*"))
    assert worker.lanes.run("nobody") == {"stopped": "no such account"}
    assert set(redis_client.scan_iter("*")) == before


def test_why_there_is_nothing_to_see_is_logged_once(
    settings: Settings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "worker.delivery.poller")
    with ValkeyServer(tmp_path / "ledger") as server, server.client() as client:
        worker = Worker(settings, client)
        server.stop()
        worker.look(times=3)
        server.start()
        worker.look(times=2)
    said = [record.getMessage() for record in caplog.records]
    assert said == ["could not look for due sign-ups", "due sign-ups can be seen again"]
