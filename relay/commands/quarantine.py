"""`relay quarantine`: sign-ups that look like spam. They are kept, and not sent by themselves."""

import sys
from functools import partial
from typing import Any

import click

from relay.commands.discarding import discard_chosen, note_option
from relay.commands.selection_options import selection_options
from relay.lazy_group import LazyGroup
from relay.runtime import CommandRuntime
from relay.terminal.confirmation import yes_option
from relay.terminal.output import for_people
from shared.domain.phrases import counted
from shared.domain.signup import QUARANTINE_FILTERS, SPIKE, Signup
from shared.domain.signup_advice import ABOUT_SPIKES
from shared.domain.state_words import reason_words
from shared.infrastructure.timestamps import timestamp
from shared.operations.quarantine import DeliveredAnyway
from shared.operations.selection import Selection

COMMANDS = {
    "deliver": "relay.commands.quarantine:deliver",
    "discard": "relay.commands.quarantine:discard",
    "list": "relay.commands.quarantine:list_quarantined",
}

_NEXT_STEPS = """
Show details:       relay failed show ID
Deliver it anyway:  relay quarantine deliver ID
Discard:            relay quarantine discard ID"""


@click.group(cls=LazyGroup, places=COMMANDS)
def quarantine() -> None:
    """Show, deliver and discard sign-ups that look like spam. They are kept until then."""


_selection_options = partial(
    selection_options, "quarantined sign-ups", QUARANTINE_FILTERS, notes={SPIKE: ABOUT_SPIKES}
)


@click.command("list")
@_selection_options(required=False)
def list_quarantined(runtime: CommandRuntime, selection: Selection) -> None:
    """List quarantined sign-ups, the latest first."""
    found = runtime.operations.quarantine.find(selection, runtime.output.most_rows)
    runtime.output.json([_document(signup) for signup in found])
    runtime.output.latest(
        "quarantined sign-ups",
        ["id", "account", "form", "email", "reasons", "score", "received at"],
        [_row(signup) for signup in found],
        _NEXT_STEPS,
    )


@click.command()
@_selection_options()
def deliver(runtime: CommandRuntime, selection: Selection) -> None:
    """Send quarantined sign-ups to Constant Contact, with the consent that they came with.

    A hundred or more are a job, which workers go on with. The exit status is 1 if some of them
    cannot be sent as they are. These stay in quarantine.
    """
    chosen = runtime.operations.quarantine.chosen(selection)
    delivered = runtime.operations.review.deliver_selected(chosen, selection)
    refused = [{"id": id, "message": why} for id, why in delivered.refused.items()]
    job = {"job": delivered.job.id} if delivered.job else {}
    runtime.output.json({"due": delivered.due, "refused": refused, **job})
    _say_delivered(runtime, delivered)
    if refused:
        sys.exit(1)


@click.command()
@yes_option
@note_option
@_selection_options()
def discard(runtime: CommandRuntime, selection: Selection, *, yes: bool, note: str) -> None:
    """Discard quarantined sign-ups. They are never sent, unless somebody undoes it."""
    chosen = runtime.operations.quarantine.chosen(selection)
    discard_chosen(runtime, chosen, selection, yes=yes, note=note)


def _say_delivered(runtime: CommandRuntime, delivered: DeliveredAnyway) -> None:
    say, job = runtime.output.say, delivered.job
    if job:
        say(
            f"The job {job.id} delivers {counted(job.total, 'sign-up')}, oldest first."
            f"\nWatch it: relay failed jobs   Stop it: relay failed cancel {job.id}"
        )
    elif delivered.due or not delivered.refused:
        told = runtime.operations.sending.of_many(delivered.accounts)
        say(f"{' '.join(told)} Watch them: relay status")
    for id, why in delivered.refused.items():
        say(f"{id} stays in quarantine: {why}")
    if delivered.refused:
        say(
            "\nCorrect a field:  relay failed edit ID --set FIELD=VALUE   then deliver it again"
            "\nOr discard it:    relay quarantine discard ID"
        )


def _row(signup: Signup) -> list[Any]:
    return [
        signup.id,
        signup.account,
        signup.form,
        signup.contact.email,
        ", ".join(map(reason_words, signup.reasons)),
        signup.score,
        for_people(signup.received_at),
    ]


def _document(signup: Signup) -> dict[str, Any]:
    return {
        "id": signup.id,
        "account": signup.account,
        "form": signup.form,
        "email": signup.contact.email,
        "reasons": signup.reasons,
        "score": signup.score,
        "received_at": timestamp(signup.received_at),
    }
