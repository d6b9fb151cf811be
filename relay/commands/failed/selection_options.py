"""The arguments and options by which commands select dead letters."""

from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.signup import DeathReason
from shared.operations.dead_letters import Selection


class _Moment(click.ParamType[datetime]):
    """A date or time in ISO 8601; UTC unless it says otherwise."""

    name = "time"

    def convert(self, value: Any, param: Any, ctx: Any) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail("It must be a time such as 2026-03-01 or 2026-03-01T12:00:00Z.", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def selection_options(
    command: Callable[..., None], *, required: bool = True
) -> Callable[..., None]:
    """Give the command a `Selection` of dead letters, made from its arguments and options."""

    @click.argument("ids", nargs=-1, metavar="[ID]...")
    @click.option("--account", help="Only this account's.")
    @click.option(
        "--reason",
        type=click.Choice([reason.value for reason in DeathReason]),
        help="Only those with this reason.",
    )
    @click.option("--email", help="Only this person's.")
    @click.option("--since", type=_Moment(), help="Only those that died since, such as 2026-03-01.")
    @click.option("--all", "all", is_flag=True, help="All dead letters.")
    @pass_runtime
    @wraps(command)
    def with_selection(runtime: CommandRuntime, /, **given: Any) -> None:
        selection = Selection(**{field.name: given.pop(field.name) for field in fields(Selection)})
        if required and selection.is_empty:
            raise click.UsageError(
                "Select dead letters by id, --account, --reason, --email or --since, or use --all."
            )
        command(runtime, selection, **given)

    return with_selection
