"""How much of Redis' memory a sign-up takes in each state: in all, and by kind of key.

That is the difference of `used_memory` over 20,000 sign-ups of ordinary size, of as many people
and visitors. Visitors are limited as usual; their counts live for a minute. A cleared sign-up is
the evidence of its consent. The append-only file is off, since hash tables do not grow while the
server writes a new one.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import redis

from shared.domain.account import Account
from shared.ledger import keys
from shared.ledger.script_library import Scripts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import clear_some
from tests.bench.figures import Row, Table, at_most, say
from tests.bench.ledger_filling import USUAL_LIMIT, LedgerFiller
from tests.support import redis_server
from tests.support.key_kinds import sizes_by_kind
from tests.support.redis_server import RedisServer
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer

SIGNUPS, WARM_UP = 20_000, 100
GOAL = 1024  # bytes, for one that has yet to be delivered, and for a delivered one
ACCOUNT, OTHER = "bakery", "warm-up"
NEW, WAITING, DELIVERED = GOALS = "in its first minute", "waiting", "delivered"
DEAD, CLEARED = "dead letter", "cleared"
COLUMNS = (*GOALS, DEAD, CLEARED)
# Longer than the visitors' minute, and than the server takes to forget them.
PATIENCE = 120


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes that are in use: all of the server's, and those of each kind of key."""

    all: int
    kinds: Counter[str]


def measure(folder: Path) -> Table:
    servers = _servers(folder)
    with ThreadPoolExecutor() as side_by_side:
        found = list(side_by_side.map(_measure, servers))
    valkey = found[0][1]
    rows = [_total(name, uses) for name, uses in found]
    return Table("bytes of Redis for each sign-up", COLUMNS, [*rows, *by_kind(valkey)])


def _servers(folder: Path) -> list[ValkeyServer]:
    found = [ValkeyServer(folder / "valkey")]
    if redis_server.is_installed():
        found.append(RedisServer(folder / "redis"))
    else:
        say("There is no Redis here, so the memory is measured with Valkey alone.")
    return found


Uses = dict[str, Memory]


def _measure(server: ValkeyServer) -> tuple[str, Uses]:
    """Return the server's name, and what 20,000 sign-ups use in each state."""
    with server, server.client() as client:
        client.config_set("appendonly", "no")
        uses = _until_cleared(client) | _dead(client)
        return _name(client), uses


def _until_cleared(client: "redis.Redis") -> Uses:
    before = _warmed_up(client)
    filler = LedgerFiller(client, limit=USUAL_LIMIT)
    filler.accept(ACCOUNT, SIGNUPS)
    uses = {NEW: _since(before, client)}
    left = client.dbsize() - sum(1 for _ in client.scan_iter(f"{keys.VISITORS}*", count=1000))
    eventually(lambda: client.dbsize() <= left, within=PATIENCE, what="forgetting all visitors")
    uses[WAITING] = _since(before, client)
    filler.deliver(ACCOUNT, SIGNUPS)
    uses[DELIVERED] = _since(before, client)
    while clear_some(Scripts(client), ACCOUNT, "delivered", kept=None, consent_kept=None):
        pass
    uses[CLEARED] = _since(before, client)
    return uses


def _dead(client: "redis.Redis") -> Uses:
    client.flushdb()
    before = _warmed_up(client)
    filler = LedgerFiller(client)
    filler.accept(ACCOUNT, SIGNUPS)
    filler.bury(ACCOUNT, SIGNUPS)
    return {DEAD: _since(before, client)}


def _warmed_up(client: "redis.Redis") -> Memory:
    """Return what is in use once the server knows every script and has keys of every kind."""
    for name in (ACCOUNT, OTHER):
        Registry(client).save_account(Account(name=name, client_id="an-api-key"))
    filler = LedgerFiller(client, first=SIGNUPS)
    filler.accept(OTHER, WARM_UP)
    filler.deliver(OTHER, WARM_UP // 2)
    filler.bury(OTHER, WARM_UP // 2)
    return _memory(client)


def _since(before: Memory, client: "redis.Redis") -> Memory:
    """Return what the sign-ups have added."""
    now = _memory(client)
    now.kinds.subtract(before.kinds)
    return Memory(now.all - before.all, now.kinds)


def _memory(client: "redis.Redis") -> Memory:
    kinds = Counter({kind: sum(sizes) for kind, sizes in sizes_by_kind(client).items()})
    client.connection_pool.disconnect()  # or the buffers of hundreds of calls would count, too
    return Memory(int(client.info("memory")["used_memory"]), kinds)


def _name(client: "redis.Redis") -> str:
    info = client.info("server")
    valkey = info.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {info['redis_version']}"


# --- the table


def _total(name: str, uses: Uses) -> Row:
    each = {column: use.all / SIGNUPS for column, use in uses.items()}
    say(f"{name}: " + ", ".join(f"{column} {size:,.0f}" for column, size in each.items()))
    worst = max(each[column] for column in GOALS)
    goal = at_most(GOAL, "until it is delivered and then", [worst], "bytes")
    return Row(f"in all, {name}", [f"{each[column]:,.0f}" for column in COLUMNS], goal)


def by_kind(uses: Uses) -> Iterator[Row]:
    """Yield a row for each kind of key that takes at least a byte, the largest first; the rest is
    the server's own: mostly its tables of all keys."""
    largest = Counter[str]()
    for use in uses.values():
        largest |= use.kinds
    for kind, size in largest.most_common():
        if size >= SIGNUPS:
            yield Row(f"`{kind}`", [_each(uses[column].kinds[kind]) for column in COLUMNS])
    rest = [uses[column].all - uses[column].kinds.total() for column in COLUMNS]
    yield Row("the server's own tables", [_each(size) for size in rest])


def _each(size: int) -> str:
    return f"{size / SIGNUPS:,.0f}"
