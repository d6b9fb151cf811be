"""Handshakes: what is remembered while somebody is at Constant Contact, and for how long."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import redis

from shared.accounts.handshakes import Ending, Handshake, Handshakes, Via, ending_id
from shared.constant_contact.token_set import TokenSet
from shared.domain.check import ok
from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.sealing import Sealer
from shared.ledger import keys
from tests.support.valkey_server import ValkeyServer

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HANDSHAKE = Handshake(
    account="acme",
    client_id="key",
    redirect_uri="https://relay.example/connect/callback",
    by="ada",
    via=Via.CONSOLE,
    replace=True,
    link="a link",
)


@pytest.fixture
def handshakes(redis_client: "redis.Redis") -> Handshakes:
    return Handshakes(redis_client, Sealer(("a secret only for tests",)))


def tokens() -> TokenSet:
    found = TokenSet.from_json(
        {"access_token": "access", "refresh_token": "refresh", "expires_in": 60, "scope": "a b"}
    )
    assert found is not None
    return found


def test_a_handshake_comes_back_as_it_was_and_once(handshakes: Handshakes) -> None:
    first, second = handshakes.begin(HANDSHAKE), handshakes.begin(HANDSHAKE)

    assert first != second
    assert handshakes.take(first) == HANDSHAKE
    assert handshakes.take(first) is None
    assert handshakes.take(second) == HANDSHAKE


def test_no_state_reads_what_is_kept_under_another_name(handshakes: Handshakes) -> None:
    kept = handshakes.keep(HANDSHAKE, tokens(), NOW, None)

    assert handshakes.take(f"../kept:{kept}") is None
    assert handshakes.take(kept) is None


def test_an_ending_is_found_by_whoever_has_the_state(
    handshakes: Handshakes, redis_client: "redis.Redis"
) -> None:
    ending = Ending("acme", connected=True, checks=(ok("clock", "The clock", "It agrees."),))

    handshakes.end("the state", ending)

    assert handshakes.ending(ending_id("the state")) == ending
    assert handshakes.ending(ending_id("another")) is None
    assert not list(redis_client.scan_iter("*the state*"))


def test_kept_tokens_come_back_whole(handshakes: Handshakes) -> None:
    kept = handshakes.kept(handshakes.keep(HANDSHAKE, tokens(), NOW, "Blue Door Books"))

    assert kept is not None
    assert (kept.handshake, kept.tokens) == (HANDSHAKE, tokens())
    assert (kept.at, kept.belongs_to) == ("2026-03-01T12:00:00Z", "Blue Door Books")
    assert "refresh" not in repr(kept).replace("refresh_token", "")


def test_kept_tokens_need_the_key_that_sealed_them(
    handshakes: Handshakes, redis_client: "redis.Redis"
) -> None:
    id = handshakes.keep(HANDSHAKE, tokens(), NOW, None)

    with pytest.raises(Refused, match="RELAY_SECRET_KEY"):
        Handshakes(redis_client, Sealer(("another",))).kept(id)
    assert Handshakes(redis_client, Sealer(("new", "a secret only for tests"))).kept(id)


def test_one_at_a_time(handshakes: Handshakes) -> None:
    with handshakes.alone("acme") as first:
        with handshakes.alone("acme") as second, handshakes.alone("other") as other:
            assert (first, second, other) == (True, False, True)
        with handshakes.alone("acme") as third:  # whoever was refused ends nobody's turn
            assert not third
    with handshakes.alone("acme") as later:
        assert later


def test_a_turn_that_ran_out_does_not_end_the_next_ones(
    handshakes: Handshakes, redis_client: "redis.Redis"
) -> None:
    with handshakes.alone("acme"):
        [key] = list(redis_client.scan_iter(f"{keys.CONNECTING}alone:*"))
        redis_client.set(key, "somebody else", ex=60)

    assert redis_client.get(key) == "somebody else"


def test_what_was_done_stays_done_when_redis_is_away_at_the_end_of_a_turn(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path) as server:
        client = server.client()
        handshakes = Handshakes(client, Sealer(("a secret only for tests",)))
        done = False
        with handshakes.alone("acme"):
            server.kill()
            done = True
        assert done
        with pytest.raises(LedgerUnavailable), handshakes.alone("acme"):
            pass
        client.close()
