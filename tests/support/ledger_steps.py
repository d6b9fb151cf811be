"""Every step of the ledger that changes something, once, each on a small world of its own.

Tests break the server during a step, and compare what it stores then, without the times.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import redis

from shared.domain.account import HoldReason
from shared.domain.signup import Contact, DeathReason, Signup
from shared.domain.token_origin import TokenOrigin
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.script_library import Scripts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping, clear_some
from shared.ledger.stores.token_store import Owner, SealedPair, StoredTokens, TokenLedger
from shared.ledger.values import Claim
from tests.support import builders
from tests.support.builders import accept, attempt, claim, claimed
from tests.support.records import read_record
from tests.support.retention import retention

WAIT = timedelta(minutes=5)
ORIGIN = TokenOrigin(api_url="https://api.example/v3", auth_url="https://login.example")
OWNER = Owner("test", "server")
# Whose requests are counted by the day; one too many is on the safe side. That the workers were
# told is forgotten after a second, by itself.
_NOT_COMPARED = re.compile(r":quota:|:seen:|:nudged$")
_TIME = re.compile(r"\b\d{8,}(\.\d+)?\b")
# For how long something was on hold is a time, too; that a sign-up came again is noted, no more.
_SHORT_TIMES = ("held", "held_mark", "repeated_at")


class World:
    """An account `acme` with two sign-ups of one person, `first` and `second`."""

    def __init__(self, client: "redis.Redis") -> None:
        self.client = client
        client.flushall()
        Registry(client).save_account(builders.account("acme"))
        self.ledger, self.tokens = Ledger(client), TokenLedger(client)
        for id in ("first", "second"):
            accept(self.ledger, id=id)

    def claim(self) -> None:
        self.claimed: Claim = claimed(self.ledger, lane="lane")

    def bury(self) -> None:
        self.claim()
        bury(self, self.ledger)
        found = self.ledger.find(self.claimed.id, ["acme"])
        assert found is not None
        self.dead: Signup = found

    def deliver(self) -> None:
        self.claim()
        self.ledger.deliver(self.claimed, attempt(), contact_id="c", action="created")

    def deliver_what_is_over(self) -> None:
        self.deliver()
        self.client.hset(keys.RETENTION, "delivered", 1)  # switched on long ago

    def quarantine(self) -> None:
        accept(self.ledger, id="caught", quarantine="honeypot")
        found = self.ledger.find("caught", ["acme"])
        assert found is not None
        self.caught: Signup = found

    def discard(self) -> None:
        self.bury()
        self.ledger.discard("acme", self.claimed.id)

    def pause(self) -> None:
        self.ledger.hold("acme", HoldReason.PAUSED, by="test")

    def store(self) -> None:
        self.tokens.store("acme", pair("1"), OWNER, origin=ORIGIN, spent="")
        self.stored: StoredTokens = self._read()

    def lock(self) -> None:
        self.store()
        assert self.tokens.lock("acme", "call", WAIT)

    def begin(self) -> None:
        self.lock()
        begin(self, self.tokens)

    def renew(self) -> None:
        self.begin()
        renew(self, self.tokens)
        self.stored = self._read()

    def _read(self) -> StoredTokens:
        stored = self.tokens.read("acme")
        assert stored is not None
        return stored


def pair(mark: str) -> SealedPair:
    return SealedPair(
        access=f"access {mark}",
        refresh=f"refresh {mark}",
        digest=f"digest {mark}",
        life=timedelta(hours=24),
        scopes=None,
        client_id="test-key",
    )


def bury(world: World, ledger: Ledger) -> Any:
    return ledger.bury(
        world.claimed,
        attempt(400),
        reason=DeathReason.REJECTED,
        error_key="key",
        message="message",
        account_is_well=True,
    )


def retry(world: World, ledger: Ledger) -> Any:
    return ledger.retry(
        world.claimed, attempt(503), wait=WAIT, error_key="", message="HTTP 503", api_failed=True
    )


def hold(_: World, ledger: Ledger) -> Any:
    return ledger.hold("acme", HoldReason.RECONNECT, by="test", first_probe=WAIT)


def edit(world: World, ledger: Ledger) -> Any:
    contact = Contact(fields={"email_address": "new@example.com"})
    return ledger.edit(world.dead, contact, person="person-new@example.com", change="{}")


def clear(_: World, scripts: Scripts) -> Any:
    return clear_some(scripts, "acme", "delivered", kept=None, consent_kept=None)


def begin(world: World, tokens: TokenLedger) -> Any:
    return tokens.begin("acme", "call", world.stored.version, WAIT)


def renew(world: World, tokens: TokenLedger) -> Any:
    return tokens.renew("acme", "call", pair("2"), OWNER, spent=world.stored)


@dataclass(frozen=True)
class Step:
    """`prepare` makes the world ready for `take`, which gets a ledger of its own, or what else
    `of` makes of a client."""

    prepare: Callable[[World], None]
    take: Callable[[World, Any], Any]
    of: Callable[["redis.Redis"], Any] = Ledger

    def on(self, world: World, client: "redis.Redis") -> Any:
        return self.take(world, self.of(client))


def _nothing(_: World) -> None:
    """The world is ready as it is."""


# By these a lane settles what it claimed, so that nothing that was sent is sent again.
SETTLING = {
    "deliver": Step(
        World.claim,
        lambda w, ledger: ledger.deliver(w.claimed, attempt(), contact_id="c", action="created"),
    ),
    "retry": Step(World.claim, retry),
    "bury": Step(World.claim, bury),
    "release_claim": Step(
        World.claim, lambda w, ledger: ledger.release_claim(w.claimed, attempt(401))
    ),
    "release_claim unsent": Step(
        World.claim, lambda w, ledger: ledger.release_claim(w.claimed, None)
    ),
    "lose": Step(World.claim, lambda w, ledger: ledger.lose(w.claimed, "cause", wait=WAIT)),
}
# By these a token that has been renewed is kept, and a refusal understood.
RENEWING = {
    "token_renew": Step(World.begin, renew, of=TokenLedger),
    "token_refused": Step(
        World.begin, lambda _, tokens: tokens.refused("acme", "call", "digest 1"), of=TokenLedger
    ),
}
INTAKE = {
    "accept": Step(_nothing, lambda _, ledger: accept(ledger, "new@example.com", id="new")),
    "accept with a key": Step(
        _nothing,
        lambda _, ledger: accept(ledger, "new@example.com", id="new", idempotency_key="key"),
    ),
}
STARTING = {
    "claim": Step(_nothing, lambda _, ledger: claim(ledger, lane="lane")),
    "hold": Step(_nothing, hold),
    "token_store": Step(
        _nothing,
        lambda _, t: t.store("acme", pair("1"), OWNER, origin=ORIGIN, spent="spent"),
        of=TokenLedger,
    ),
}
# By this workers make room, also on a full server.
CLEARING = {
    "clear": Step(World.deliver, clear, of=Scripts),
    "sort_delivered": Step(
        World.deliver_what_is_over,
        lambda _, keeping: keeping.sort_delivered("acme"),
        of=lambda client: RecordKeeping(client, retention(delivered=timedelta())),
    ),
}
OTHERS = {
    "hold_quota": Step(_nothing, lambda _, ledger: ledger.hold_quota("acme", jitter=0)),
    "lift": Step(World.pause, lambda _, ledger: ledger.lift("acme", HoldReason.PAUSED)),
    "release": Step(World.pause, lambda _, ledger: ledger.release("acme")),
    "rest": Step(_nothing, lambda _, ledger: ledger.pace.rest("acme", WAIT, slower_for=WAIT)),
    "requeue": Step(World.bury, lambda _, ledger: ledger.requeue("acme", "first")),
    "discard": Step(World.bury, lambda _, ledger: ledger.discard("acme", "first")),
    "undo_discard": Step(World.discard, lambda _, ledger: ledger.undo_discard("acme", "first")),
    "deliver_anyway": Step(World.quarantine, lambda w, ledger: ledger.deliver_anyway(w.caught)),
    "edit": Step(World.bury, edit),
    "token_begin": Step(World.lock, begin, of=TokenLedger),
    "token_worked": Step(
        World.renew, lambda w, tokens: tokens.worked("acme", w.stored.version), of=TokenLedger
    ),
    "token_own": Step(
        World.store, lambda _, t: t.own("acme", Owner("other", "server")), of=TokenLedger
    ),
    "token_forget": Step(World.store, lambda _, tokens: tokens.forget("acme"), of=TokenLedger),
    "token_unlock": Step(World.begin, lambda _, t: t.unlock("acme", "call"), of=TokenLedger),
}
ALL_STEPS = SETTLING | RENEWING | CLEARING | INTAKE | STARTING | OTHERS


def stored(client: "redis.Redis") -> dict[str, Any]:
    """Return all that the server stores: each time as `T`, counts by the minute as sums."""
    keys = [str(key) for key in client.keys("*") if not _NOT_COMPARED.search(str(key))]
    found = {key: _value(client, key) for key in keys if ":stats:" not in key}
    sums: Counter[str] = Counter()
    for key in keys:
        if ":stats:" in key:
            sums.update({str(name): int(count) for name, count in client.hgetall(key).items()})
    return {**found, "stats": dict(sums)}


def _value(client: "redis.Redis", key: str) -> Any:
    match client.type(key):
        case "hash":
            fields = {str(name): str(value) for name, value in client.hgetall(key).items()}
            return {n: _timeless(value) for n, value in fields.items() if n not in _SHORT_TIMES}
        case "zset":
            return client.zrange(key, 0, -1)
        case "list":
            return [_timeless(str(entry)) for entry in client.lrange(key, 0, -1)]
        case "set":
            return client.smembers(key)
    if ":signup:" in key:
        record = read_record(client, key).items()
        kept = {name: value for name, value in record if name not in _SHORT_TIMES}
        return _TIME.sub("T", json.dumps(kept, sort_keys=True))
    return _timeless(str(client.get(key)))


def _timeless(value: str) -> Any:
    """Return the value without its times. JSON is decoded, as its order means nothing."""
    text = _TIME.sub('"T"' if value.startswith("{") else "T", value)
    return json.loads(text) if text.startswith("{") else text
