"""What the usual steps cost when a ledger has a million sign-ups, beside one that has a thousand.

CPU of the server and of the process that asks it, on both in turn. Both are filled in the same
mix. Filling ends after three minutes: then there are fewer, and the table says how many.
"""

import itertools
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

import redis

from relay.terminal.output import LONGEST_TABLE
from shared.domain.account import Account
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.stores.registry import Registry
from shared.operations.factory import make_operations
from shared.operations.selection import Selection
from tests.architecture.project import settings_in
from tests.bench.correctness import expect
from tests.bench.figures import Row, Table, at_most, say, spread
from tests.bench.ledger_filling import LedgerFiller, email
from tests.support.valkey_server import ValkeyServer

SMALL, LARGE = 1_000, 1_000_000
AT_ONCE = 10_000
FILLING_SECONDS = 180
ROUNDS = 7
GOAL = 1.5
# The share of each account, and of each state; the rest waits.
ACCOUNTS = {"bakery": 0.8, "books": 0.15, "gym": 0.05}
QUARANTINED, DEAD, DELIVERED = 0.1, 0.1, 0.5


class FilledLedger:
    """A ledger on a server of its own, with sign-ups in most states, and what is asked of it."""

    def __init__(self, client: "redis.Redis", folder: Path) -> None:
        client.config_set("appendonly", "no")
        for name in ACCOUNTS:
            Registry(client).save_account(Account(name=name, client_id="an-api-key"))
        self.size = 0
        self._client = client
        self._ids: list[str] = []
        self._filler = LedgerFiller(client)
        self._ledger = Ledger(client)
        self._people = People(client)
        self._numbers = itertools.count(1)
        self._operations = make_operations(settings_in(folder), client, lambda account: None)

    def fill(self, size: int, seconds: float) -> None:
        """Add some at a time, until there are so many or the time is over."""
        end, some = time.monotonic() + seconds, min(size, AT_ONCE)
        while self.size < size and time.monotonic() < end:
            for account, share in ACCOUNTS.items():
                self._add(account, round(some * share))
            self.size += some

    def _add(self, account: str, count: int) -> None:
        caught = round(count * QUARANTINED)
        accepted = self._filler.accept(account, count - caught)
        self._filler.accept(account, caught, quarantine="honeypot")
        self._filler.bury(account, round(count * DEAD))
        self._filler.deliver(account, round(count * DELIVERED))
        self._ids.append(accepted[0])

    def steps(self) -> Mapping[str, tuple[int, Callable[[], None]]]:
        """Return by its name each step that is measured, and how often a round does it."""
        return {
            "accept": (100, self._accept),
            "claim and deliver": (100, self._deliver),
            "find by id": (200, self._find),
            "find by e-mail address": (100, self._find_person),
            "`relay status`: the figures of all accounts": (50, self._figures),
            "the first page of dead letters": (10, self._dead_letters),
            "the first page of the quarantine": (10, self._quarantine),
        }

    def _accept(self) -> None:
        self._filler.accept("bakery", 1)

    def _deliver(self) -> None:
        self._filler.deliver("bakery", 1)

    def _find(self) -> None:
        id = self._ids.pop(0)
        self._ids.append(id)
        expect("found", self._ledger.find(id, ACCOUNTS) is not None, True)

    def _find_person(self) -> None:
        person = self._filler.fingerprints.person(email(next(self._numbers)))
        found = list(self._people.signups(list(ACCOUNTS), person))
        expect("sign-ups of a person", len(found), 1)

    def _figures(self) -> None:
        expect("accounts", len(self._operations.status.figures()), len(ACCOUNTS))

    def _dead_letters(self) -> None:
        found = self._operations.dead_letters.find(Selection(), LONGEST_TABLE)
        expect("dead letters", len(found), LONGEST_TABLE)

    def _quarantine(self) -> None:
        found = self._operations.quarantine.find(Selection(), LONGEST_TABLE)
        expect("in quarantine", len(found), LONGEST_TABLE)

    def cost(self, times: int, step: Callable[[], None]) -> float:
        """Return the step's CPU in microseconds, the server's and this process' together."""
        before = self._cpu()
        for _ in range(times):
            step()
        return (self._cpu() - before) / times * 1e6

    def _cpu(self) -> float:
        used = self._client.info("cpu")
        return float(used["used_cpu_user"] + used["used_cpu_sys"]) + time.process_time()


def measure(folder: Path) -> Table:
    with ExitStack() as started:
        small, large = (_filled(started, folder / str(size), size) for size in (SMALL, LARGE))
        names = list(small.steps())
        rounds = [{name: _compare(small, large, name) for name in names} for _ in range(ROUNDS)]
    columns = [f"at {ledger.size:,} sign-ups" for ledger in (small, large)]
    rows = [_row(name, [each[name] for each in rounds]) for name in names]
    return Table("µs of CPU, Redis' and the caller's", columns, rows)


def _filled(started: ExitStack, folder: Path, size: int) -> FilledLedger:
    server = started.enter_context(ValkeyServer(folder))
    ledger = FilledLedger(started.enter_context(server.client()), folder)
    began = time.monotonic()
    ledger.fill(size, FILLING_SECONDS)
    say(f"{ledger.size:,} sign-ups after {time.monotonic() - began:.0f} s")
    return ledger


def _compare(small: FilledLedger, large: FilledLedger, name: str) -> tuple[float, float]:
    return small.cost(*small.steps()[name]), large.cost(*large.steps()[name])


def _row(name: str, costs: list[tuple[float, float]]) -> Row:
    few, many = zip(*costs, strict=True)
    ratio = statistics.median(many) / statistics.median(few)
    goal = at_most(GOAL, "x", [ratio], "x", digits=2)
    return Row(name, [spread(few), spread(many)], goal)
