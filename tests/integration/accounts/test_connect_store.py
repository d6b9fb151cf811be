"""ConnectStore: what is remembered while somebody is at Constant Contact, and for how long."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from shared.accounts.connect_request import (
    ConnectRequest,
    ConnectResult,
    PendingTokens,
    StartedFrom,
)
from shared.accounts.connect_store import ConnectStore, result_id
from shared.constant_contact.token_set import TokenSet
from shared.domain.check import CheckSubject
from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.timestamps import timestamp
from shared.ledger import keys
from tests.support import builders
from tests.support.valkey_server import ValkeyServer

HERE = TokenOrigin(api_url="https://api.example/v3", auth_url="https://login.example")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
REQUEST = ConnectRequest(
    account="acme",
    client_id="key",
    redirect_uri="https://relay.example/connect/callback",
    by="ada",
    started_from=StartedFrom.CONSOLE,
    replace=True,
    link="a link",
)


@pytest.fixture
def store(redis_client: "redis.Redis") -> ConnectStore:
    return ConnectStore(redis_client, Sealer(("a secret only for tests",)), HERE)


def tokens() -> TokenSet:
    found = TokenSet.from_json(
        {"access_token": "access", "refresh_token": "refresh", "expires_in": 60, "scope": "a b"}
    )
    assert found is not None
    return found


def test_a_request_comes_back_as_it_was_and_once(store: ConnectStore) -> None:
    first, second = store.begin(REQUEST), store.begin(REQUEST)

    assert first != second
    assert store.take(first) == REQUEST
    assert store.take(first) is None
    assert store.take(second) == REQUEST


def test_no_state_reads_what_is_stored_under_another_name(store: ConnectStore) -> None:
    pending = store.save_pending(PendingTokens(REQUEST, tokens(), timestamp(NOW)), NOW)

    assert store.take(f"../kept:{pending}") is None
    assert store.take(pending) is None


def test_a_result_is_found_with_the_state(store: ConnectStore, redis_client: "redis.Redis") -> None:
    result = ConnectResult(
        "acme", connected=True, checks=(CheckSubject("clock", "The clock").ok("It agrees."),)
    )

    store.save_result("the state", result)

    assert store.result(result_id("the state")) == result
    assert store.result(result_id("another")) is None
    assert not list(redis_client.scan_iter("*the state*"))


def test_pending_tokens_come_back_whole(store: ConnectStore) -> None:
    books = builders.account("b", organization="Blue Door Books")
    id = store.save_pending(
        PendingTokens(REQUEST, tokens(), timestamp(NOW), found=books, instead_of="acme's"), NOW
    )
    pending = store.pending(id)

    assert pending is not None
    assert (pending.request, pending.tokens) == (REQUEST, tokens())
    assert pending.at == "2026-03-01T12:00:00Z"
    assert (pending.found, pending.instead_of) == (books, "acme's")
    assert "refresh" not in repr(pending).replace("refresh_token", "")


def test_pending_tokens_need_the_key_that_sealed_them(
    store: ConnectStore, redis_client: "redis.Redis"
) -> None:
    id = store.save_pending(PendingTokens(REQUEST, tokens(), timestamp(NOW)), NOW)

    with pytest.raises(Refused, match="RELAY_SECRET_KEY"):
        ConnectStore(redis_client, Sealer(("another",)), HERE).pending(id)
    assert ConnectStore(redis_client, Sealer(("new", "a secret only for tests")), HERE).pending(id)


def test_one_at_a_time(store: ConnectStore) -> None:
    with store.lock("acme") as first:
        with store.lock("acme") as second, store.lock("other") as other:
            assert (first, second, other) == (True, False, True)
        with store.lock("acme") as third:  # whoever was refused ends nobody's turn
            assert not third
    with store.lock("acme") as later:
        assert later


def test_a_lock_that_expired_does_not_end_the_next_ones(
    store: ConnectStore, redis_client: "redis.Redis"
) -> None:
    with store.lock("acme"):
        [key] = list(redis_client.scan_iter(f"{keys.CONNECTING}alone:*"))
        redis_client.set(key, "somebody else", ex=60)

    assert redis_client.get(key) == "somebody else"


def test_what_was_done_stays_done_when_redis_is_away_at_the_end_of_a_lock(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path) as server:
        client = server.client()
        store = ConnectStore(client, Sealer(("a secret only for tests",)), HERE)
        done = False
        with store.lock("acme"):
            server.kill()
            done = True
        assert done
        with pytest.raises(LedgerUnavailable), store.lock("acme"):
            pass
        client.close()
