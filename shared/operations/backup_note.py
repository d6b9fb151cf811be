"""An operator's word that a backup was made. Nothing here can see where copies are."""

from shared.domain.audit import Action
from shared.ledger.stores.audit_trail import AuditTrail


def note_backup(trail: AuditTrail) -> None:
    """Note it in the audit trail, where `relay doctor --deploy` finds it."""
    trail.add(Action.BACKUP)
