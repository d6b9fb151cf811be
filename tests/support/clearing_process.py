"""A process that clears what is over, as a worker does, until a test kills it.

``python -m tests.support.clearing_process URL SECONDS``: records are kept for so many seconds.
"""

import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from shared.infrastructure.redis_urls import connect
from shared.infrastructure.sealing import Sealer
from shared.ledger.ledger import Ledger
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping
from tests.support.retention import retention
from worker.upkeep import record_clearing
from worker.upkeep.record_clearing import RecordClearing

LONGEST = 60  # seconds; no process outlives its test for longer


def start(url: str, kept: timedelta) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.clearing_process", url, str(kept.total_seconds())],
        cwd=Path(__file__).parents[2],
    )


def main(url: str, seconds: str) -> None:
    client, kept = connect(url), timedelta(seconds=float(seconds))
    record_clearing.CLEAR_EVERY = timedelta()
    clearing = RecordClearing(
        Ledger(client),
        RecordKeeping(client, retention(delivered=kept, addresses=kept)),
        Registry(client),
        lambda: load_fingerprints(client, Sealer(("a key of the tests",))),
        lambda: True,
        threading.Event(),
    )
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        clearing.look()


if __name__ == "__main__":
    main(*sys.argv[1:])
