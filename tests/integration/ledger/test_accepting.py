"""What accepting a sign-up costs Redis, and how long each key that it writes lasts."""

from datetime import timedelta

import pytest
import redis

from shared.domain.errors import LedgerUnavailable, VisitorLimited
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import RateLimit
from shared.ledger import limits
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.records import read_record
from tests.support.valkey_server import ValkeyServer

LIMIT = RateLimit(2, timedelta(minutes=1))
# EVALSHA itself is one. The others read the format, the time, the API key, the account's clock and
# whether all is new; and write.
COMMANDS_OF_A_NEW_SIGNUP = 19


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    """The ledger of an account that has one sign-up, so that the server knows the script."""
    Registry(redis_client).save_account(builders.account())
    ledger = Ledger(redis_client)
    builders.accept(ledger, "first@example.com")
    return ledger


def test_a_signup_that_is_new_in_every_way_takes_few_steps(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    redis_client.config_resetstat()
    builders.accept(ledger, visitor="v", limit=LIMIT)
    found = redis_client.info("commandstats")
    calls = {name: of["calls"] for name, of in found.items() if "config" not in name}
    assert sum(calls.values()) == COMMANDS_OF_A_NEW_SIGNUP, calls


def test_each_key_of_a_signup_lasts_as_long_as_it_is_needed(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    before = set(redis_client.scan_iter("*"))
    accepted = builders.accept(ledger, digest="d", idempotency_key="k", visitor="v", limit=LIMIT)
    prefix = "relay:{acme}:"
    new = set(redis_client.scan_iter("*")) - before
    lives = {key.removeprefix(prefix): redis_client.pttl(key) for key in new}
    (minute,) = redis_client.scan_iter(f"{prefix}stats:*")

    assert {name for name, life in lives.items() if life == -1} == {
        f"signup:{accepted.id}",
        "person:person-ada@example.com",
    }
    for name, life in {
        "seen:k": limits.IDEMPOTENCY_KEY_LIFE,
        "relay:visitors:v": LIMIT.window,
        "relay:visitors:v:": LIMIT.window,
    }.items():
        assert life - timedelta(seconds=5) < timedelta(milliseconds=lives[name]) <= life
    kept = timedelta(milliseconds=redis_client.pttl(minute))
    assert limits.CHARTS_KEPT - timedelta(minutes=1) < kept <= limits.CHARTS_KEPT


def test_a_user_that_may_not_write_the_record_counts_nothing(
    valkey: ValkeyServer, redis_client: "redis.Redis", ledger: Ledger
) -> None:
    redis_client.acl_setuser("limited", True, True, commands=["+@all", "-set"], keys=["*"])
    before = redis_client.hgetall("relay:{acme}:totals")
    limited = connect(valkey.url().replace("redis://:", "redis://limited:"))
    with limited, pytest.raises(LedgerUnavailable, match="may not run SET"):
        builders.accept(Ledger(limited))
    redis_client.acl_deluser("limited")
    assert redis_client.hgetall("relay:{acme}:totals") == before


def test_a_visitors_window_begins_with_the_first_signup(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    counts = ("relay:visitors:v", "relay:visitors:v:7")
    builders.accept(ledger, visitor="v:7", limit=LIMIT)
    for key in counts:
        redis_client.pexpire(key, 30_000)
    builders.accept(ledger, visitor="v:7", limit=LIMIT)
    for _ in range(2):
        assert redis_client.mget(counts) == ["2", "2"]
        assert all(0 < redis_client.pttl(key) <= 30_000 for key in counts)
        with pytest.raises(VisitorLimited):
            builders.accept(ledger, visitor="v:7", limit=LIMIT)


def test_a_network_has_the_limit_of_some_visitors(ledger: Ledger) -> None:
    most = LIMIT.count * limits.VISITORS_OF_A_NETWORK
    for number in range(most):
        builders.accept(ledger, visitor=f"v:{number}", limit=LIMIT)
    for place in (0, most):
        with pytest.raises(VisitorLimited) as limited:
            builders.accept(ledger, visitor=f"v:{place}", limit=LIMIT)
        assert timedelta() < limited.value.retry_after <= LIMIT.window
    builders.accept(ledger, visitor="another:0", limit=LIMIT)


def test_a_new_visitor_of_a_known_network_takes_as_few_steps(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    builders.accept(ledger, "neighbour@example.com", visitor="v:1", limit=LIMIT)
    redis_client.config_resetstat()
    builders.accept(ledger, visitor="v:2", limit=LIMIT)
    found = redis_client.info("commandstats")
    calls = {name: of["calls"] for name, of in found.items() if "config" not in name}
    assert sum(calls.values()) == COMMANDS_OF_A_NEW_SIGNUP - 1, calls  # no lifetime is set


def test_a_record_has_the_same_fields_whatever_was_known_before(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    ids = [
        builders.accept(ledger).id,
        builders.accept(ledger).id,  # behind the first in its line
        builders.accept(ledger, visitor="v", limit=LIMIT).id,
    ]
    fields = [set(read_record(redis_client, f"relay:{{acme}}:signup:{id}")) for id in ids]
    assert fields[0] == fields[1] == fields[2]
    assert {"queue", "state", "content"} < fields[0]
    line = redis_client.zrange("relay:{acme}:person:person-ada@example.com", 0, -1)
    assert line == ids
    assert redis_client.zrange("relay:{acme}:due:fresh", 0, -1)[1:] == ids[:1]


def test_a_repeat_writes_little_but_something(redis_client: "redis.Redis", ledger: Ledger) -> None:
    """Its record may have 8 KiB. But WAITAOF waits only for who has written."""
    first = builders.accept(ledger, digest="d").id
    builders.accept(ledger, digest="d")
    noted = read_record(redis_client, f"relay:{{acme}}:signup:{first}")["repeated_at"]
    redis_client.config_resetstat()
    for _ in range(10):
        before = redis_client.info("persistence")["rdb_changes_since_last_save"]
        assert builders.accept(ledger, digest="d").id == first
        assert redis_client.info("persistence")["rdb_changes_since_last_save"] > before
    assert "cmdstat_set" not in redis_client.info("commandstats")
    assert read_record(redis_client, f"relay:{{acme}}:signup:{first}")["repeated_at"] == noted


def test_repeats_with_ever_new_keys_leave_few_marks(
    redis_client: "redis.Redis", ledger: Ledger
) -> None:
    first = builders.accept(ledger, digest="d", idempotency_key="own").id
    for number in range(limits.MOST_REPEAT_KEYS + 5):
        for _ in range(2):
            again = builders.accept(ledger, digest="d", idempotency_key=f"k{number}")
            assert (again.id, again.duplicate) == (first, True)
    marks = list(redis_client.scan_iter("relay:{acme}:seen:*"))
    assert len(marks) == 1 + limits.MOST_REPEAT_KEYS
