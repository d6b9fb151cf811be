"""Workers that clear what is over: in small steps, several at once, and one after the other's
death."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.domain.errors import Refused
from shared.domain.retention import Retention
from shared.ledger import keys
from shared.ledger.format import all_upgraded, open_ledger
from shared.ledger.ledger import Ledger
from shared.ledger.limits import MOST_CLEARED
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from tests.support import builders, clearing_process
from tests.support.beside import Beside
from tests.support.dumps.loader import FORMAT_1, restore
from tests.support.records import read_record
from tests.support.retention import retention, store_delivered
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from worker.upkeep import record_clearing
from worker.upkeep.record_clearing import RecordClearing
from worker.upkeep.upgrade import LedgerUpgrade

MANY = 3_000
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
FINGERPRINTS = Fingerprints("a key of the tests")
ONE_DAY = retention(delivered=DAY, addresses=DAY)


@pytest.fixture(autouse=True)
def no_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look is a round, so that workers do not leave it to each other."""
    monkeypatch.setattr(record_clearing, "CLEAR_EVERY", timedelta())
    monkeypatch.setattr(record_clearing, "PAUSE", timedelta())


@pytest.fixture
def clients(valkey: ValkeyServer) -> Iterator[list["redis.Redis"]]:
    made = [valkey.client() for _ in range(4)]
    yield made
    for client in made:
        client.close()


def worker(
    client: "redis.Redis", kept: Retention = ONE_DAY, stopping: threading.Event | None = None
) -> RecordClearing:
    return RecordClearing(
        Ledger(client),
        RecordKeeping(client, kept),
        Registry(client),
        lambda: FINGERPRINTS,
        lambda: all_upgraded(client),
        stopping or threading.Event(),
    )


def switched_on_long_ago(client: "redis.Redis", *names: str) -> None:
    client.hset(keys.RETENTION, mapping=dict.fromkeys(names, "1"))


def store(client: "redis.Redis", count: int, *accounts: str) -> dict[str, list[str]]:
    """Store so many sign-ups of each account that are over, and return their ids."""
    switched_on_long_ago(client, "delivered", "addresses")
    for name in accounts:
        Registry(client).save_account(builders.account(name))
    return {name: store_delivered(client, name, count, age=2 * DAY) for name in accounts}


def check_cleared(client: "redis.Redis", stored: dict[str, list[str]]) -> None:
    """Each is evidence, once, with a digest for its address; the counts are as before."""
    for name, ids in stored.items():
        prefix = keys.account(name)
        assert not client.exists(f"{prefix}received:delivered")
        assert client.zrange(f"{prefix}cleared", 0, -1) == ids
        for id in ids[::100]:
            record = read_record(client, f"{prefix}signup:{id}")
            assert record["state"] == "cleared"
            assert record["consent"]["address"] == FINGERPRINTS.visitor("192.0.2.1")
            assert client.zrange(f"{prefix}person:{record['person']}", 0, -1) == [id]
        figures = Ledger(client).figures(name)
        assert (figures.accepted, figures.delivered) == (len(ids), len(ids))


class Watch(Beside):
    """Looks at the counts again and again: each sign-up is in one state at every moment."""

    def __init__(self, client: "redis.Redis", *accounts: str) -> None:
        super().__init__()
        self._client, self._accounts = client, accounts
        self.looks, self.wrong = 0, list[Any]()

    def _run(self) -> None:
        while not self._ended.is_set():
            for name in self._accounts:
                prefix = keys.account(name)
                with self._client.pipeline(transaction=True) as reads:
                    reads.hgetall(f"{prefix}totals")
                    reads.zcard(f"{prefix}received:delivered")
                    reads.zcard(f"{prefix}cleared")
                    totals, delivered, cleared = reads.execute()
                self.looks += 1
                if not totals["accepted"] == totals["delivered"] == str(delivered + cleared):
                    self.wrong.append((totals, delivered, cleared))


def test_many_are_cleared_in_small_steps(redis_client: "redis.Redis") -> None:
    stored = store(redis_client, MANY, "acme")
    redis_client.config_resetstat()
    # The records are cleared; then the addresses in their evidence are read, and replaced.
    for _ in range(2):
        worker(redis_client).look()
    steps = redis_client.info("commandstats")["cmdstat_evalsha"]["calls"]
    assert steps >= 3 * MANY / MOST_CLEARED
    check_cleared(redis_client, stored)


def test_several_workers_at_once_clear_each_record_once(
    redis_client: "redis.Redis", clients: list["redis.Redis"], valkey: ValkeyServer
) -> None:
    stored = store(redis_client, 1500, "acme", "blue", "coral")
    with Watch(valkey.client(), *stored) as watch, ThreadPoolExecutor(len(clients)) as threads:
        list(threads.map(lambda client: worker(client).look(), clients))
    for client in clients:
        worker(client).look()  # addresses of evidence that came behind another worker's walk
    check_cleared(redis_client, stored)
    assert watch.looks > 10
    assert not watch.wrong


def test_another_worker_goes_on_where_a_killed_one_stopped(
    redis_client: "redis.Redis", valkey: ValkeyServer
) -> None:
    stored = store(redis_client, 5000, "acme")
    with Watch(valkey.client(), "acme") as watch:
        killed = clearing_process.start(valkey.url(), DAY)
        try:
            eventually(
                lambda: redis_client.zcard(f"{keys.account('acme')}cleared") > 200,
                what="the first records are cleared",
            )
        finally:
            killed.kill()
            killed.wait()
        left = redis_client.zcard(f"{keys.account('acme')}received:delivered")
        assert left > 0
        worker(redis_client, retention(delivered=DAY)).look()
    assert not watch.wrong
    assert redis_client.zrange(f"{keys.account('acme')}cleared", 0, -1) == stored["acme"]


def test_a_worker_that_stops_leaves_the_rest_to_the_others(redis_client: "redis.Redis") -> None:
    store(redis_client, 1000, "acme")
    stopping = threading.Event()
    stopping.set()
    worker(redis_client, stopping=stopping).look()
    assert redis_client.zcard(f"{keys.account('acme')}received:delivered") >= 900
    worker(redis_client).look()
    assert not redis_client.exists(f"{keys.account('acme')}received:delivered")


def test_one_worker_in_each_round_looks_for_what_is_over(
    redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_clearing, "CLEAR_EVERY", DAY)
    store(redis_client, 30, "acme")
    redis_client.hset(keys.RETENTION, "round_at", int(redis_client.time()[0]) * 1000)
    worker(redis_client).look()
    assert redis_client.zcard(f"{keys.account('acme')}received:delivered") == 30
    redis_client.hdel(keys.RETENTION, "round_at")
    worker(redis_client).look()
    assert not redis_client.exists(f"{keys.account('acme')}received:delivered")


def test_the_first_start_says_from_when_retention_counts(
    redis_client: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        worker(redis_client).look()
    [told] = [record for record in caplog.records if "retention counts" in record.message]
    assert (vars(told)["delivered"], vars(told)["addresses"]) == ("1 d", "1 d")


def test_records_are_upgraded_first(redis_client: "redis.Redis", tmp_path: Path) -> None:
    restore(FORMAT_1, redis_client, tmp_path)
    open_ledger(redis_client)
    clearing = worker(redis_client)
    clearing.look()
    assert not redis_client.exists(keys.RETENTION)
    LedgerUpgrade(redis_client, threading.Event()).look()
    clearing.look()
    assert redis_client.hexists(keys.RETENTION, "delivered")


def test_a_wrong_secret_key_keeps_nothing_from_being_cleared(
    redis_client: "redis.Redis", caplog: pytest.LogCaptureFixture
) -> None:
    def fingerprints() -> Fingerprints:
        raise Refused("RELAY_SECRET_KEY cannot open it")

    store(redis_client, 30, "acme", "blue")
    kept = retention(delivered=DAY, addresses=DAY)
    clearing = replace(worker(redis_client, kept), fingerprints=fingerprints)
    for _ in range(2):
        clearing.look()
    indexes = [f"{keys.account(each)}received:delivered" for each in ("acme", "blue")]
    assert not redis_client.exists(*indexes)
    (told,) = {vars(each)["cause"] for each in caplog.records if "not replaced" in each.message}
    assert told == "RELAY_SECRET_KEY cannot open it"


def test_what_a_removed_account_left_is_cleared_and_forgotten(redis_client: "redis.Redis") -> None:
    store(redis_client, 50, "acme")
    switched_on_long_ago(redis_client, "consent")
    assert Registry(redis_client).remove_account("acme")
    worker(redis_client, retention(delivered=DAY, consent=DAY)).look()
    assert not redis_client.keys(f"{keys.account('acme')}signup:*")
    assert not redis_client.exists(keys.REMOVED_ACCOUNTS)
