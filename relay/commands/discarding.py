"""Discarding sign-ups, which `relay failed` and `relay quarantine` share."""

from collections import Counter
from collections.abc import Sequence

import click

from relay.runtime import CommandRuntime
from relay.terminal.confirmation import confirm
from relay.terminal.output import by_name
from shared.domain.phrases import counted
from shared.domain.signup import Signup
from shared.domain.state_words import reason_words
from shared.operations.selection import NOUNS, Selection, UnreadableSignup

note_option = click.option("--note", default="", help="Why, for the history and the audit trail.")


def discard_chosen(
    runtime: CommandRuntime,
    chosen: Sequence[Signup | UnreadableSignup],
    selection: Selection,
    *,
    yes: bool,
    note: str = "",
) -> None:
    """Ask, then discard these dead letters and quarantined sign-ups, a hundred or more by a job.
    `note` says why."""
    if chosen:
        confirm(question(chosen), yes=yes)
    done = runtime.operations.discards.discard(chosen, selection, note)
    job = {"job": done.job.id} if done.job else {}
    runtime.output.json({"discarded": done.ids, **job})
    undo = f" Undo all of it with: relay failed undo --job {done.job.id}" if done.job else ""
    runtime.output.say(f"{counted(len(done.ids), 'sign-up')} discarded.{undo}")


def question(chosen: Sequence[Signup | UnreadableSignup]) -> str:
    accounts = by_name(Counter(signup.account for signup in chosen))
    reasons = by_name(Counter(reason_words(signup.reason or "no reason") for signup in chosen))
    states = {signup.state for signup in chosen}
    noun = NOUNS[states.pop()] if len(states) == 1 else "sign-up"
    return (
        f"Discard {counted(len(chosen), noun)} ({accounts}; {reasons})? They will not be sent."
        " Undo it with relay failed undo, until retention clears them."
    )
