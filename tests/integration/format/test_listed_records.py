"""From format 3 to 4: lists find what was settled before, and dead letters get their groups."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.domain.signup import State
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.format import NEWEST, open_ledger, upgrade_some
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.factory import make_operations
from shared.operations.signup_lists import SignupFilter, SignupLists
from tests.support.dumps.loader import FORMAT_1, FORMAT_2, FORMAT_3, restore
from tests.support.records import record_of_any_format
from tests.support.upgrading import upgrade, upgrade_twice_at_once
from tests.support.valkey_server import ValkeyServer


@pytest.fixture(params=[FORMAT_1, FORMAT_2, FORMAT_3], ids=lambda dump: dump.name)
def old(
    request: pytest.FixtureRequest, redis_client: "redis.Redis", tmp_path: Path
) -> Iterator["redis.Redis"]:
    """A ledger of an older format, which processes of this version have taken over."""
    restore(request.param, redis_client, tmp_path)
    open_ledger(redis_client)
    yield redis_client


@pytest.fixture
def lists(settings: Settings, old: "redis.Redis") -> SignupLists:
    return make_operations(settings, old, lambda _: None).lists


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ledger.upgrades._BATCH", 20)


def stored(client: "redis.Redis") -> dict[str, dict[str, Any]]:
    """Return the records of all sign-ups by their ids."""
    return {
        str(key).rpartition(":")[2]: record_of_any_format(client, key)
        for key in client.scan_iter("relay:{*}:signup:*")
    }


def listed(lists: SignupLists, limit: int = 7, **chosen: Any) -> list[str]:
    """Return the ids on all pages."""
    found, cursor = [], None
    while True:
        page = lists.page(SignupFilter(**chosen), cursor=cursor, limit=limit)
        found += [signup.id for signup in page.signups]
        if page.next is None:
            return found
        cursor = page.next


def assert_found(lists: SignupLists, records: dict[str, dict[str, Any]]) -> None:
    """Lists have each sign-up once, the last received first, and each dead letter has its group."""
    received = {id: float(record["received_at"]) for id, record in records.items()}
    newest_first = sorted(records, key=lambda id: received[id], reverse=True)
    assert [received[id] for id in listed(lists)] == [received[id] for id in newest_first]
    for state in State:
        expected = {id for id in records if records[id]["state"] == state}
        assert Counter(listed(lists, states=frozenset({state}))) == Counter(expected)
    dead = [record for record in records.values() if record["state"] == "dead"]
    groups = lists.groups()
    assert sum(group.count for group in groups) == len(dead)
    for group in groups:
        ids = listed(lists, group=group.id, account=group.account)
        assert len(ids) == group.count
        its = [records[id] for id in ids]
        assert {(each["reason"], each["form"]) for each in its} == {(group.reason, group.form)}
        died = [float(each["settled_at"]) for each in its]
        assert [group.first_at.timestamp(), group.last_at.timestamp()] == pytest.approx(
            [min(died) / 1000, max(died) / 1000]
        )


def test_what_was_settled_before_is_found(old: "redis.Redis", lists: SignupLists) -> None:
    records = stored(old)
    upgrade(old)
    assert_found(lists, records)


def test_until_that_is_done_lists_leave_nothing_out(old: "redis.Redis", lists: SignupLists) -> None:
    records = stored(old)
    while True:
        assert Counter(listed(lists)) == Counter(records.keys())
        for reason in ("rejected", "gave_up"):
            dead = {id for id, record in records.items() if record.get("reason") == reason}
            assert set(listed(lists, states=frozenset({State.DEAD}), reason=reason)) <= dead
            assert set(listed(lists, reason=reason)) == dead
        if not upgrade_some(old):
            break
    assert old.hgetall(keys.FORMAT) == {"number": str(NEWEST), "upgraded": str(NEWEST)}


def test_it_may_be_interrupted_repeated_and_done_twice_at_once(
    old: "redis.Redis", lists: SignupLists, valkey: ValkeyServer
) -> None:
    records = stored(old)
    for _ in range(3):
        upgrade_some(old)
    old.hdel(keys.FORMAT, "cursor")  # from the beginning once more
    upgrade_twice_at_once(valkey)
    assert_found(lists, records)
    old.hset(keys.FORMAT, "upgraded", 3)
    upgrade(old)
    assert_found(lists, records)


def test_what_leaves_its_state_before_it_is_upgraded_is_in_no_index_afterwards(
    old: "redis.Redis", lists: SignupLists
) -> None:
    ledger = Ledger(old)
    names = [account.name for account in Registry(old).accounts()]
    for name in names:
        dead = list(ledger.dead_letters(name))
        for signup in dead[::2]:
            assert ledger.requeue(name, signup.id)
        for signup in [*dead[1::2], *ledger.quarantined(name)]:
            assert ledger.discard(name, signup.id)
    upgrade(old)
    assert lists.groups() == []
    assert_found(lists, stored(old))
