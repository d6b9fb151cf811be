"""The arguments and options by which commands select dead letters or quarantined sign-ups."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from functools import wraps
from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.moments import typed_moment
from shared.operations.selection import Selection

Command = Callable[..., None]

_NO_NOTES: Mapping[str, str] = {}


class _Moment(click.ParamType[datetime]):
    """A date or time in ISO 8601; UTC unless it says otherwise."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        try:
            return typed_moment(value)
        except ValueError:
            self.fail("It must be a time such as 2026-03-01 or 2026-03-01T12:00:00Z.", param, ctx)


def selection_options(
    what: str,
    reasons: Iterable[str],
    *,
    required: bool = True,
    notes: Mapping[str, str] = _NO_NOTES,
) -> Callable[[Command], Command]:
    """Give the command a `Selection` of `what`, made from its arguments and options.

    `reasons` are those by which `what` can be chosen; `notes` has what to say of some of them.
    """

    def decorate(command: Command) -> Command:
        @click.argument("ids", nargs=-1, metavar="[ID]...")
        @click.option("--account", help="Only this account's.")
        @click.option("--form", help="Only those of this form.")
        @click.option(
            "--reason",
            type=click.Choice([str(reason) for reason in reasons]),
            help="Only those with this reason.",
        )
        @click.option("--email", help="Only this person's.")
        @click.option("--since", type=_Moment(), help="Only those since then, such as 2026-03-01.")
        @click.option("--all", "all", is_flag=True, help=f"All {what}.")
        @pass_runtime
        @wraps(command)
        def with_selection(runtime: CommandRuntime, /, **given: Any) -> None:
            chosen = {field.name: given.pop(field.name) for field in fields(Selection)}
            selection = Selection(**chosen)
            if required and selection.is_empty:
                raise click.UsageError(
                    f"Select {what} by id, --account, --form, --reason, --email or --since, or use"
                    " --all."
                )
            if note := notes.get(selection.reason or ""):
                runtime.output.warn(note)
            command(runtime, selection, **given)

        return with_selection

    return decorate
