"""Clears the records whose time is over, and replaces old network addresses, a few at a time. It
also looks after the lines of people who have a sign-up that nobody can read."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.errors import Refused
from shared.domain.retention import KeptRecords
from shared.ledger.ledger import Ledger
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import OverdueRecords, RecordKeeping

log = logging.getLogger(__name__)

# What is over is cleared within a minute.
CLEAR_EVERY = timedelta(seconds=20)
# Between two batches, so that other calls of Redis hardly wait.
PAUSE = timedelta(milliseconds=5)


@dataclass(frozen=True, slots=True)
class RecordClearing:
    """Runs in every worker. One of them looks for what is over; if it dies, the next one does.

    `fingerprints` are only loaded once there is an address to replace.
    """

    ledger: Ledger
    keeping: RecordKeeping
    registry: Registry
    fingerprints: Callable[[], Fingerprints]
    all_upgraded: Callable[[], bool]
    stopping: threading.Event

    def look(self) -> None:
        """Clear all that is over, until the worker stops. Records of older formats come first."""
        if self.all_upgraded():
            mine, new = self.keeping.begin(CLEAR_EVERY)
            if new:
                _log_beginning(new)
            if mine:
                self._mend_lines()
                self._clear()

    def _mend_lines(self) -> None:
        """Let nobody's sign-up wait behind one that cannot be read."""
        unreadable = self.ledger.unreadable
        for account in unreadable.accounts(self.registry.account_names()):
            if count := unreadable.mend_lines(account):
                extra = {"account": account, "count": count}
                log.error("sign-ups cannot be read and are dead letters", extra=extra)

    def _clear(self) -> None:
        refusals = set()
        for overdue in self.keeping.overdue(self.registry.owners_of_records()):
            if self.stopping.is_set():
                return
            try:
                self._do_all(overdue)
            except Refused as refused:  # such as RELAY_SECRET_KEY, which opens no fingerprint key
                refusals.add(str(refused))
        for cause in refusals:
            log.warning("network addresses not replaced", extra={"cause": cause})
        self.registry.forget_removed_accounts()

    def _do_all(self, overdue: OverdueRecords) -> None:
        """Do all of this, unless the worker stops."""
        done = 0
        while (some := self._do_some(overdue)) and not self.stopping.wait(PAUSE.total_seconds()):
            done += some
        if message := _MESSAGES.get(overdue.what):
            extra = {"account": overdue.account, "state": overdue.state, "count": done + some}
            log.info(message, extra=extra)

    def _do_some(self, overdue: OverdueRecords) -> int:
        """Return of how many records this was; 0 when none is left."""
        match overdue.what:
            case "sort":
                return self.keeping.sort_delivered(overdue.account)
            case "clear":
                return self.keeping.clear(overdue.account, overdue.state)
            case "forget":
                return self.keeping.forget_evidence(overdue.account)
        digest = self.fingerprints().visitor
        return self.keeping.replace_addresses(overdue.account, overdue.state, digest)


_MESSAGES = {
    "clear": "records cleared",
    "forget": "evidence of consent forgotten",
    "replace": "network addresses are digests now",
}


def _log_beginning(switched_on: Sequence[KeptRecords]) -> None:
    log.info(
        "retention counts from now on, and clears nothing before",
        extra={each.name: each.in_words for each in switched_on},
    )
