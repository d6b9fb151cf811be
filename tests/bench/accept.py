"""What accepting a sign-up costs, beside the usual tutorial and beside an empty view.

All three run under granian with two processes, against one Valkey that keeps an append-only
file. All get the same requests: a browser's form, a new person and visitor each time. Ours does
all that it always does. Every answer is checked, and every sign-up has to be in the ledger.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.bench.correctness import expect
from tests.bench.figures import Figure, figure, say
from tests.bench.relay_stack import PEERS_DATABASE, relay_stack
from tests.bench.web_servers import Load, WebServer, start_ours, start_peer
from tests.support.stack import Stack, eventually

ROUNDS, SECONDS, WARM_UP = 5, 3, 2000
LATENCY_SECONDS = 8
OURS, TUTORIAL, EMPTY = "signup-relay", "Flask + .delay()", "an empty view"
QUEUE = "celery"  # its name by default

Round = dict[str, Load]


def measure(folder: Path) -> Iterator[Figure]:
    with relay_stack(folder, rate=4) as stack:
        ours = start_ours(stack, OURS)
        tutorial = start_peer(stack, TUTORIAL, "tutorial")
        servers = (ours, tutorial, start_peer(stack, EMPTY, "empty"))
        rounds = _in_turn(servers)
        yield from _speeds(rounds)
        yield from _costs(rounds)
        for server in servers:
            most = statistics.median(each[server.name].per_second for each in rounds)
            yield _latency(server, most / 2)
        _check_ledger(stack, ours)
        with stack.valkey.client(PEERS_DATABASE) as broker:
            expect("messages for Celery", broker.llen(QUEUE), len(tutorial.bodies))


def _in_turn(servers: Sequence[WebServer]) -> list[Round]:
    """Give each server as much as it can take, one after the other, several times."""
    counts = {each.name: int(SECONDS * each.load(WARM_UP).per_second) for each in servers}
    rounds: list[Round] = []
    for _ in range(ROUNDS):
        rounds.append({each.name: each.load(counts[each.name]) for each in servers})
        speeds = (f"{name} {load.per_second:,.0f}" for name, load in rounds[-1].items())
        say(f"  a second: {', '.join(speeds)}")
    return rounds


def _speeds(rounds: list[Round]) -> Iterator[Figure]:
    for name in rounds[0]:
        yield figure(f"{name}: accepted a second", [each[name].per_second for each in rounds], "")
    ratios = [each[OURS].per_second / each[TUTORIAL].per_second for each in rounds]
    yield figure(f"Ours to {TUTORIAL}", ratios, "x", digits=2, least=2)


def _costs(rounds: list[Round]) -> Iterator[Figure]:
    for name in rounds[0]:
        yield figure(f"{name}: web's CPU for each", [each[name].web for each in rounds], "µs")
    ratios = [each[OURS].web / each[EMPTY].web for each in rounds]
    yield figure(f"Ours to {EMPTY}", ratios, "x", digits=2, most=2.6)
    for name, most in ((OURS, 80), (TUTORIAL, None)):
        costs = [each[name].valkey for each in rounds]
        yield figure(f"{name}: Redis' CPU for each", costs, "µs", most=most)
    costs = [load.generator for each in rounds for load in each.values()]
    yield figure("The load generator's CPU for each", costs, "µs")


def _latency(server: WebServer, rate: float) -> Figure:
    """Measure how long visitors wait at this rate; a request is due whether or not others wait."""
    waits = sorted(server.load(int(rate * LATENCY_SECONDS), rate).latencies)
    median, p99 = statistics.median(waits), waits[int(len(waits) * 0.99)]
    return Figure(
        f"{server.name}: answer time at {rate:,.0f} a second, half of the most",
        f"median {median:.1f} ms, p99 {p99:.1f} ms",
        "p99 under 5 x the median" if server.name == OURS else "",
        p99 < 5 * median if server.name == OURS else None,
    )


def _check_ledger(stack: Stack, ours: WebServer) -> None:
    """Every answer has an id of its own, and the ledger has exactly as many sign-ups, all due."""
    count = len(ours.bodies)
    expect("different ids", len({json.loads(body)["id"] for body in ours.bodies}), count)
    eventually(lambda: stack.json("status")["spooled"] == 0, what="draining the spool")
    account = stack.account()
    found = {state: account[state] for state in ("accepted", "due", "quarantined")}
    expect("the ledger", found, {"accepted": count, "due": count, "quarantined": 0})
