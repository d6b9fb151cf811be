"""`relay alerts`: whether operators can be told of troubles, and which troubles stand."""

from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import for_people
from shared.domain.alert_condition import AlertCondition
from shared.domain.errors import Refused
from shared.infrastructure.alert_services import make_services, send_test
from shared.infrastructure.timestamps import timestamp
from shared.ledger.alert_log import AlertHistory, AlertLedger, Throttle
from worker.alerts.alert_conditions import active_conditions
from worker.alerts.alert_dispatcher import SnapshotReader

_HOW_TO_SET = "set RELAY_ALERTS, as docs/settings.md says, where workers run"


@click.group()
def alerts() -> None:
    """Troubles, and the services that tell operators of them."""


@alerts.command()
@pass_runtime
def test(runtime: CommandRuntime) -> None:
    """Send a test message to every alert service now."""
    services = make_services(runtime.settings.alerts)
    if not services:
        raise Refused(f"nobody is told of troubles: {_HOW_TO_SET}")
    by = "with: relay alerts test"
    sent = send_test(services, by=by, public_url=runtime.settings.public_url)
    runtime.output.json([{"service": name, "sent": went} for name, went in sent.items()])
    for name, went in sent.items():
        runtime.output.say(f"{name}: {'sent' if went else 'failed'}")
    if not all(sent.values()):
        raise Refused(
            "To see why one failed, ask the library itself: apprise -vv --body=test ADDRESS"
        )


@alerts.command("list")
@pass_runtime
def list_(runtime: CommandRuntime) -> None:
    """Show the troubles that stand now, and when somebody was told."""
    settings = runtime.settings
    known = AlertLedger(runtime.client, Throttle(after=settings.alert_after)).known()
    found = active_conditions(SnapshotReader(runtime.client, settings.public_url).look())
    runtime.output.json([_document(condition, known.get(condition.key)) for condition in found])
    for condition in found:
        _print(runtime, condition, known.get(condition.key))
    if not found:
        runtime.output.say("No trouble stands.")
    if not settings.alerts:
        runtime.output.say(f"Nobody is told of troubles: {_HOW_TO_SET}.")


def _print(
    runtime: CommandRuntime, condition: AlertCondition, notified: AlertHistory | None
) -> None:
    when = for_people(notified.told_at) if notified and notified.told_at else "nobody yet"
    body = condition.body.replace("\n\n", "\n  ")
    runtime.output.say(f"{condition.severity}: {condition.title}\n  {body}\n  Told: {when}\n")


def _document(condition: AlertCondition, notified: AlertHistory | None) -> dict[str, Any]:
    return {
        "key": condition.key,
        "account": condition.account,
        "severity": condition.severity,
        "title": condition.title,
        "body": condition.body,
        "since": timestamp(condition.since or (notified.begun_at if notified else None)),
        "told_at": timestamp(notified.told_at if notified else None),
    }
