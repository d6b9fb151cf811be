"""`relay alerts`: whether operators can be told of troubles, and which troubles stand."""

from typing import Any

import click

from relay.runtime import Context, pass_context
from relay.terminal.output import for_people
from shared.domain.alert_condition import Trouble
from shared.domain.errors import Refused
from shared.infrastructure.alert_services import make_services, send_test
from shared.infrastructure.timestamps import timestamp
from shared.ledger.alert_log import AlertLedger, Throttle, Told
from worker.alerts.alert_conditions import troubles
from worker.alerts.alert_dispatcher import Observer

_HOW_TO_SET = "set RELAY_ALERTS, as docs/settings.md says, where workers run"


@click.group()
def alerts() -> None:
    """Troubles, and the services that tell operators of them."""


@alerts.command()
@pass_context
def test(context: Context) -> None:
    """Send a test message to every alert service now."""
    services = make_services(context.settings.alerts)
    if not services:
        raise Refused(f"nobody is told of troubles: {_HOW_TO_SET}")
    by = "with: relay alerts test"
    sent = send_test(services, by=by, public_url=context.settings.public_url)
    context.output.json([{"service": name, "sent": went} for name, went in sent.items()])
    for name, went in sent.items():
        context.output.say(f"{name}: {'sent' if went else 'failed'}")
    if not all(sent.values()):
        raise Refused(
            "To see why one failed, ask the library itself: apprise -vv --body=test ADDRESS"
        )


@alerts.command("list")
@pass_context
def list_(context: Context) -> None:
    """Show the troubles that stand now, and when somebody was told."""
    settings = context.settings
    known = AlertLedger(context.client, Throttle(after=settings.alert_after)).known()
    found = troubles(Observer(context.client, settings.public_url).look())
    context.output.json([_document(trouble, known.get(trouble.key)) for trouble in found])
    for trouble in found:
        _print(context, trouble, known.get(trouble.key))
    if not found:
        context.output.say("No trouble stands.")
    if not settings.alerts:
        context.output.say(f"Nobody is told of troubles: {_HOW_TO_SET}.")


def _print(context: Context, trouble: Trouble, told: Told | None) -> None:
    when = for_people(told.told_at) if told and told.told_at else "nobody yet"
    body = trouble.body.replace("\n\n", "\n  ")
    context.output.say(f"{trouble.severity}: {trouble.title}\n  {body}\n  Told: {when}\n")


def _document(trouble: Trouble, told: Told | None) -> dict[str, Any]:
    return {
        "key": trouble.key,
        "account": trouble.account,
        "severity": trouble.severity,
        "title": trouble.title,
        "body": trouble.body,
        "since": timestamp(trouble.since or (told.begun_at if told else None)),
        "told_at": timestamp(told.told_at if told else None),
    }
