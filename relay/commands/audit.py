"""`relay audit`: what operators did, when, and from where."""

from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import for_people
from shared.domain.audit import AuditEntry
from shared.domain.audit_words import as_text
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.audit_search import as_document


@click.command()
@pass_runtime
def audit(runtime: CommandRuntime) -> None:
    """Show what operators did, newest first, and who signed in."""
    found = list(AuditTrail(runtime.client).entries(runtime.output.most_rows))
    runtime.output.json([as_document(entry) for entry in found])
    runtime.output.latest(
        "entries in the audit trail",
        ["when", "who", "via", "action", "account", "target", "address", "detail"],
        [_row(entry) for entry in found],
        "\nWhat each action is: docs/audit.md",
    )


def _row(entry: AuditEntry) -> list[Any]:
    return [
        for_people(entry.at),
        entry.actor,
        entry.via,
        entry.action,
        entry.account,
        entry.target,
        entry.address,
        ", ".join(f"{name}: {as_text(value)}" for name, value in entry.detail.items()) or None,
    ]
