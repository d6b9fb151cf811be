"""`relay failed list`, `show`, `edit` and `discard`: one dead letter, or many."""

from typing import Any

import click

from relay.commands.discarding import discard_chosen, note_option
from relay.commands.failed.edited import typed_values
from relay.commands.selection_options import selection_options
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import yes_option
from relay.terminal.output import for_people
from shared.domain.errors import InvalidSignup, Refused
from shared.domain.phrases import counted
from shared.domain.signup import DeathReason, Signup, State
from shared.domain.state_words import reason_words, state_words
from shared.operations.exports import ExportFormat
from shared.operations.one_signup import SignupDetails
from shared.operations.selection import Selection
from shared.operations.signup_documents import (
    dead_letter,
    event_documents,
    signup_details,
    signup_outlook,
)

_NEXT_STEPS = """
Show details:      relay failed show ID
Correct and send:  relay failed edit ID --set email=…   then   relay failed retry ID
Discard:           relay failed discard ID"""


@click.command("list")
@selection_options("failed sign-ups", DeathReason, required=False)
def list_dead_letters(runtime: CommandRuntime, selection: Selection) -> None:
    """List failed sign-ups, the latest first."""
    found = runtime.operations.dead_letters.find(selection, runtime.output.most_rows)
    runtime.output.json([dead_letter(signup) for signup in found])
    runtime.output.latest(
        "failed sign-ups",
        ["id", "account", "form", "email", "reason", "message", "failed at"],
        [_row(signup) for signup in found],
        _NEXT_STEPS,
    )


def _row(signup: Signup) -> list[Any]:
    return [
        signup.id,
        signup.account,
        signup.form,
        signup.contact.email,
        _reason(signup),
        signup.message,
        for_people(signup.settled_at),
    ]


@click.command()
@click.argument("id")
@pass_runtime
def show(runtime: CommandRuntime, id: str) -> None:
    """Show one sign-up in any state, with its history, why it stands so, and what to do."""
    details = runtime.operations.one_signup.look(id)
    events = event_documents(details.history)
    runtime.output.json(_details(details.signup) | signup_outlook(details) | {"history": events})
    if not runtime.output.as_json:
        _print(runtime, details, events)


@click.command()
@click.option(
    "--format",
    "to",
    type=click.Choice([each.value for each in ExportFormat]),
    default=ExportFormat.JSON.value,
    show_default=True,
)
@selection_options("failed sign-ups", DeathReason, required=False)
def export(runtime: CommandRuntime, selection: Selection, *, to: str) -> None:
    """Write failed sign-ups with all their fields to standard output, the latest first."""
    for text in runtime.operations.exports.chosen(selection, ExportFormat(to)):
        click.echo(text, nl=False)


@click.command()
@yes_option
@note_option
@selection_options("failed sign-ups", DeathReason)
def discard(runtime: CommandRuntime, selection: Selection, *, yes: bool, note: str) -> None:
    """Discard failed sign-ups; or quarantined sign-ups, by their ids."""
    chosen = runtime.operations.dead_letters.to_discard(selection)
    discard_chosen(runtime, chosen, selection, yes=yes, note=note)


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--job", help="All that this job has discarded.")
@pass_runtime
def undo(runtime: CommandRuntime, ids: tuple[str, ...], job: str | None) -> None:
    """Undo discarding: the sign-ups are failed or quarantined again, as before.

    This works until retention clears them.
    """
    if bool(ids) == bool(job):
        raise click.UsageError("Name sign-ups by their ids, or a job with --job.")
    if job:
        _undo_job(runtime, job)
        return
    done = runtime.operations.dead_letters.undo_discard(ids)
    runtime.output.json({"restored": done, "job": None, "count": len(done)})
    runtime.output.say(f"{counted(len(done), 'sign-up')} as before. See: relay failed list")


def _undo_job(runtime: CommandRuntime, job: str) -> None:
    started = runtime.operations.jobs.undo(job)
    count = started.total if started else 0
    id = started.id if started else None
    runtime.output.json({"restored": [], "job": id, "count": count})
    runtime.output.say(
        f"The job {id} undoes this. Watch it with: relay failed jobs"
        if id
        else "Nothing is left to undo."
    )


@click.command()
@click.argument("id")
@click.option(
    "--set",
    "changes",
    multiple=True,
    required=True,
    metavar="FIELD=VALUE",
    help="Such as email=ada@example.com. An empty value removes the field. May be repeated.",
)
@pass_runtime
def edit(runtime: CommandRuntime, id: str, changes: tuple[str, ...]) -> None:
    """Correct fields of a failed sign-up, or of a quarantined sign-up, before it is sent."""
    values = dict(typed_values(changes))
    try:
        signup = runtime.operations.dead_letters.edit(id, values)
    except InvalidSignup as error:
        raise Refused(" ".join(wrong.message for wrong in error.errors)) from error
    runtime.output.json(_details(signup))
    step = "quarantine deliver" if signup.state == State.QUARANTINED else "failed retry"
    runtime.output.say(f"Corrected. Send it with: relay {step} {id}")


def _details(signup: Signup) -> dict[str, Any]:
    return dead_letter(signup) | signup_details(signup)


def _print(runtime: CommandRuntime, details: SignupDetails, events: list[dict[str, Any]]) -> None:
    signup, told = details.signup, _details(details.signup)
    outlook = {
        name.replace("_", " "): text for name, text in signup_outlook(details).items() if text
    }
    rows = [
        *_standing(signup).items(),
        *(("seen", f"{reason_words(reason)}: {text}") for reason, text in told["seen"].items()),
        *outlook.items(),
        *([("on hold", details.would_wait)] if details.would_wait else []),
        *signup.contact.fields.items(),
        *told["custom_fields"].items(),
        *((f"{name} (as typed)", text) for name, text in told["typed"].items()),
        *((f"{name} (not sent)", text) for name, text in told["other_fields"].items()),
        *([("not kept", f"{told['fields_cut']} more fields")] if told["fields_cut"] else []),
        ("consent", f"{signup.consent.text} (version {signup.consent.version})"),
        ("page", signup.consent.page),
    ]
    runtime.output.table(["", ""], rows)
    runtime.output.say("")
    runtime.output.table(
        ["when", "what", "by", "took", "counted", "tracking id"],
        [_event_row(event) for event in events],
    )


def _reason(signup: Signup) -> str | None:
    return reason_words(signup.reason) if signup.reason else None


def _standing(signup: Signup) -> dict[str, Any]:
    """Return what every list tells of it, in words."""
    told = dead_letter(signup) | {
        "state": state_words(signup.state),
        "reason": _reason(signup),
        "reasons": ", ".join(map(reason_words, signup.reasons)) or None,
    }
    failed_at = told.pop("died_at")
    return {name.replace("_", " "): value for name, value in told.items()} | {
        "failed at": failed_at
    }


def _event_row(event: dict[str, Any]) -> list[Any]:
    return [
        event["at"],
        _what(event),
        event.get("by"),
        f"{event['seconds']:.1f} s" if "seconds" in event else None,
        "yes" if event["counted"] else "no",
        event.get("tracking_id"),
    ]


def _what(event: dict[str, Any]) -> str:
    name = str(event.get("event") or _outcome(event))
    if "was" in event:
        name += f" (was {reason_words(event['was'])})"
    more = event.get("note") or ", ".join(event.get("fields", ()))
    return f"{name}: {more}" if more else name


def _outcome(event: dict[str, Any]) -> str:
    status = f"HTTP {event['status']}" if event["status"] else "no answer"
    error = event["message"] or event["error_key"]
    return f"{status}: {error}" if error else status
