"""Who may open a ledger of which format, and how its records get the next one."""

import contextlib
import threading
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.format import check_known
from shared.ledger import keys
from shared.ledger.format import NEWEST, Step, open_ledger, upgrade_some
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.statistics import Statistics
from tests.support import builders
from tests.support.dumps.loader import FORMAT_1, everything, restore
from tests.support.valkey_server import ValkeyServer
from worker.upkeep.upgrade import LedgerUpgrade

# A field of each sign-up gets another name; counts how often that was done to it.
RENAME = """
local kept = redis.call("HGET", KEYS[1], "unsubscribed")
if kept then
  redis.call("HSET", KEYS[1], "when_unsubscribed", kept)
  redis.call("HINCRBY", KEYS[1], "renamed", 1)
  redis.call("HDEL", KEYS[1], "unsubscribed")
end
"""
ALL_RENAMED = Counter({"1": 50})


def rename_some(client: "redis.Redis", cursor: str) -> str | None:
    following, found = client.scan(int(cursor or 0), match="relay:{*}:signup:*", count=20)
    for key in found:
        client.eval(RENAME, 1, key)
    return str(following) if following else None


def change_nothing(client: "redis.Redis", cursor: str) -> str | None:
    return None


def renamed(client: "redis.Redis") -> Counter[str]:
    """Return how many sign-ups were renamed how often."""
    return Counter(str(client.hget(key, "renamed")) for key in client.scan_iter("*:signup:*"))


@pytest.fixture
def old(redis_client: "redis.Redis", tmp_path: Path) -> "redis.Redis":
    """A client of a ledger of format 1."""
    restore(FORMAT_1, redis_client, tmp_path)
    return redis_client


# --- opening


def test_an_empty_ledger_gets_the_newest_format(redis_client: "redis.Redis") -> None:
    redis_client.flushdb()
    open_ledger(redis_client, (change_nothing,))
    assert redis_client.hgetall(keys.FORMAT) == {"number": "2", "upgraded": "2"}


def test_only_an_empty_ledger_has_no_figures_to_roll_up(
    redis_client: "redis.Redis", old: "redis.Redis"
) -> None:
    open_ledger(old)
    assert not old.exists(keys.ROLL_UP)
    redis_client.flushdb()
    open_ledger(redis_client)
    assert Statistics(redis_client).begin_round(timedelta()).accounts_at_once > 10


def test_a_ledger_with_data_and_no_number_has_the_first_format(old: "redis.Redis") -> None:
    open_ledger(old, (change_nothing,))
    assert old.hgetall(keys.FORMAT) == {"number": "2", "upgraded": "1"}


def test_opening_again_changes_nothing(old: "redis.Redis") -> None:
    open_ledger(old)
    before = everything(old)
    open_ledger(old)
    assert everything(old) == before


def test_a_newer_ledger_is_refused_and_left_as_it_is(old: "redis.Redis") -> None:
    open_ledger(old, (change_nothing,))
    before = everything(old)
    with pytest.raises(
        Refused, match=r"has format 2; .* knows formats up to 1\. .* Start that version"
    ):
        open_ledger(old, ())
    assert everything(old) == before


def test_a_command_leaves_an_older_ledger_to_the_processes(old: "redis.Redis") -> None:
    before = everything(old)
    with pytest.raises(Refused, match=r"still has format 1, .* has format 2"):
        open_ledger(old, (change_nothing,), may_upgrade=False)
    assert everything(old) == before
    open_ledger(old, (change_nothing,))
    open_ledger(old, (change_nothing,), may_upgrade=False)


def test_the_number_never_goes_back(old: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> None:
    """An even newer version opens the ledger while this one is about to write its number."""

    def meanwhile(what: str, found: int, newest: int) -> None:
        monkeypatch.undo()
        check_known(what, found, newest)
        open_ledger(old, (change_nothing,) * 2)

    monkeypatch.setattr("shared.ledger.format.check_known", meanwhile)
    with pytest.raises(Refused, match="has format 3"):
        open_ledger(old, (change_nothing,))
    assert old.hget(keys.FORMAT, "number") == "3"


# --- while a process of an older version runs


def test_a_process_of_an_older_version_does_nothing_more(old: "redis.Redis") -> None:
    ledger, registry = Ledger(old), Registry(old)
    assert registry.accounts() and registry.forms() and builders.accept(ledger).id
    old.hset(keys.FORMAT, "number", NEWEST + 1)
    before = everything(old)
    newer = rf"A newer version of signup-relay uses the ledger now \(format {NEWEST + 1}\)"
    for step in (
        lambda: builders.accept(ledger),
        lambda: builders.claim(ledger),
        lambda: ledger.figures("acme"),
        registry.accounts,
        lambda: registry.account("acme"),
        registry.forms,
        lambda: registry.form("news"),
    ):
        with pytest.raises(LedgerUnavailable, match=newer):
            step()
    assert everything(old) == before


# --- upgrading


def test_every_record_is_upgraded_once(old: "redis.Redis") -> None:
    open_ledger(old, (rename_some,))
    batches = 1
    while upgrade_some(old, (rename_some,)):
        batches += 1
    assert batches > 3
    assert renamed(old) == ALL_RENAMED
    assert old.hgetall(keys.FORMAT) == {"number": "2", "upgraded": "2"}


def test_an_interrupted_upgrade_goes_on_where_it_was(old: "redis.Redis") -> None:
    seen: list[str] = []

    def breaking(client: "redis.Redis", cursor: str) -> str | None:
        seen.append(cursor)
        following = rename_some(client, cursor)
        if len(seen) == 3:
            raise redis.ConnectionError
        return following

    open_ledger(old, (breaking,))
    assert upgrade_some(old, (breaking,)) and upgrade_some(old, (breaking,))
    with pytest.raises(LedgerUnavailable):
        upgrade_some(old, (breaking,))
    while upgrade_some(old, (breaking,)):
        pass
    assert seen[3] == seen[2] != seen[1]
    assert renamed(old) == ALL_RENAMED


def test_two_that_upgrade_at_once(old: "redis.Redis", valkey: ValkeyServer) -> None:
    """Both run each batch at the same moment."""
    together = threading.Barrier(2)

    def step(client: "redis.Redis", cursor: str) -> str | None:
        with_other = not together.broken
        following = rename_some(client, cursor)
        if with_other:
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(timeout=1)
        return following

    def upgrade() -> None:
        with valkey.client() as client:
            while upgrade_some(client, (step,)):
                pass

    open_ledger(old, (step,))
    others = [threading.Thread(target=upgrade) for _ in range(2)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert renamed(old) == ALL_RENAMED
    assert old.hgetall(keys.FORMAT) == {"number": "2", "upgraded": "2"}


def test_one_that_was_overtaken_notes_nothing(old: "redis.Redis") -> None:
    """It is frozen in its last batch, and goes on when another has done all steps."""
    frozen = [True]

    def last_batch(client: "redis.Redis", cursor: str) -> str | None:
        if frozen.pop() if frozen else False:
            while upgrade_some(client, steps):
                pass
        return None

    steps: tuple[Step, ...] = (last_batch, change_nothing)
    open_ledger(old, steps)
    assert upgrade_some(old, steps)
    assert old.hgetall(keys.FORMAT) == {"number": "3", "upgraded": "3"}


def test_a_worker_upgrades_until_it_stops_and_another_goes_on(old: "redis.Redis") -> None:
    stopping = threading.Event()

    def stopped_in_the_middle(client: "redis.Redis", cursor: str) -> str | None:
        following = rename_some(client, cursor)
        if renamed(old)["1"]:  # the first batches of a scan may be empty
            stopping.set()
        return following

    LedgerUpgrade(old, stopping, (stopped_in_the_middle,)).look()
    assert 0 < renamed(old)["1"] < ALL_RENAMED["1"]
    LedgerUpgrade(old, threading.Event(), (rename_some,)).look()
    assert renamed(old) == ALL_RENAMED


def test_a_worker_leaves_a_newer_ledger_as_it_is(old: "redis.Redis") -> None:
    open_ledger(old, (change_nothing,) * 2)
    before = everything(old)
    LedgerUpgrade(old, threading.Event(), (rename_some,)).look()
    assert everything(old) == before
