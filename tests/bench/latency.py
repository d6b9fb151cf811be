"""How long a sign-up takes from web's answer to the API, while nothing else happens.

The whole product runs, with four workers and beat, at the pace of a real API key. One visitor at
a time signs up, at random moments, so that nothing of the product's own rhythm helps or hurts.
"""

import random
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.correctness import expect
from tests.bench.figures import Figure, figure
from tests.bench.form_posts import email, form_posts
from tests.bench.relay_stack import relay_stack
from tests.bench.visitors import send_all
from tests.support.stack import Stack, eventually

SIGNUPS, WORKERS = 120, 4
# At least the gap between two slots of the pace, a quarter of a second.
PAUSES = (0.3, 0.7)


def measure(folder: Path) -> Iterator[Figure]:
    with relay_stack(folder, rate=4) as stack:
        stack.start_web()
        stack.start_workers(WORKERS)
        stack.start("beat")
        answered_at = _sign_up_now_and_then(stack)
        eventually(stack.settled, what="delivery")
        arrived = stack.deliveries()
    expect("arrived", len(arrived), SIGNUPS)
    waits = sorted((arrived[who][0]["monotonic"] - at) * 1e3 for who, at in answered_at.items())
    yield figure("From answer to API: median", [statistics.median(waits)], "ms", digits=1, most=20)
    p99 = waits[int(len(waits) * 0.99)]
    yield figure("From answer to API: p99", [p99], "ms", digits=1, most=100)


def _sign_up_now_and_then(stack: Stack) -> dict[str, float]:
    """Return when each visitor got an answer, in monotonic seconds, by e-mail address."""
    answered_at: dict[str, float] = {}
    for number in range(SIGNUPS):
        time.sleep(random.uniform(*PAUSES))
        answers = send_all(stack.address, form_posts(1, first=number), visitors=1)
        answered_at[email(number)] = time.monotonic()
        expect("answers", dict(answers.statuses), {202: 1})
    return answered_at
