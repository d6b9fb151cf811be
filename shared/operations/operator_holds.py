"""The pause of an account, which operators begin and end."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.accounts.advice import Means
from shared.domain.account import HoldReason
from shared.domain.audit import Action
from shared.domain.errors import Refused
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.signup_baseline import SignupBaselines
from shared.ledger.values import Figures
from shared.operations.release_outcome import ReleaseOutcome, Since, outcome_of
from shared.operations.system_status import SystemStatus

# Every page and every alert about the hold repeats it.
LONGEST_NOTE = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorHolds:
    """Raises `Refused` for an unknown account, and `LedgerUnavailable`."""

    ledger: Ledger
    registry: Registry
    trail: AuditTrail
    baselines: SignupBaselines
    status: SystemStatus
    notify_workers: Callable[[str], None]
    now: Callable[[], datetime]

    def hold(self, account: str, note: str, by: str) -> None:
        """Pause an account: its sign-ups are accepted and wait. Raises `Refused` for a note that
        says nothing, or too much."""
        note = " ".join(note.split())
        if not note:
            raise Refused("Give a reason. Whoever finds the account on hold reads it.")
        if len(note) > LONGEST_NOTE:
            raise Refused(f"The reason can have {LONGEST_NOTE} characters at most.")
        self.registry.check_known(account)
        self.ledger.hold(account, HoldReason.PAUSED, by=by, note=note)
        self.trail.add(Action.HOLD, account=account, reason=note)

    def release(self, account: str, by: str) -> list[HoldReason]:
        """End the pause, and probe every other hold now. Return the holds that were active."""
        self.registry.check_known(account)
        active = self.ledger.release(account, by=by)
        self.trail.add(Action.RELEASE, account=account, holds=active)
        self.notify_workers(account)
        return active

    def outcome(self, account: str, figures: Figures, means: Means) -> ReleaseOutcome | None:
        """Return what came of the account's last release, which has these figures now; None if that
        was long ago."""
        release = self.ledger.last_release(account)
        if release is None:
            return None
        [last_delivery] = self.baselines.last_deliveries([account])
        since = Since(
            release=release,
            figures=figures,
            last_delivery=last_delivery,
            has_workers=self.status.pulse().workers > 0,
            now=self.now(),
        )
        return outcome_of(since, account, means)
