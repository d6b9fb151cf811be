"""Health check of a container: exit 0 when the worker or beat in it was seen of late.

Both say every few seconds in Redis that they live, under a name that ends with their host's.
While Redis is away they are unhealthy too: they cannot do their work.
"""

import os
import socket
import sys
from datetime import timedelta

from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.operations.system_status import LIVE_WITHIN


def main(kind: str) -> bool:
    """Whether a `kind`, "worker" or "beat", of this host lives."""
    settings = Settings.from_env(os.environ)
    ledger = Ledger(connect(settings.redis_url, socket_timeout=3, socket_connect_timeout=2))
    seen = ledger.processes.workers_seen() if kind == "worker" else ledger.processes.beats_seen()
    here = f"@{socket.gethostname()}"
    ages = [age for name, age in seen.items() if name.endswith(here)]
    return min(ages, default=timedelta.max) <= LIVE_WITHIN


if __name__ == "__main__":
    sys.exit(not main(sys.argv[1]))
