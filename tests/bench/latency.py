"""How long a sign-up takes from web's answer to the API, while nothing else happens.

The whole product runs, with four workers and beat, at the pace of a real API key. One visitor at
a time signs up, at random moments, so that nothing of the product's own rhythm helps or hurts.
"""

import random
import statistics
import time
from pathlib import Path

from tests.bench.correctness import expect
from tests.bench.figures import OURS, Row, Table, at_most
from tests.bench.form_posts import email, form_posts
from tests.bench.relay_stack import relay_stack
from tests.bench.visitors import send_all
from tests.support.stack import Stack, eventually

SIGNUPS, WORKERS = 120, 4
# At least the gap between two slots of the pace, a quarter of a second.
PAUSES = (0.3, 0.7)


def measure(folder: Path) -> Table:
    with relay_stack(folder, rate=4) as stack:
        stack.start_web()
        stack.start_workers(WORKERS)
        stack.start("beat")
        answered_at = _sign_up_now_and_then(stack)
        eventually(stack.settled, what="delivery")
        arrived = stack.deliveries()
    expect("arrived", len(arrived), SIGNUPS)
    waits = sorted((arrived[who][0]["monotonic"] - at) * 1e3 for who, at in answered_at.items())
    median, p99 = statistics.median(waits), waits[int(len(waits) * 0.99)]
    rows = [
        Row("median", [f"{median:.1f}"], at_most(20, "ms", [median], "ms", digits=1)),
        Row("99 %", [f"{p99:.1f}"], at_most(100, "ms", [p99], "ms", digits=1)),
    ]
    return Table("from web's answer to the API", [OURS], rows)


def _sign_up_now_and_then(stack: Stack) -> dict[str, float]:
    """Return when each visitor got an answer, in monotonic seconds, by e-mail address."""
    answered_at: dict[str, float] = {}
    for number in range(SIGNUPS):
        time.sleep(random.uniform(*PAUSES))
        answers = send_all(stack.address, form_posts(1, first=number), visitors=1)
        answered_at[email(number)] = time.monotonic()
        expect("answers", dict(answers.statuses), {202: 1})
    return answered_at
