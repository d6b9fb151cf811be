"""`relay audit`: what operators did, when, and from where."""

from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import for_people
from shared.domain.audit import AuditEntry
from shared.infrastructure.timestamps import timestamp
from shared.ledger.stores.audit_trail import AuditTrail

_MOST_SHOWN = 3


@click.command()
@pass_runtime
def audit(runtime: CommandRuntime) -> None:
    """Show what operators did, newest first, and who signed in."""
    found = list(AuditTrail(runtime.client).entries(runtime.output.most_rows))
    runtime.output.json([_document(entry) for entry in found])
    runtime.output.latest(
        "entries in the audit trail",
        ["when", "who", "via", "action", "account", "target", "address", "detail"],
        [_row(entry) for entry in found],
        "\nWhat each action is: docs/audit.md",
    )


def _document(entry: AuditEntry) -> dict[str, Any]:
    return {
        "at": timestamp(entry.at),
        "actor": entry.actor,
        "via": entry.via,
        "action": entry.action,
        "account": entry.account,
        "target": entry.target,
        "address": entry.address,
        "detail": entry.detail,
    }


def _row(entry: AuditEntry) -> list[Any]:
    return [
        for_people(entry.at),
        entry.actor,
        entry.via,
        entry.action,
        entry.account,
        entry.target,
        entry.address,
        ", ".join(f"{name}: {_shown(value)}" for name, value in entry.detail.items()) or None,
    ]


def _shown(value: Any) -> str:
    """Return a part of the detail as text for people, who see the first of many ids."""
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value[:_MOST_SHOWN])) + ("…" * (len(value) > _MOST_SHOWN))
        case dict():
            return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    return str(value)
