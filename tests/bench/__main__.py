"""`make bench`: what accepting costs beside a Celery message, and how much of the pace is used.

Speeds differ from machine to machine, so each is given as a ratio to a peer that is measured
in the same run, in turn with it, on the same server.
"""

import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from celery import Celery

from shared.infrastructure.redis_urls import connect
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.stack import Stack, eventually
from tests.support.valkey_server import ValkeyServer

ROUNDS, CALLS = 9, 300
RATE, SIGNUPS = 50, 500


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        compare_accepting(Path(folder) / "valkey")
        measure_pace(Path(folder) / "stack")


def compare_accepting(folder: Path) -> None:
    """Time `Ledger.accept` against publishing a Celery message, the peer that keeps nothing."""
    folder.mkdir()
    with ValkeyServer(folder) as server:
        accept, publish = accepting(server), publishing(server)
        pairs = [(timed(accept), timed(publish)) for _ in range(ROUNDS)]
    ratios = [peer / ours for ours, peer in pairs]
    ours = statistics.median(ours for ours, _ in pairs)
    say(
        f"accept: {ours * 1e6:.0f} µs each; a Celery message takes {statistics.median(ratios):.1f}"
        f" times as long (median of {ROUNDS} rounds of {CALLS}, {min(ratios):.1f} to"
        f" {max(ratios):.1f})"
    )


def accepting(server: ValkeyServer) -> Callable[[], object]:
    client = connect(server.url())
    Registry(client).save_account(builders.account())
    ledger = Ledger(client)
    return lambda: builders.accept(ledger, f"{uuid.uuid4()}@example.com")


def publishing(server: ValkeyServer) -> Callable[[], object]:
    app = Celery("peer", broker=server.url(1))
    app.conf.task_ignore_result = True
    return lambda: app.send_task("peer", args=[str(uuid.uuid4()), "a payload" * 20])


def timed(call: Callable[[], object]) -> float:
    """Return the seconds that one call takes, on average over a round."""
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS


def measure_pace(folder: Path) -> None:
    """Deliver a backlog with two workers and say how much of the allowed rate was used."""
    with Stack(folder, rate=RATE) as stack:
        stack.open()
        with ThreadPoolExecutor(20) as visitors:
            list(visitors.map(lambda n: stack.post(email=f"{n}@example.com"), range(SIGNUPS)))
        stack.start_workers(2)
        eventually(stack.settled, within=120, what="delivery")
        stats = stack.sandbox.stats()
    arrived = sorted(entry["monotonic"] for all in stats["deliveries"].values() for entry in all)
    rate = (len(arrived) - 1) / (arrived[-1] - arrived[0])
    say(
        f"pace: {rate / RATE:.1%} of the allowed rate used by two workers over {SIGNUPS} sign-ups,"
        f" at most {stats['max_calls_in_any_rolling_second']} of {RATE} in any second,"
        f" {stats['throttled']} answers 429"
    )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
