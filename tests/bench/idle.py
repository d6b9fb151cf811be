"""What workers and beat cost while nothing is due, with very many accounts connected.

All accounts share the tokens of one, which need no refresh for hours. A minute is measured, as
nothing happens less often than that.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import redis

from shared.domain.account import Account
from shared.ledger import keys
from shared.ledger.stores.registry import Registry
from tests.bench.cpu import group_cpu
from tests.bench.figures import Row, Table, at_most, say
from tests.bench.relay_stack import relay_stack
from tests.support.stack import Stack

ACCOUNTS = 10_000
SETTLING, MEASURED = 10, 60
# Nobody listens there; nothing is sent, either, as nothing is wrong.
ALERTS = "json://127.0.0.1:9/"


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of a core each took, in per cent."""

    worker: float
    beat: float
    redis: float

    @property
    def ours(self) -> float:
        return self.worker + self.beat


def measure(folder: Path) -> Table:
    with relay_stack(folder, rate=4) as stack:
        one = _measured(stack, "1 account")
        with stack.valkey.client() as client:
            _copy_account(client, "acme", ACCOUNTS - 1)
        many = _measured(stack, f"{ACCOUNTS:,} accounts")
        stack.set(RELAY_ALERTS=ALERTS)
        alerting = _measured(stack, "and alerts")
    found = (one, many, alerting)
    rows = [
        Row("a worker", [_per_cent(each.worker) for each in found]),
        Row("beat", [_per_cent(each.beat) for each in found]),
        Row(
            "both",
            [_per_cent(each.ours) for each in found],
            at_most(2, "% of a core", [many.ours], "%", digits=1),
        ),
        Row("Redis", [_per_cent(each.redis) for each in found]),
    ]
    columns = ["1 account", f"{ACCOUNTS:,} accounts", "the same, with alerts"]
    return Table("idle, share of a core", columns, rows)


def _per_cent(share: float) -> str:
    return f"{share:.2f} %"


def _copy_account(client: "redis.Redis", name: str, count: int) -> None:
    """Connect so many more accounts, each with what is stored of the account `name`."""
    account = Registry(client).account(name)
    assert account is not None
    tokens: dict[Any, Any] = client.hgetall(f"{keys.account(name)}tokens")
    with client.pipeline(transaction=False) as writes:
        for number in range(count):
            _connect(writes, replace(account, name=f"idle-{number}"), tokens)
        writes.execute()


def _connect(writes: Any, account: Account, tokens: dict[Any, Any]) -> None:
    prefix = keys.account(account.name)
    writes.hset(keys.ACCOUNTS, account.name, json.dumps(account.to_dict()))
    writes.set(f"{prefix}key", keys.api_key(account.client_id))
    writes.hset(f"{prefix}tokens", mapping=tokens)


def _measured(stack: Stack, what: str) -> Shares:
    (worker,), beat = stack.start_workers(), stack.start("beat")
    time.sleep(SETTLING)
    before = list(_seconds(stack, worker, beat))
    time.sleep(MEASURED)
    after = list(_seconds(stack, worker, beat))
    for child in (worker, beat):
        stack.kill(child)
    used = (100 * (end - start) / MEASURED for start, end in zip(before, after, strict=True))
    shares = Shares(*used)
    say(f"{what}: {shares}")
    return shares


def _seconds(stack: Stack, *processes: "subprocess.Popen[bytes]") -> Iterator[float]:
    """Yield the CPU seconds of each process, then those of Redis."""
    for process in processes:
        yield group_cpu(process.pid)
    with stack.valkey.client() as client:
        used: dict[str, float] = client.info("cpu")
    yield used["used_cpu_user"] + used["used_cpu_sys"]
