"""How many sign-ups a worker delivers for each second of its CPU, beside three task queues.

Each queue is filled before its worker starts. All send to the same sandbox, whose limits are so
high that only CPU counts. Of each queue, the first and the last tenth are left out, so neither
starting nor ending counts. Ours also writes each claim and outcome into the ledger.
"""

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench.correctness import expect
from tests.bench.cpu import group_cpu
from tests.bench.figures import OURS, Row, Table, at_least, say, spread
from tests.bench.form_posts import form_posts
from tests.bench.peers import WORKERS
from tests.bench.relay_stack import relay_stack, start_module
from tests.bench.visitors import send_all
from tests.support.stack import Stack, eventually

JOBS, ROUNDS = 1500, 3
# Far more than a machine can do.
RATE, DAY = 5_000, 1_000_000
PATIENCE = 120


def measure(folder: Path) -> Table:
    with relay_stack(folder, rate=RATE, CTCT_REQUESTS_PER_DAY=str(DAY)) as stack:
        stack.sandbox.control(rates={"requests_per_day": DAY})
        stack.start_web()
        rounds = [_round(stack, number) for number in range(ROUNDS)]
    ratios = [each[OURS] / max(each[peer] for peer in WORKERS) for each in rounds]
    row = Row(
        "sign-ups for each second of CPU",
        [spread([each[name] for each in rounds]) for name in (OURS, *WORKERS)],
        at_least(1, "x the best of the others", ratios, "x", digits=2),
    )
    return Table("delivering, one worker", [OURS, *WORKERS], [row])


def _round(stack: Stack, number: int) -> dict[str, float]:
    """Return the sign-ups per CPU second of each, measured one after the other."""
    speeds = {OURS: _ours(stack, number)}
    for name, (module, command) in WORKERS.items():
        fill = ("-m", "tests.bench.peers.filling", module, str(JOBS), f"{module}-{number}")
        subprocess.run([sys.executable, *fill], env=stack.environ, check=True)
        speeds[name] = _delivered_per_second(stack, partial(start_module, stack, command))
    say("  ".join(f"{name} {speed:.0f}" for name, speed in speeds.items()))
    return speeds


def _ours(stack: Stack, number: int) -> float:
    answers = send_all(stack.address, form_posts(JOBS, first=number * JOBS))
    expect("answers", dict(answers.statuses), {202: JOBS})
    return _delivered_per_second(stack, partial(stack.start, "worker"))


def _delivered_per_second(stack: Stack, start: Callable[[], "subprocess.Popen[bytes]"]) -> float:
    """Start a worker and return how many sign-ups it delivers for a second of its CPU."""
    before, worker = _delivered(stack), start()
    samples: list[tuple[int, float]] = []

    def all_delivered() -> bool:
        done = _delivered(stack) - before
        samples.append((done, group_cpu(worker.pid)))
        return done >= JOBS

    eventually(all_delivered, within=PATIENCE, what="delivery")
    worker.terminate()
    worker.wait(timeout=20)
    expect("delivered", _delivered(stack) - before, JOBS)
    return _steady_speed(samples)


def _steady_speed(samples: list[tuple[int, float]]) -> float:
    """Return sign-ups per CPU second between the first and the last tenth of the jobs."""
    middle = [each for each in samples if JOBS * 0.1 <= each[0] <= JOBS * 0.9]
    (first_done, first_cpu), (last_done, last_cpu) = middle[0], middle[-1]
    return (last_done - first_done) / (last_cpu - first_cpu)


def _delivered(stack: Stack) -> int:
    return int(stack.sandbox.stats(deliveries=False)["delivered"])
