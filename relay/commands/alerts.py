"""`relay alerts`: the problems that operators are notified of, and a test of the services."""

from typing import Any

import click

from relay.lazy_group import LazyGroup
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import for_people
from shared.domain.alert_condition import AlertCondition
from shared.domain.errors import Refused
from shared.infrastructure.alert_services import ALERTS_OFF, make_services
from shared.infrastructure.timestamps import timestamp
from shared.ledger.stores.alert_log import AlertHistory, AlertLedger, Throttle
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.alert_test import send_test_alert
from worker.alerts.conditions import active_conditions
from worker.alerts.snapshot import SnapshotReader

COMMANDS = {
    "list": "relay.commands.alerts:list_alerts",
    "test": "relay.commands.alerts:test",
}


@click.group(cls=LazyGroup, places=COMMANDS)
def alerts() -> None:
    """Show active alerts, and test the services that notify operators."""


@click.command()
@pass_runtime
def test(runtime: CommandRuntime) -> None:
    """Send a test message to every alert service now."""
    services = make_services(runtime.settings.alerts)
    if not services:
        raise Refused(ALERTS_OFF)
    sent = send_test_alert(
        services,
        AuditTrail(runtime.client),
        by="with `relay alerts test`",
        public_url=runtime.settings.public_url,
    )
    runtime.output.json([{"service": name, "sent": went} for name, went in sent.items()])
    for name, went in sent.items():
        runtime.output.say(f"{name}: {'sent' if went else 'failed'}")
    if not all(sent.values()):
        raise Refused(
            "A service failed. To see why, run: apprise -vv --body=test ADDRESS\n"
            "ADDRESS is the one in RELAY_ALERTS. It then shows in the shell's history."
        )


@click.command("list")
@pass_runtime
def list_alerts(runtime: CommandRuntime) -> None:
    """Show the active alerts, and when operators were notified."""
    settings = runtime.settings
    known = AlertLedger(runtime.client, Throttle(after=settings.alert_after)).known()
    found = active_conditions(SnapshotReader(runtime.client, settings.public_url).take())
    runtime.output.json([_document(condition, known.get(condition.key)) for condition in found])
    for condition in found:
        _print(runtime, condition, known.get(condition.key))
    if not found:
        runtime.output.say("No alert is active.")
    if not settings.alerts:
        runtime.output.say(ALERTS_OFF)


def _print(
    runtime: CommandRuntime, condition: AlertCondition, notified: AlertHistory | None
) -> None:
    when = for_people(notified.notified_at) if notified and notified.notified_at else "not yet"
    body = condition.body.replace("\n\n", "\n  ")
    runtime.output.say(f"{condition.severity}: {condition.title}\n  {body}\n  Notified: {when}\n")


def _document(condition: AlertCondition, notified: AlertHistory | None) -> dict[str, Any]:
    return {
        "key": condition.key,
        "account": condition.account,
        "severity": condition.severity,
        "title": condition.title,
        "body": condition.body,
        "since": timestamp(condition.since or (notified.begun_at if notified else None)),
        "told_at": timestamp(notified.notified_at if notified else None),
    }
