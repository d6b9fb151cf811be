"""What waits on this host's disk, for reports. Nothing is changed, and no web need run."""

import socket
from datetime import timedelta
from pathlib import Path

from shared.infrastructure.timestamps import utc_now
from shared.ledger.spools import SpoolReport, not_empty
from web.signup import spool_file


def look_here(folder: Path) -> list[SpoolReport]:
    """Return a report of the spool in `folder`, if there is one, as it is now."""
    here = spool_file.peek(folder, utc_now())
    return [SpoolReport(here[0], socket.gethostname(), here[1], timedelta())] if here else []


def spools_here(folder: Path) -> tuple[SpoolReport, ...]:
    """Return the same, unless it is empty."""
    return not_empty((), look_here(folder))
