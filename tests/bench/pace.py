"""How much of the rate that an API key allows is used, and whether it is ever exceeded.

Three systems run side by side, as they mostly wait: each has a backlog, two workers, and an API
that takes 400 ms to answer and counts the calls of any second, as a strict real one may.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.correctness import expect
from tests.bench.figures import Figure, figure
from tests.bench.form_posts import form_posts
from tests.bench.relay_stack import relay_stack
from tests.bench.visitors import send_all
from tests.support.stack import Stack, eventually

RATES = (4, 10, 50)
WORKERS, API_MILLISECONDS = 2, 400
# The minute that is measured begins after a few seconds, and the backlog outlasts it.
WARM_UP, SECONDS, SPARE = 5, 60, 2
PATIENCE = 180


def measure(folder: Path) -> Iterator[Figure]:
    with ExitStack() as started:
        stacks = [
            started.enter_context(relay_stack(folder / str(rate), rate=rate)) for rate in RATES
        ]
        for rate, stack in zip(RATES, stacks, strict=True):
            _prepare(stack, _backlog(rate))
        for stack in stacks:
            stack.relay("release", "acme")
        for rate, stack in zip(RATES, stacks, strict=True):
            eventually(stack.settled, within=PATIENCE, what="delivery")
            yield from _figures(rate, stack.sandbox.stats())


def _backlog(rate: int) -> int:
    return rate * (WARM_UP + SECONDS + SPARE)


def _prepare(stack: Stack, backlog: int) -> None:
    """Have the backlog and the workers ready, and nothing sent: starting would disturb the pace."""
    stack.sandbox.control(latency_ms=API_MILLISECONDS)
    stack.start_web()
    stack.relay("hold", "acme", "--reason", "until all are ready")
    answers = send_all(stack.address, form_posts(backlog))
    expect("answers", dict(answers.statuses), {202: backlog})
    stack.start_workers(WORKERS)


def _figures(rate: int, stats: dict[str, Any]) -> Iterator[Figure]:
    arrived = sorted(entry["monotonic"] for each in stats["deliveries"].values() for entry in each)
    expect("arrived", len(arrived), _backlog(rate))
    begin = arrived[0] + WARM_UP
    used = sum(begin <= at < begin + SECONDS for at in arrived) / (rate * SECONDS)
    yield figure(f"At {rate} a second: rate used", [used * 100], "%", digits=1, least=96)
    yield figure(f"At {rate} a second: answers 429", [stats["throttled"]], "", most=0)
