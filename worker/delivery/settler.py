"""Settles claims as decided.

Writes each decision into the ledger once, and tries until it is written.
"""

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from shared.constant_contact.pacing import SLOWER_AFTER_429
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import (
    DeadLetter,
    Delivered,
    HoldAccount,
    QuotaSpent,
    Retry,
    Settlement,
    Throttled,
)
from shared.domain.signup import DeathReason
from shared.ledger.ledger import Ledger
from shared.ledger.values import Attempt, Claim
from worker.delivery.holds import AccountHolds

log = logging.getLogger(__name__)

# After an unforeseen error the sign-up waits for this long, or up to twice as long.
UNFORESEEN_WAIT = timedelta(seconds=15)
_ASK_AGAIN = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Settler:
    """Settles the claims of one lane and keeps the tally of what it did.

    `patience`: how long to go on writing to a ledger that does not answer. That is the lease,
    since somebody else may have the claim after it.
    """

    ledger: Ledger
    holds: AccountHolds
    patience: timedelta
    jitter: Callable[[], float]
    unforeseen_wait: timedelta = UNFORESEEN_WAIT
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    tally: Counter[str] = field(default_factory=Counter)

    def carry_out(self, decision: Settlement, claim: Claim, attempt: Attempt) -> None:
        """Settle the claim as decided."""
        match decision:
            case Delivered():
                self._deliver(claim, attempt, decision)
            case Retry():
                self._retry(claim, attempt, decision)
            case DeadLetter():
                self.bury(claim, decision, attempt)
            case Throttled(rest):
                self.ledger.pace.rest(claim.account, rest, slower_for=SLOWER_AFTER_429)
                self._release(claim, attempt)
            case QuotaSpent():
                self.holds.hold_quota(claim.account, self.jitter())
                self._release(claim, attempt)
            case HoldAccount():
                self.holds.hold(claim.account, decision)
                self._release(claim, attempt)

    def bury(self, claim: Claim, letter: DeadLetter, attempt: Attempt | None = None) -> None:
        """Make the sign-up a dead letter; without an `attempt` it was not sent at all."""
        self._write(
            "dead",
            claim,
            lambda: self.ledger.bury(
                claim,
                attempt,
                reason=letter.reason,
                error_key=(attempt.error_key if attempt else None) or "",
                message=letter.message,
                # A refusal of the sign-up itself proves token, permission and quota in order.
                account_is_well=letter.reason == DeathReason.REJECTED,
                api_failed=letter.api_failed,
            ),
        )
        extra = {**claim.log_fields, "reason": str(letter.reason), "cause": letter.message}
        log.warning("dead letter", extra=extra)

    def lose(self, claim: Claim, error: Exception) -> None:
        """Settle a claim after an unforeseen error: a fault in our own code, or a sign-up that it
        cannot handle. Only the place is recorded, as messages quote data."""
        where = _where(error)
        log.error("unforeseen error", extra={**claim.log_fields, "cause": where})
        wait = self.unforeseen_wait * (1 + self.jitter())
        self._write("lost", claim, lambda: self.ledger.lose(claim, where, wait=wait))

    def _deliver(self, claim: Claim, attempt: Attempt, delivered: Delivered) -> None:
        contact_id, action = delivered.contact_id, delivered.action or ""
        self._write(
            "delivered",
            claim,
            lambda: self.ledger.deliver(claim, attempt, contact_id=contact_id, action=action),
        )

    def _retry(self, claim: Claim, attempt: Attempt, retry: Retry) -> None:
        self._write(
            "retried",
            claim,
            lambda: self.ledger.retry(
                claim,
                attempt if retry.counted else attempt.uncounted(),
                wait=retry.wait,
                error_key=attempt.error_key or "",
                message=attempt.cause,
                api_failed=retry.api_failed,
            ),
        )
        _log_retry(claim, attempt, retry)
        if retry.rest:
            self.ledger.pace.rest(claim.account, retry.rest, slower_for=timedelta())

    def _release(self, claim: Claim, attempt: Attempt) -> None:
        """The cause is not the sign-up's fault: it is due again, and nothing is counted."""
        self._write(
            "released", claim, lambda: self.ledger.release_claim(claim, attempt.uncounted())
        )

    def _write(self, outcome: str, claim: Claim, write: Callable[[], bool]) -> None:
        """Write until the ledger has it. Otherwise the sign-up would be sent again.

        Repeating is safe: the claim's number lets a step happen only once.
        """
        give_up_at = self.monotonic() + self.patience.total_seconds()
        while True:
            try:
                if write():
                    self.tally[outcome] += 1
                else:
                    log.warning("claim was superseded", extra=claim.log_fields)
                return
            except LedgerUnavailable:
                if self.monotonic() >= give_up_at:
                    raise
                self.sleep(_ASK_AGAIN.total_seconds())


def _log_retry(claim: Claim, attempt: Attempt, retry: Retry) -> None:
    log.info(
        "delivery failed, tried again later",
        extra={
            **claim.log_fields,
            "attempt": claim.attempts + 1,
            "cause": attempt.cause,
            "seconds": round(retry.wait.total_seconds()),
        },
    )


def _where(error: Exception) -> str:
    """Return the error's type and where it was raised, such as "KeyError at client.py:12"."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    return f"{type(error).__name__}{place}"
