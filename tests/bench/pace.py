"""How much of the rate that an API key allows is used, and whether it is ever exceeded.

Three systems run side by side, as they mostly wait: each has a backlog, two workers, and an API
that takes 400 ms to answer and counts the calls of any second, as a strict real one may.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.bench.correctness import expect
from tests.bench.figures import Row, Table, at_least, at_most
from tests.bench.form_posts import form_posts
from tests.bench.relay_stack import relay_stack
from tests.bench.visitors import send_all
from tests.support.stack import Stack, eventually

RATES = (4, 10, 50)
WORKERS, API_MILLISECONDS = 2, 400
# The minute that is measured begins after a few seconds, and the backlog outlasts it.
WARM_UP, SECONDS, SPARE = 5, 60, 2
PATIENCE = 180


def measure(folder: Path) -> Table:
    with ExitStack() as started:
        stacks = {
            rate: started.enter_context(relay_stack(folder / str(rate), rate=rate))
            for rate in RATES
        }
        for rate, stack in stacks.items():
            _prepare(stack, _backlog(rate))
        for stack in stacks.values():
            stack.relay("release", "acme")
        found = {rate: _stats_of_all(stack) for rate, stack in stacks.items()}
    used = [_used(rate, stats) for rate, stats in found.items()]
    refused = [int(stats["throttled"]) for stats in found.values()]
    least_used = at_least(96, "%", [min(used)], "%", digits=1)
    rows = [
        Row("used of it in a minute, %", [f"{each:.1f}" for each in used], least_used),
        Row("answers 429", [str(each) for each in refused], at_most(0, "", [max(refused)], "")),
    ]
    return Table("rate allowed by the API", [f"{rate} a second" for rate in RATES], rows)


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


def _stats_of_all(stack: Stack) -> dict[str, Any]:
    """Wait until the backlog has arrived; return the sandbox's figures."""
    eventually(stack.settled, within=PATIENCE, what="delivery")
    return stack.sandbox.stats()


def _used(rate: int, stats: dict[str, Any]) -> float:
    """Return how many percent of the rate were used in the measured minute."""
    arrived = sorted(entry["monotonic"] for each in stats["deliveries"].values() for entry in each)
    expect("arrived", len(arrived), _backlog(rate))
    begin = arrived[0] + WARM_UP
    count: int = sum(begin <= at < begin + SECONDS for at in arrived)
    return count / (rate * SECONDS) * 100
