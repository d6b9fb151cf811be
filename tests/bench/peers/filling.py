"""Fills a peer's queue: `python -m tests.bench.peers.filling MODULE COUNT PREFIX`."""

import importlib
import sys


def main(module: str, count: str, prefix: str) -> None:
    enqueue = importlib.import_module(f"tests.bench.peers.{module}").enqueue
    for number in range(int(count)):
        enqueue(f"{prefix}-{number}@example.com", f"Ada {number}", "Lovelace")


if __name__ == "__main__":
    main(*sys.argv[1:])
