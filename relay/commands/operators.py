"""`relay operator`: the people who may sign in to the console, and their keys for the API."""

import sys
from typing import TYPE_CHECKING

import click

from relay.lazy_group import LazyGroup
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from relay.terminal.output import for_people
from shared.domain.errors import Refused
from shared.infrastructure.timestamps import utc_now
from shared.operations.operator_keys import OperatorKeys
from shared.operations.operator_list import OperatorList, OperatorSummary
from shared.operations.operators import NewPassword, Operator, Operators, Role
from shared.operations.sessions import Sessions

if TYPE_CHECKING:
    from shared.operations.second_factors import SecondFactors

COMMANDS = {
    "add": "relay.commands.operators:add",
    "end-sessions": "relay.commands.operators:end_sessions",
    "key": "relay.commands.operators:key",
    "list": "relay.commands.operators:list_operators",
    "password": "relay.commands.operators:new_password",
    "remove": "relay.commands.operators:remove",
    "reset-second-factor": "relay.commands.operators:reset_second_factor",
    "role": "relay.commands.operators:role",
}

_ROLES = click.Choice([str(role) for role in Role])
_PASSWORD = click.option(
    "--password",
    metavar="-",
    help="Read the password from standard input. Without this, one is generated.",
)


@click.group(cls=LazyGroup, places=COMMANDS)
def operator() -> None:
    """Manage the people who may sign in to the console."""


@click.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="Each includes those before it.")
@_PASSWORD
@pass_runtime
def add(runtime: CommandRuntime, name: str, role: str, password: str | None) -> None:
    """Let NAME sign in. The password is printed once."""
    _print_new(runtime, _operators(runtime).add(name, Role(role), _given(password)), password)


@click.command("password")
@click.argument("name")
@_PASSWORD
@pass_runtime
def new_password(runtime: CommandRuntime, name: str, password: str | None) -> None:
    """Give NAME a new password, and end their sessions."""
    _print_new(runtime, _operators(runtime).set_password(name, _given(password)), password)


@click.command()
@click.argument("name")
@pass_runtime
def key(runtime: CommandRuntime, name: str) -> None:
    """Give NAME a new key for the API, printed once. It ends the one before."""
    found = _operators(runtime).named(name)
    made = _operator_keys(runtime).issue(name)
    runtime.output.json(_described(found) | {"key": made})
    runtime.output.say(f"Key, shown only this once: {made}")
    runtime.output.say(f"It has the role of {name}: {found.role}. A key from before has ended.")


@click.command()
@click.argument("name")
@click.argument("role", type=_ROLES)
@pass_runtime
def role(runtime: CommandRuntime, name: str, role: str) -> None:
    """Give NAME another role, and end their sessions."""
    changed = _operators(runtime).set_role(name, Role(role))
    runtime.output.json(_described(changed))
    runtime.output.say(f"{name} has the role {changed.role} now, and must sign in again.")


@click.command()
@click.argument("name")
@yes_option
@pass_runtime
def remove(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Remove NAME, and end their sessions."""
    operators = _operators(runtime)
    operators.check_removal(name)
    found = operators.find(name)
    role = found.role if found else "operator"  # whose record cannot be read
    confirm(f"Remove the {role} {name}? They are signed out at once.", yes=yes)
    operators.remove(name)
    runtime.output.json({"name": name, "removed": True})
    runtime.output.say(f"{name} cannot sign in any more.")


@click.command("reset-second-factor")
@click.argument("name")
@pass_runtime
def reset_second_factor(runtime: CommandRuntime, name: str) -> None:
    """Let NAME sign in without a second factor, and end their sessions.

    For somebody who lost the authenticator app and the recovery codes.
    """
    was_on = _second_factors(runtime).reset(name)
    runtime.output.json({"name": name, "reset": was_on})
    if was_on:
        runtime.output.say(
            f"The second factor of {name} is off, and {name} is signed out everywhere. The password"
            f" is the one from before. If somebody else may know it: relay operator password {name}"
        )
    else:
        runtime.output.say(f"{name} has no second factor. Nothing was changed.")


@click.command("end-sessions")
@click.argument("name")
@pass_runtime
def end_sessions(runtime: CommandRuntime, name: str) -> None:
    """Sign NAME out in every browser."""
    _operators(runtime).end_sessions(name)
    runtime.output.json({"name": name, "ended": True})
    runtime.output.say(f"{name} is signed out everywhere.")


@click.command("list")
@pass_runtime
def list_operators(runtime: CommandRuntime) -> None:
    """Show all operators, who has a second factor, and who is signed in."""
    found = _operator_list(runtime).all()
    runtime.output.json([each.as_document() for each in found])
    if found:
        runtime.output.table(
            ["operator", "role", "second factor", "sessions", "last seen", "key made"],
            [_row(each) for each in found],
        )
    else:
        runtime.output.say(
            "There is no operator yet. The first start of `relay web` or `relay up` makes one."
        )


def _operators(runtime: CommandRuntime) -> Operators:
    return Operators(runtime.client)


def _operator_keys(runtime: CommandRuntime) -> OperatorKeys:
    return OperatorKeys(runtime.client, now=utc_now)


def _operator_list(runtime: CommandRuntime) -> OperatorList:
    sessions = Sessions(runtime.client, now=utc_now)
    return OperatorList(_operators(runtime), sessions, _operator_keys(runtime))


def _second_factors(runtime: CommandRuntime) -> "SecondFactors":
    # Imported here: no other command needs what makes the codes.
    from shared.operations.second_factors import make_second_factors

    return make_second_factors(runtime.settings, runtime.client, _operators(runtime))


def _given(password: str | None) -> str | None:
    """Return the password from standard input; None if one is to be generated."""
    if password is None:
        return None
    if password != "-":  # noqa: S105 - compared with, to keep passwords off the command line
        raise click.UsageError(
            "--password takes - only, and then reads standard input. Other users could read a"
            " password on a command line."
        )
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Refused("There is no password on standard input.")
    return given


def _print_new(runtime: CommandRuntime, made: NewPassword, given: str | None) -> None:
    shown = {} if given else {"password": made.password}
    runtime.output.json(_described(made.operator) | shown)
    runtime.output.say(f"{made.operator.name} ({made.operator.role}) can sign in.")
    if not given:
        runtime.output.say(f"Password, shown only this once: {made.password}")
    runtime.output.say(f"Console: {runtime.settings.public_url}/console/")


def _row(found: OperatorSummary) -> list[object]:
    return [
        found.operator.name,
        found.operator.role,
        "on" if found.has_second_factor else "off",
        len(found.sessions),
        for_people(found.last_seen),
        for_people(found.key.made_at) if found.key else None,
    ]


def _described(found: Operator) -> dict[str, str]:
    return {"name": found.name, "role": str(found.role)}
