"""Puts accounts on hold when tokens, permissions or the quota are missing, and says so once."""

import logging
from dataclasses import dataclass
from datetime import timedelta

from shared.domain.account import HoldReason
from shared.domain.outcome import HoldAccount
from shared.ledger.ledger import Ledger

log = logging.getLogger(__name__)

FIRST_PROBE = timedelta(seconds=15)
LONGEST_PROBE = timedelta(hours=1)
# Marks a hold that began without a token, before anything was sent.
NO_TOKEN = "token"  # noqa: S105 - a word


@dataclass(frozen=True, slots=True)
class AccountHolds:
    """Holds of accounts and API keys, as worker processes set and end them.

    Probes ask at growing intervals, from `first_probe` to `longest_probe`, whether a hold is over.
    """

    ledger: Ledger
    first_probe: timedelta = FIRST_PROBE
    longest_probe: timedelta = LONGEST_PROBE

    def hold(self, account: str, decision: HoldAccount) -> None:
        """Hold the account after an answer, until a probe succeeds."""
        self._hold(account, decision, by="answer", probed=True)
        _log(account, decision)

    def hold_quota(self, account: str, jitter: float) -> None:
        """Hold the account's API key until the day is over."""
        self.ledger.hold_quota(account, jitter=jitter)
        _log(account, HoldAccount(HoldReason.QUOTA, "the API says so"))

    def hold_without_token(self, account: str, note: str, *, probed: bool) -> None:
        """Hold the account, as it has no token; not `probed` where only connecting again helps."""
        decision = HoldAccount(HoldReason.RECONNECT, note)
        if self._hold(account, decision, by=NO_TOKEN, probed=probed):
            _log(account, decision)

    def end_hold_without_token(self, account: str) -> None:
        """End such a hold, as there are tokens after all.

        A process that was frozen in the middle of a refresh can still store its pair later, when
        the others have given it up.
        """
        for hold in self.ledger.figures(account).holds:
            if hold.reason == HoldReason.RECONNECT and hold.by == NO_TOKEN:
                self.ledger.lift(account, HoldReason.RECONNECT)

    def _hold(self, account: str, decision: HoldAccount, *, by: str, probed: bool) -> bool:
        return self.ledger.hold(
            account,
            decision.reason,
            by=by,
            note=decision.note,
            first_probe=self.first_probe if probed else None,
            longest_probe=self.longest_probe,
        )


def _log(account: str, decision: HoldAccount) -> None:
    log.warning(
        "account on hold",
        extra={"account": account, "reason": str(decision.reason), "note": decision.note},
    )
