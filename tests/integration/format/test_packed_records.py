"""From format 2 to 3: a sign-up's record becomes one text, and nothing of it is lost."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.ledger import keys
from shared.ledger.format import NEWEST, open_ledger, upgrade_some
from shared.ledger.ledger import Ledger
from shared.ledger.records import CONSENT
from shared.ledger.stores.registry import Registry
from tests.support.builders import accept, attempt, claimed
from tests.support.dumps.loader import FORMAT_1, FORMAT_2, restore
from tests.support.records import read_record
from tests.support.upgrading import upgrade, upgrade_twice_at_once
from tests.support.valkey_server import ValkeyServer

# What the lines below the first hold, and what is not stored any more.
_ELSEWHERE = {"contact", "lists", "consent", "unsubscribed", "counted"}
_NUMBERS = {"attempts", "lost", "held_mark", "requeued_at", "repeated_at", "settled_at"}


@pytest.fixture(params=[FORMAT_1, FORMAT_2], ids=lambda dump: dump.name)
def dump(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def old(redis_client: "redis.Redis", dump: Path, tmp_path: Path) -> Iterator["redis.Redis"]:
    restore(dump, redis_client, tmp_path)
    yield redis_client


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.ledger.upgrades._BATCH", 20)


def signup_keys(client: "redis.Redis") -> list[str]:
    return sorted(str(key) for key in client.scan_iter("relay:{*}:signup:*"))


def older_records(client: "redis.Redis") -> dict[str, dict[str, Any]]:
    """Return what `read_record` should return of each after the upgrade."""
    return {key: _expected(client, key) for key in signup_keys(client)}


def _expected(client: "redis.Redis", key: str) -> dict[str, Any]:
    fields = {str(name): str(value) for name, value in client.hgetall(key).items()}
    events = client.lrange(key.replace(":signup:", ":attempts:"), 0, -1)
    consent = json.loads(fields["consent"])
    del consent["text"]
    contact = json.loads(fields["contact"])
    if fields.get("unsubscribed") == "ask":
        contact["unsubscribed"] = "ask"
    stands: dict[str, Any] = {k: v for k, v in fields.items() if k not in _ELSEWHERE and v}
    for name in _NUMBERS & stands.keys():
        stands[name] = float(stands[name])
    return {
        **{name: value for name, value in stands.items() if value != 0},
        "attempts": int(fields["attempts"]),
        "lost": int(fields["lost"]),
        "lists": json.loads(fields["lists"]),
        "contact": contact,
        "consent": {**dict.fromkeys(CONSENT), **consent},
        "history": [json.loads(str(event)) for event in events],
    }


def upgraded_records(client: "redis.Redis") -> dict[str, dict[str, Any]]:
    return {key: read_record(client, key) for key in signup_keys(client)}


def assert_upgraded(client: "redis.Redis", expected: dict[str, dict[str, Any]]) -> None:
    assert upgraded_records(client) == expected
    assert not list(client.scan_iter("relay:{*}:attempts:*"))
    assert not list(client.scan_iter("relay:{*}:email:*"))
    assert client.hgetall(keys.FORMAT) == {"number": str(NEWEST), "upgraded": str(NEWEST)}


def texts(client: "redis.Redis", account: str) -> dict[str, str]:
    stored = client.hgetall(f"{keys.account(account)}consent-texts")
    return {str(version): str(text) for version, text in stored.items()}


def test_each_record_has_all_that_it_had(old: "redis.Redis") -> None:
    consents = [json.loads(str(old.hget(key, "consent"))) for key in signup_keys(old)]
    expected = older_records(old)
    open_ledger(old)
    upgrade(old)
    assert_upgraded(old, expected)
    stored: dict[str, str] = {}
    for account in Registry(old).accounts():
        stored |= texts(old, account.name)
    assert stored == {consent["version"]: consent["text"] for consent in consents}


def test_each_person_has_all_of_their_sign_ups(old: "redis.Redis") -> None:
    before = {
        str(key).replace(":email:", ":person:"): old.smembers(key)
        for key in old.scan_iter("relay:{*}:email:*")
    }
    lines = {str(key): old.zrange(key, 0, -1) for key in old.scan_iter("relay:{*}:person:*")}
    open_ledger(old)
    upgrade(old)
    people = [str(key) for key in old.scan_iter("relay:{*}:person:*")]
    assert {key: set(old.zrange(key, 0, -1)) for key in people} == before
    unsettled = {key: old.zrange(key, "(0", "+inf", byscore=True) for key in people}
    assert {key: line for key, line in unsettled.items() if line} == lines


def test_it_may_be_interrupted_repeated_and_done_twice_at_once(
    old: "redis.Redis", valkey: ValkeyServer
) -> None:
    expected = older_records(old)
    open_ledger(old)
    assert upgrade_some(old)
    old.hdel(keys.FORMAT, "cursor")  # from the beginning once more

    upgrade_twice_at_once(valkey)
    assert_upgraded(old, expected)


def deliver_all(ledger: Ledger, account: str) -> None:
    while ledger.figures(account).due:
        ledger.deliver(
            claimed(ledger, account=account), attempt(), contact_id="c", action="created"
        )


# Each changes a record that nothing has upgraded yet.
STEPS: dict[str, Callable[[Ledger], object]] = {
    "deliver": lambda ledger: deliver_all(ledger, "acme"),
    "requeue": lambda ledger: [
        ledger.requeue("acme", each.id) for each in ledger.dead_letters("acme")
    ],
    "discard": lambda ledger: [
        ledger.discard("acme", each.id)
        for each in (*ledger.dead_letters("acme"), *ledger.quarantined("acme"))
    ],
    "deliver anyway": lambda ledger: [
        ledger.deliver_anyway(each) for each in ledger.quarantined("acme")
    ],
    "accept": lambda ledger: [accept(ledger, f"{n}@example.com") for n in range(5)],
}


@pytest.mark.parametrize("step", STEPS)
def test_every_step_takes_records_of_any_format(old: "redis.Redis", step: str) -> None:
    ledger = Ledger(old)
    open_ledger(old)
    # All leases and waits are over, and nobody rests.
    old.delete(*old.scan_iter("relay:{*}:pace"), *old.scan_iter("relay:{*}:turns*"))
    for set_name in ("due:fresh", "due:retry", "due:replay"):
        for id in old.zrange(f"relay:{{acme}}:{set_name}", 0, -1):
            old.zadd(f"relay:{{acme}}:{set_name}", {str(id): 1})
    STEPS[step](ledger)
    upgrade(old)
    assert_counted(old, ledger)


def assert_counted(client: "redis.Redis", ledger: Ledger) -> None:
    """Each account's figures are those of its records, and all of it is in the new format."""
    for account in Registry(client).accounts():
        prefix = keys.account(account.name)
        states = [
            record["state"]
            for key, record in upgraded_records(client).items()
            if key.startswith(prefix)
        ]
        figures = ledger.figures(account.name)
        settled = {"delivered", "dead", "discarded", "quarantined"}
        assert figures.accepted == len(states)
        assert figures.due == sum(state not in settled for state in states)
        assert all(getattr(figures, name) == states.count(name) for name in settled)


def test_a_consent_that_cannot_be_read_stays_as_it_is(old: "redis.Redis") -> None:
    key = signup_keys(old)[0]
    consent = '{"version":"v","text":"Yes.","box":null,"address":"","page":"\\ud800"}'
    old.hset(key, "consent", consent)
    open_ledger(old)
    upgrade(old)
    account, _, id = key.removeprefix("relay:{").partition("}:signup:")
    found = Ledger(old).find(id, [account])
    assert found is not None
    assert (found.consent.text, found.consent.page) == ("Yes.", "\ud800")
