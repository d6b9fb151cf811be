"""What accepting a sign-up costs, beside the usual tutorial and beside an empty view.

All three run under granian with two processes, against one Valkey that keeps an append-only
file. All get the same requests: a browser's form, a new person and visitor each time. Ours does
all that it always does. Every answer is checked, and every sign-up has to be in the ledger.
"""

import json
import statistics
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.bench.correctness import expect
from tests.bench.figures import OURS, Row, Table, at_least, at_most, say, spread
from tests.bench.relay_stack import PEERS_DATABASE, relay_stack
from tests.bench.web_servers import Load, WebServer, start_ours, start_peer
from tests.support.stack import Stack, eventually

ROUNDS, SECONDS, WARM_UP = 7, 2, 2000
LATENCY_ROUNDS, LATENCY_SECONDS = 5, 4
TUTORIAL, EMPTY = "Flask + `.delay()`", "an empty view"
QUEUE = "celery"  # its name by default

Round = dict[str, Load]


def measure(folder: Path) -> Table:
    with relay_stack(folder, rate=4) as stack:
        ours = start_ours(stack, OURS)
        tutorial = start_peer(stack, TUTORIAL, "tutorial")
        servers = (ours, tutorial, start_peer(stack, EMPTY, "empty"))
        rounds = _most_in_turn(servers)
        rows = [*_speed(rounds), *_cpu(rounds), *_waits(servers, rounds)]
        _check_ledger(stack, ours)
        with stack.valkey.client(PEERS_DATABASE) as broker:
            expect("messages for Celery", broker.llen(QUEUE), len(tutorial.bodies))
    return Table("accepting", list(rounds[0]), rows)


def _most_in_turn(servers: Sequence[WebServer]) -> list[Round]:
    """Give each server as much as it can take, one after the other, several times."""
    counts = {each.name: int(SECONDS * each.load(WARM_UP).per_second) for each in servers}
    rounds: list[Round] = []
    for _ in range(ROUNDS):
        rounds.append({each.name: each.load(counts[each.name]) for each in servers})
        speeds = (f"{name} {load.per_second:,.0f}" for name, load in rounds[-1].items())
        say(f"accepted a second: {', '.join(speeds)}")
    return rounds


def _speed(rounds: list[Round]) -> Iterator[Row]:
    ratios = [each[OURS].per_second / each[TUTORIAL].per_second for each in rounds]
    goal = at_least(2, f"x {TUTORIAL}", ratios, "x", digits=2)
    yield Row("sign-ups a second", _cells(rounds, lambda load: load.per_second), goal)


def _cpu(rounds: list[Round]) -> Iterator[Row]:
    ratios = [each[OURS].web / each[EMPTY].web for each in rounds]
    goal = at_most(2.6, f"x {EMPTY}", ratios, "x", digits=2)
    yield Row("web's CPU for each, µs", _cells(rounds, lambda load: load.web), goal)
    # The goal was 80 µs on a machine on which the tutorial took 30.
    ratios = [each[OURS].valkey / each[TUTORIAL].valkey for each in rounds]
    goal = at_most(2.7, f"x {TUTORIAL}", ratios, "x", digits=2)
    yield Row("Redis' CPU for each, µs", _cells(rounds, lambda load: load.valkey)[:2], goal)
    yield Row("the load generator's, µs", _cells(rounds, lambda load: load.generator))


def _cells(rounds: list[Round], figure: Callable[[Load], float]) -> list[str]:
    return [spread([figure(each[name]) for each in rounds]) for name in rounds[0]]


def _waits(servers: Sequence[WebServer], rounds: list[Round]) -> Iterator[Row]:
    """Measure how long visitors wait at half of the most that a server can do, in turn, too."""
    rates = {
        server.name: statistics.median(each[server.name].per_second for each in rounds) / 2
        for server in servers
    }
    medians: dict[str, list[float]] = {server.name: [] for server in servers}
    highs: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(LATENCY_ROUNDS):
        for server in servers:
            rate = rates[server.name]
            waits = sorted(server.load(int(rate * LATENCY_SECONDS), rate).latencies)
            medians[server.name].append(statistics.median(waits))
            highs[server.name].append(waits[int(len(waits) * 0.99)])
        found = (f"{name} {medians[name][-1]:.1f}, p99 {highs[name][-1]:.1f}" for name in rates)
        say(f"ms at half of that: {', '.join(found)}")
    cells = [spread(each, digits=1) for each in medians.values()]
    yield Row("answer at half of that, ms: median", cells)
    ratios = [high / median for high, median in zip(highs[OURS], medians[OURS], strict=True)]
    goal = at_most(5, "x the median", ratios, "x", digits=1)
    yield Row("99 %", [spread(each, digits=1) for each in highs.values()], goal)


def _check_ledger(stack: Stack, ours: WebServer) -> None:
    """Every answer has an id of its own, and the ledger has exactly as many sign-ups, all due."""
    count = len(ours.bodies)
    expect("different ids", len({json.loads(body)["id"] for body in ours.bodies}), count)
    eventually(lambda: stack.json("status")["spooled"] == 0, what="draining the spool")
    account = stack.account()
    found = {state: account[state] for state in ("accepted", "due", "quarantined")}
    expect("the ledger", found, {"accepted": count, "due": count, "quarantined": 0})
