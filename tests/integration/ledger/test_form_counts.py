"""What each form has accepted, and what of it is in quarantine, also in a ledger of format 1."""

from collections import Counter
from pathlib import Path

import pytest
import redis

from shared.ledger import keys
from shared.ledger.format import open_ledger, upgrade_some
from shared.ledger.ledger import Ledger
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from tests.support.builders import accept, form
from tests.support.dumps.loader import FORMAT_1, restore
from tests.support.records import read_record
from tests.support.upgrading import upgrade, upgrade_twice_at_once
from tests.support.valkey_server import ValkeyServer

FORMS = [form("news"), form("shop")]


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def old(redis_client: "redis.Redis", tmp_path: Path) -> "redis.Redis":
    """A client of a ledger of format 1, in which no form has counts."""
    restore(FORMAT_1, redis_client, tmp_path)
    return redis_client


def counts(client: "redis.Redis", *accounts: str) -> dict[str, tuple[int, int]]:
    """Return what each form has accepted, and has in quarantine."""
    found = FormCounts(client).figures(FORMS, accounts or ("acme",))
    return {each.form.name: (each.accepted, each.quarantined) for each in found}


def read_hash(client: "redis.Redis", key: object) -> dict[str, str]:
    return {str(name): str(value) for name, value in client.hgetall(str(key)).items()}


def recounted(client: "redis.Redis") -> dict[str, int]:
    """Return the counts of all forms of all accounts, as the records have them."""
    found: Counter[str] = Counter()
    for key in client.scan_iter("*:signup:*"):
        record = read_record(client, key)
        account = str(key).partition("signup:")[0]
        found[f"{account}accepted:{record['form']}"] += 1
        if record["state"] == "quarantined":
            found[f"{account}quarantined:{record['form']}"] += 1
    return dict(found)


def stored(client: "redis.Redis") -> dict[str, int]:
    """Return the counts of all forms of all accounts, as the ledger has them."""
    return {
        f"{str(key).removesuffix('forms')}{name}": int(count)
        for key in client.scan_iter("relay:{*}:forms")
        for name, count in read_hash(client, key).items()
        if int(count) and not name.startswith("screened:")
    }


# --- while sign-ups come and go


def test_each_form_has_its_own_counts(ledger: Ledger, redis_client: "redis.Redis") -> None:
    for name, quarantine in (("news", None), ("news", "honeypot"), ("shop", None)):
        accept(ledger, form=name, quarantine=quarantine)
    assert counts(redis_client) == {"news": (2, 1), "shop": (1, 0)}


def test_a_duplicate_counts_once(ledger: Ledger, redis_client: "redis.Redis") -> None:
    for _ in range(2):
        accept(ledger, digest="same")
    assert counts(redis_client)["news"] == (1, 0)


def test_a_discarded_one_is_in_quarantine_no_more(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    caught = accept(ledger, quarantine="honeypot").id
    assert ledger.discard("acme", caught)
    assert not ledger.discard("acme", caught)
    assert counts(redis_client)["news"] == (1, 0)


def test_a_form_that_has_moved_counts_for_all_its_accounts(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    accept(ledger)
    accept(ledger, account="books")
    assert counts(redis_client, "acme", "books")["news"] == (2, 0)


# --- the upgrade from format 1


def test_what_format_1_has_stored_is_counted(
    old: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.upgrades._BATCH", 20)
    open_ledger(old)
    assert upgrade(old) > 3
    assert stored(old) == recounted(old)
    for account in Registry(old).accounts():
        of_forms = read_hash(old, keys.account(account.name) + "forms")
        accepted = sum(int(n) for name, n in of_forms.items() if name.startswith("accepted:"))
        assert accepted == Ledger(old).figures(account.name).accepted


def test_sign_ups_that_come_and_go_meanwhile_are_counted_once(
    old: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.upgrades._BATCH", 20)
    open_ledger(old)
    ledger, caught = Ledger(old), []
    for key in old.scan_iter("relay:{*}:quarantined"):
        account = str(key).partition("{")[2].partition("}")[0]
        caught += [(account, str(id)) for id in old.zrange(key, 0, -1)]
    assert caught
    ledger.discard(*caught[0])  # before it was counted
    while upgrade_some(old):
        accept(ledger)
        accept(ledger, quarantine="honeypot")
    assert stored(old) == recounted(old)


def test_a_quarantined_one_is_never_counted_below_zero(old: "redis.Redis") -> None:
    """Nothing is upgraded yet, and an operator discards all that is in quarantine."""
    open_ledger(old)
    for key in list(old.scan_iter("relay:{*}:quarantined")):
        account = str(key).partition("{")[2].partition("}")[0]
        for id in old.zrange(key, 0, -1):
            assert Ledger(old).discard(account, str(id))
    assert not stored(old)
    upgrade(old)
    assert stored(old) == recounted(old)


def test_a_restarted_server_is_counted_from_the_beginning(
    old: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hashes its keys in another way, so a place in the old order would pass some over."""
    monkeypatch.setattr("shared.ledger.upgrades._BATCH", 20)
    open_ledger(old)
    assert upgrade_some(old)
    old.hset(keys.FORMAT, "cursor", "another-server/0 99999999")
    upgrade(old)
    assert stored(old) == recounted(old)


def test_two_workers_count_each_once(old: "redis.Redis", valkey: ValkeyServer) -> None:
    open_ledger(old)

    upgrade_twice_at_once(valkey)
    assert stored(old) == recounted(old)
