"""The pause of an account, which operators begin and end."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.domain.account import HoldReason
from shared.domain.audit import Action
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry


@dataclass(frozen=True, slots=True)
class OperatorHolds:
    """Raises `Refused` for an unknown account, and `LedgerUnavailable`."""

    ledger: Ledger
    registry: Registry
    trail: AuditTrail
    notify_workers: Callable[[str], None]

    def hold(self, account: str, note: str, by: str) -> None:
        """Pause an account: its sign-ups are accepted and wait."""
        self.registry.check_known(account)
        self.ledger.hold(account, HoldReason.PAUSED, by=by, note=note)
        self.trail.add(Action.HOLD, account=account, reason=note)

    def release(self, account: str) -> list[HoldReason]:
        """End the pause, and probe every other hold now. Return the holds that were active."""
        self.registry.check_known(account)
        active = self.ledger.release(account)
        self.trail.add(Action.RELEASE, account=account, holds=active)
        self.notify_workers(account)
        return active
