"""Which accounts a look for alerts reads: none that is idle and well."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.token_origin import TokenOrigin
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.limits import NEEDED_DAYS
from shared.ledger.stores.alert_candidates import AlertCandidates
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.signup_baseline import SignupBaselines
from shared.ledger.stores.token_store import Owner, Replacement, SealedPair, TokenLedger
from tests.support import builders
from tests.support.builders import accept, attempt, bury, claimed

RHYTHM, TOKENS = "relay:{acme}:rhythm", "relay:{acme}:tokens"
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
PAIR = SealedPair(
    access="access",
    refresh="refresh",
    digest="d",
    life=timedelta(days=1),
    scopes=None,
    client_id="test-key",
)

HERE = TokenOrigin(api_url="https://api.example", auth_url="https://login.example")

Happens = Callable[["redis.Redis", Ledger], object]


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    """The account `acme` is connected, has delivered a sign-up, and a look has seen it."""
    ledger = Ledger(redis_client)
    Registry(redis_client).save_account(builders.account("acme"))
    TokenLedger(redis_client).store("acme", PAIR, Owner("here", "server"), spent="", origin=HERE)
    accept(ledger)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    look(redis_client)
    return ledger


def look(client: "redis.Redis") -> None:
    """Learn what is usual, as each look does for the accounts that it reads."""
    list(SignupBaselines(client).baselines(["acme"]))


def candidates(client: "redis.Redis") -> list[str]:
    return AlertCandidates(client).find(["acme"])


def test_an_account_that_is_idle_and_well_is_not_read(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    assert candidates(redis_client) == []


def revoke(client: "redis.Redis", ledger: Ledger) -> None:
    client.hset(TOKENS, "revoked", "d")


def fail_to_refresh(client: "redis.Redis", ledger: Ledger) -> None:
    client.hset(TOKENS, "failures", 1)


def leave_unused(client: "redis.Redis", ledger: Ledger) -> None:
    client.hincrby(TOKENS, "received_at", -160 * DAY_MS)


def be_replaced(client: "redis.Redis", ledger: Ledger) -> None:
    tokens, owner = TokenLedger(client), Owner("here", "server")
    other = replace(PAIR, access="another")
    tokens.store(
        "acme", other, owner, spent="", origin=HERE, replacement=Replacement("olga", "Acme")
    )
    # Nor is it forgotten when somebody connects the same account again.
    tokens.store("acme", PAIR, owner, spent="", origin=HERE)


def be_silent(client: "redis.Redis", ledger: Ledger) -> None:
    for day in range(NEEDED_DAYS):
        client.hset(RHYTHM, f"day:{day}", 1)
    client.hincrby(RHYTHM, "last_at", -DAY_MS)


def be_on_record(client: "redis.Redis", ledger: Ledger) -> None:
    client.hset(keys.ALERTS, "reconnect:acme", '{"account": "acme", "services": {}, "begun_at": 1}')


def have_had_dead_letters(client: "redis.Redis", ledger: Ledger) -> None:
    client.hset(keys.DEAD_LETTER_ALERTS, "dead:acme", "{}")


def note_long_ago(client: "redis.Redis", ledger: Ledger) -> None:
    client.hincrby(RHYTHM, "looked_at", -61 * MINUTE_MS)


def note_in_the_future(client: "redis.Redis", ledger: Ledger) -> None:
    client.hincrby(RHYTHM, "looked_at", 10 * MINUTE_MS)


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda client, ledger: accept(ledger), id="a sign-up comes"),
        pytest.param(lambda client, ledger: bury(ledger), id="a sign-up dies"),
        pytest.param(
            lambda client, ledger: ledger.hold("acme", HoldReason.PAUSED, by="ada"), id="a hold"
        ),
        pytest.param(
            lambda client, ledger: ledger.hold_quota("acme", jitter=0), id="a hold of its key"
        ),
        revoke,
        fail_to_refresh,
        leave_unused,
        be_replaced,
        be_silent,
        be_on_record,
        have_had_dead_letters,
        note_long_ago,
        note_in_the_future,
        pytest.param(lambda client, ledger: client.delete(RHYTHM), id="never looked at"),
    ],
)
def test_an_account_that_an_alert_may_be_about_is_read(
    ledger: Ledger, redis_client: "redis.Redis", happens: Happens
) -> None:
    happens(redis_client, ledger)
    assert candidates(redis_client) == ["acme"]


def test_an_account_with_something_due_or_dead_is_read_although_nothing_new_comes(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    accept(ledger)
    look(redis_client)
    assert candidates(redis_client) == ["acme"]
    builders.bury_claim(ledger, claimed(ledger))
    assert candidates(redis_client) == ["acme"]


def test_silence_is_not_unusual_while_little_is_known(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    be_silent(redis_client, ledger)
    redis_client.hdel(RHYTHM, "day:0")
    assert candidates(redis_client) == []


@pytest.mark.parametrize(("minutes", "noted"), [(4, False), (5, True)])
def test_a_look_at_an_idle_account_is_noted_now_and_then(
    ledger: Ledger, redis_client: "redis.Redis", minutes: int, noted: bool
) -> None:
    """Otherwise the next look at it would take the time since for one in which nobody looked."""
    before = redis_client.hincrby(RHYTHM, "looked_at", -minutes * MINUTE_MS)
    assert candidates(redis_client) == []
    assert (int(redis_client.hget(RHYTHM, "looked_at") or 0) > before) == noted


def test_an_account_that_was_removed_is_not_read(redis_client: "redis.Redis") -> None:
    redis_client.hset(keys.ALERTS, "reconnect:gone", '{"account": "gone", "services": {}}')
    redis_client.hset(keys.ALERTS, "given", "7")
    assert AlertCandidates(redis_client).find(["acme"]) == ["acme"]
