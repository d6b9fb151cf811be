"""Which accounts' tokens get a look: of 10,000 whose tokens are well, none."""

from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.token_origin import TokenOrigin
from shared.ledger.ledger import Ledger
from shared.ledger.stores.token_store import Owner, SealedPair, TokenLedger

TOKENS = "relay:{acme}:tokens"
OURS = Owner("https://relay.example.com", "server-1")
HERE = TokenOrigin(api_url="https://api.example/v3", auth_url="https://login.example")
REFRESH_AFTER = timedelta(hours=4)
DAY = timedelta(days=1)
HOUR_MS = 3600 * 1000


@pytest.fixture
def tokens(redis_client: "redis.Redis") -> TokenLedger:
    return TokenLedger(redis_client)


def store(tokens: TokenLedger, account: str = "acme", life: timedelta = DAY) -> None:
    pair = SealedPair(
        access="access", refresh="refresh", digest="d", life=life, scopes=None, client_id="key"
    )
    tokens.store(account, pair, OURS, origin=HERE, spent="")


def due(tokens: TokenLedger, owner: Owner = OURS, origin: TokenOrigin = HERE) -> list[str]:
    return tokens.find_due(["acme", "none"], owner, origin=origin, refresh_after=REFRESH_AFTER)


def make_older(client: "redis.Redis", hours: float) -> None:
    for field in ("received_at", "expires_at"):
        client.hincrby(TOKENS, field, -int(hours * HOUR_MS))


def test_new_tokens_need_no_look(tokens: TokenLedger) -> None:
    store(tokens)
    assert due(tokens) == []


@pytest.mark.parametrize(
    ("life", "hours", "expected"),
    [
        pytest.param(DAY, 3.9, [], id="younger than refresh_after"),
        pytest.param(DAY, 4, ["acme"], id="as old as refresh_after"),
        pytest.param(timedelta(hours=2), 0.9, [], id="in the first half of a short life"),
        pytest.param(timedelta(hours=2), 1, ["acme"], id="past half of a short life"),
    ],
)
def test_tokens_are_due_by_their_age(
    tokens: TokenLedger,
    redis_client: "redis.Redis",
    life: timedelta,
    hours: float,
    expected: list[str],
) -> None:
    store(tokens, life=life)
    make_older(redis_client, hours)
    assert due(tokens) == expected


@pytest.mark.parametrize(
    "trouble",
    [{"revoked": "d"}, {"failures": 1}, {"failure": "invalid_client"}],
    ids=lambda trouble: next(iter(trouble)),
)
def test_tokens_in_trouble_need_a_look(
    tokens: TokenLedger, redis_client: "redis.Redis", trouble: Any
) -> None:
    store(tokens)
    redis_client.hset(TOKENS, mapping=trouble)
    assert due(tokens) == ["acme"]


def test_an_account_on_hold_for_want_of_tokens_needs_a_look(
    tokens: TokenLedger, redis_client: "redis.Redis"
) -> None:
    store(tokens)
    Ledger(redis_client).hold("acme", HoldReason.PAUSED, by="ada")
    assert due(tokens) == []
    Ledger(redis_client).hold("acme", HoldReason.RECONNECT, by="token")
    assert due(tokens) == ["acme"]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        pytest.param(Owner(OURS.instance, "server-2"), ["acme"], id="the server was started anew"),
        pytest.param(Owner("https://copy.example.com", "server-2"), [], id="this is a copy"),
    ],
)
def test_who_keeps_the_tokens_fresh_is_written_down_anew_after_a_restart(
    tokens: TokenLedger, owner: Owner, expected: list[str]
) -> None:
    store(tokens)
    assert due(tokens, owner) == expected


def test_tokens_without_an_owner_get_one(tokens: TokenLedger, redis_client: "redis.Redis") -> None:
    """Older versions wrote none down."""
    store(tokens)
    redis_client.hdel(TOKENS, "instance", "server")
    assert due(tokens) == ["acme"]


def test_tokens_from_other_addresses_need_a_look(
    tokens: TokenLedger, redis_client: "redis.Redis"
) -> None:
    store(tokens)
    moved = TokenOrigin(api_url=HERE.api_url, auth_url="https://elsewhere.example")
    assert due(tokens, origin=moved) == ["acme"]
    redis_client.hdel(TOKENS, "origin")  # as an older version stored them
    assert due(tokens) == ["acme"]


def test_forgotten_tokens_need_no_look(tokens: TokenLedger) -> None:
    store(tokens)
    tokens.forget("acme")
    assert due(tokens) == []


def test_more_accounts_than_one_call_takes_are_all_looked_at(
    tokens: TokenLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.script_library.ACCOUNTS_AT_ONCE", 2)
    names = [f"{number}" for number in range(5)]
    for name in names:
        store(tokens, name, life=timedelta(0))
    assert tokens.find_due(names, OURS, origin=HERE, refresh_after=REFRESH_AFTER) == names
