"""`relay backup-made`: the last line of a job that backs up."""

import click

from relay.runtime import CommandRuntime, pass_runtime
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.backup_note import note_backup


@click.command("backup-made")
@pass_runtime
def backup_made(runtime: CommandRuntime) -> None:
    """Say that a backup was made just now, for `relay doctor --deploy`."""
    note_backup(AuditTrail(runtime.client))
    runtime.output.json({"noted": True})
    runtime.output.say("Noted in the audit trail.")
