"""`make bench`: what signup-relay costs, beside peers that are measured in the same run.

`make bench PART=accept` measures one part. The table at the end is Markdown, for the README. A
goal that is missed does not fail the run; a lost sign-up does.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tests.bench import accept, deliver, latency, pace
from tests.bench.correctness import LostSignups
from tests.bench.figures import Figure, machine, say, table

PARTS: Mapping[str, Callable[[Path], Iterator[Figure]]] = {
    "accept": accept.measure,
    "latency": latency.measure,
    "pace": pace.measure,
    "deliver": deliver.measure,
}


def main(chosen: list[str]) -> int:
    figures: list[Figure] = []
    try:
        for name in chosen or PARTS:
            figures += measured(name)
    except LostSignups as lost:
        say(f"\nThe bench failed. {lost}")
        return 1
    say(f"\n{machine()}\n\n{table(figures)}")
    return 0


def measured(part: str) -> Iterator[Figure]:
    """Yield the figures of a part, and print each as soon as it is known."""
    say(f"\n{part}")
    with tempfile.TemporaryDirectory() as folder:
        for figure in PARTS[part](Path(folder)):
            say(
                f"  {figure.what}: {figure.value}{f' (goal: {figure.goal})' if figure.goal else ''}"
            )
            yield figure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
