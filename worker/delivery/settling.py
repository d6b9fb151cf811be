"""Carry out what was decided about an answer: write it into the ledger, once, come what may."""

import logging
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from shared.constant_contact.pacing import SLOWER_AFTER_429
from shared.domain.account import HoldReason
from shared.domain.errors import LedgerUnavailable
from shared.domain.outcome import (
    DeadLetter,
    Decision,
    Delivered,
    LacksPermission,
    QuotaSpent,
    Retry,
    Throttled,
)
from shared.domain.signup import DeathReason
from shared.ledger.ledger import Ledger
from shared.ledger.values import Attempt, Claim

log = logging.getLogger(__name__)

FIRST_PROBE = timedelta(seconds=15)
LONGEST_PROBE = timedelta(hours=1)
# Marks a hold that began because no token could be had, before anything was sent.
NO_TOKEN = "token"  # noqa: S105 - a word
# What something unforeseen happened with is left alone for this long, or twice.
UNFORESEEN_WAIT = timedelta(seconds=15)
_ASK_AGAIN = timedelta(milliseconds=500)


class Settler:
    """Settles the claims of one lane and keeps the tally of what it did."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        patience: timedelta,
        jitter: Callable[[], float],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`patience`: how long to go on trying to tell a ledger that does not answer; the lease,
        since after that somebody else may have the claim."""
        self._ledger = ledger
        self._patience = patience
        self._jitter = jitter
        self._sleep = sleep
        self._monotonic = monotonic
        self.tally: Counter[str] = Counter()

    def carry_out(self, decision: Decision, claim: Claim, attempt: Attempt) -> str | None:
        """Settle the claim as decided; return why the lane should stop, or None."""
        match decision:
            case Delivered(contact_id, action):
                self._deliver(claim, attempt, contact_id, action or "")
            case Retry():
                self._retry(claim, attempt, decision)
                if decision.rest:
                    self._ledger.rest(claim.account, decision.rest, slower_for=timedelta())
            case DeadLetter():
                self._bury(claim, attempt, decision)
            case Throttled(rest):
                self._ledger.rest(claim.account, rest, slower_for=SLOWER_AFTER_429)
                self._release_claim(claim, attempt)
            case QuotaSpent():
                self._ledger.hold_quota(claim.account, jitter=self._jitter())
                self._release_claim(claim, attempt)
                return self._held(claim.account, HoldReason.QUOTA, "the API says so")
            case LacksPermission(note):
                return self._hold_probed(claim, attempt, HoldReason.FORBIDDEN, note)
            case _:
                raise AssertionError(f"{type(decision).__name__} is not for the ledger")
        return None

    def _release_claim(self, claim: Claim, attempt: Attempt) -> None:
        """What happened was not the sign-up's fault: it is due again, nothing is counted."""
        self._settle(
            "released", claim, lambda: self._ledger.release_claim(claim, attempt.uncounted())
        )

    def bury_unsent(self, claim: Claim, letter: DeadLetter) -> None:
        """Bury a sign-up that is not to be sent at all."""
        self._bury(claim, None, letter)

    def lose(self, claim: Claim, error: Exception) -> None:
        """Settle a claim with which something unforeseen happened: a fault in our own code, or a
        sign-up that it cannot stomach. Only where it happened is told, as messages quote data."""
        where = _where(error)
        log.error("unforeseen error", extra={"signup": claim.id, "cause": where})
        wait = UNFORESEEN_WAIT * (1 + self._jitter())
        self._settle("lost", claim, lambda: self._ledger.lose(claim, where, wait=wait))

    def hold_reconnect(self, claim: Claim, attempt: Attempt, note: str) -> str:
        """Hold the account until its tokens are accepted again, probed at growing intervals."""
        return self._hold_probed(claim, attempt, HoldReason.RECONNECT, note)

    def hold_without_token(self, account: str, note: str, *, probed: bool) -> None:
        """Hold the account for want of a token; not `probed` where only connecting again helps."""
        new = self._ledger.hold(
            account,
            HoldReason.RECONNECT,
            by=NO_TOKEN,
            note=note,
            first_probe=FIRST_PROBE if probed else None,
            longest_probe=LONGEST_PROBE,
        )
        if new:
            self._held(account, HoldReason.RECONNECT, note)

    def _hold_probed(self, claim: Claim, attempt: Attempt, reason: HoldReason, note: str) -> str:
        self._ledger.hold(
            claim.account,
            reason,
            by="answer",
            note=note,
            first_probe=FIRST_PROBE,
            longest_probe=LONGEST_PROBE,
        )
        self._release_claim(claim, attempt)
        return self._held(claim.account, reason, note)

    def _held(self, account: str, reason: HoldReason, note: str) -> str:
        log.warning(
            "account on hold", extra={"account": account, "reason": str(reason), "note": note}
        )
        return f"on hold: {reason}"

    def _deliver(self, claim: Claim, attempt: Attempt, contact_id: str, action: str) -> None:
        self._settle(
            "delivered",
            claim,
            lambda: self._ledger.deliver(claim, attempt, contact_id=contact_id, action=action),
        )

    def _retry(self, claim: Claim, attempt: Attempt, retry: Retry) -> None:
        self._settle(
            "retried",
            claim,
            lambda: self._ledger.retry(
                claim,
                attempt if retry.counted else attempt.uncounted(),
                wait=retry.wait,
                error_key=attempt.error_key or "",
                message=attempt.cause,
                api_failed=retry.api_failed,
            ),
        )
        log.info(
            "delivery failed, tried again later",
            extra={
                "signup": claim.id,
                "attempt": claim.attempts + 1,
                "cause": attempt.cause,
                "seconds": round(retry.wait.total_seconds()),
            },
        )

    def _bury(self, claim: Claim, attempt: Attempt | None, letter: DeadLetter) -> None:
        self._settle(
            "dead",
            claim,
            lambda: self._ledger.bury(
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
        log.warning(
            "dead letter",
            extra={
                "signup": claim.id,
                "reason": str(letter.reason),
                "cause": letter.message,
            },
        )

    def _settle(self, outcome: str, claim: Claim, write: Callable[[], bool]) -> None:
        """Write until the ledger has it: what was sent would be sent again otherwise. Repeating
        is safe, as the claim's number lets a step happen only once."""
        give_up_at = self._monotonic() + self._patience.total_seconds()
        while True:
            try:
                if write():
                    self.tally[outcome] += 1
                else:
                    log.warning("claim was superseded", extra={"signup": claim.id})
                return
            except LedgerUnavailable:
                if self._monotonic() >= give_up_at:
                    raise
                self._sleep(_ASK_AGAIN.total_seconds())


def _where(error: Exception) -> str:
    """Return the error's type and where it was raised, such as "KeyError at client.py:12"."""
    last = traceback.extract_tb(error.__traceback__)[-1:]
    place = "".join(f" at {Path(frame.filename).name}:{frame.lineno}" for frame in last)
    return f"{type(error).__name__}{place}"
