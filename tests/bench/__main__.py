"""`make bench`: what signup-relay costs. Peers are measured beside it, in the same run.

`make bench PART=accept` measures one part. Standard output gets Markdown tables, for the
README, and standard error how it goes. A missed goal does not fail the run; a lost sign-up does.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests.bench import accept, deliver, growth, idle, latency, memory, pace
from tests.bench.correctness import LostSignups
from tests.bench.figures import Table, machine, say, show

PARTS: Mapping[str, Callable[[Path], Table]] = {
    "accept": accept.measure,
    "latency": latency.measure,
    "pace": pace.measure,
    "deliver": deliver.measure,
    "memory": memory.measure,
    "growth": growth.measure,
    "idle": idle.measure,
}


def main(chosen: Sequence[str]) -> int:
    show(machine())
    for name in chosen or PARTS:
        say(f"{name}:")
        try:
            with tempfile.TemporaryDirectory() as folder:
                show(PARTS[name](Path(folder)).markdown())
        except LostSignups as lost:
            say(f"The run failed. {lost}")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
