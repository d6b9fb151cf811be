"""The heartbeat: pings RELAY_HEARTBEAT_URL for as long as sign-ups can be delivered.

It is a dead-man's switch: the service at that address alerts when no ping comes. So it works even
when this host is down. The address is as good as a password, and in no log line.
"""

import logging
from datetime import timedelta

from shared.constant_contact.connection import Connection
from shared.constant_contact.errors import ConnectionFailed
from shared.domain.errors import LedgerUnavailable
from shared.ledger.ledger import Ledger

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
# A worker must have been seen within this time. It says every few seconds that it is alive.
WORKER_WITHIN = timedelta(minutes=1)
DEADLINE = timedelta(seconds=10)


class Heartbeat:
    """Pings `url` while Redis answers and a worker is alive; logs once why it does not."""

    def __init__(self, url: str, ledger: Ledger, deadline: timedelta = DEADLINE) -> None:
        self._url = url
        self._ledger = ledger
        self._deadline = deadline
        self._cause: str | None = None

    def ping(self) -> None:
        """Ping once, if all is well. Never raises `LedgerUnavailable`."""
        cause = self._cause_for_silence() or self._request()
        if cause and cause != self._cause:
            log.warning("heartbeat not sent", extra={"cause": cause})
        elif self._cause and not cause:
            log.info("heartbeat sent again")
        self._cause = cause

    def _cause_for_silence(self) -> str | None:
        try:
            seen = self._ledger.processes.workers_seen().values()
        except LedgerUnavailable as error:
            return str(error)
        alive = any(age <= WORKER_WITHIN for age in seen)
        return None if alive else "no worker has been seen for a minute"

    def _request(self) -> str | None:
        """Return why the ping did not get out; None when it did."""
        try:
            with Connection() as connection:
                answer = connection.send("GET", self._url, deadline=self._deadline)
        except ConnectionFailed as error:
            return str(error)
        return None if 200 <= answer.status_code < 300 else f"HTTP {answer.status_code}"
