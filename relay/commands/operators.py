"""`relay operator`: who may sign in to the console."""

import sys

import click

from relay.runtime import Context, pass_context
from shared.domain.errors import Refused
from shared.operations.operators import NewPassword, Operator, Operators, Role

_ROLES = click.Choice([str(role) for role in Role])
_PASSWORD = click.option(
    "--password",
    metavar="-",
    help="Read the password from standard input, instead of making one up.",
)


@click.group()
def operator() -> None:
    """Make, show and change those who sign in to the console."""


@operator.command()
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="Each may do what those before it may.")
@_PASSWORD
@pass_context
def add(context: Context, name: str, role: str, password: str | None) -> None:
    """Let NAME sign in; prints the password, once."""
    _print_new(context, _operators(context).add(name, Role(role), _given(password)), password)


@operator.command("password")
@click.argument("name")
@_PASSWORD
@pass_context
def new_password(context: Context, name: str, password: str | None) -> None:
    """Give NAME a new password; ends their sessions."""
    _print_new(context, _operators(context).set_password(name, _given(password)), password)


@operator.command()
@click.argument("name")
@click.argument("role", type=_ROLES)
@pass_context
def role(context: Context, name: str, role: str) -> None:
    """Give NAME another role; ends their sessions."""
    changed = _operators(context).set_role(name, Role(role))
    context.output.json(_described(changed))
    context.output.say(f"{name} is {changed.role} now, and has to sign in again.")


@operator.command()
@click.argument("name")
@pass_context
def remove(context: Context, name: str) -> None:
    """Let NAME sign in no more; ends their sessions."""
    _operators(context).remove(name)
    context.output.json({"name": name, "removed": True})
    context.output.say(f"{name} can sign in no more.")


@operator.command("list")
@pass_context
def list_operators(context: Context) -> None:
    """Show who may sign in."""
    found = _operators(context).all()
    context.output.json([_described(each) for each in found])
    if found:
        context.output.table(["operator", "role"], [[each.name, each.role] for each in found])
    else:
        context.output.say("Nobody yet: the first start of `relay web` or `relay up` makes one.")


def _operators(context: Context) -> Operators:
    return Operators(context.client)


def _given(password: str | None) -> str | None:
    """Return the password from standard input, if it is to come from there."""
    if password is None:
        return None
    if password != "-":  # noqa: S105 - compared with, to keep passwords off the command line
        raise click.UsageError(
            "--password takes - only, and reads standard input: others could read a password on a"
            " command line."
        )
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Refused("There is no password on standard input.")
    return given


def _print_new(context: Context, made: NewPassword, given: str | None) -> None:
    shown = {} if given else {"password": made.password}
    context.output.json(_described(made.operator) | shown)
    context.output.say(f"{made.operator.name} ({made.operator.role}) can sign in.")
    if not given:
        context.output.say(f"Password, shown only now: {made.password}")
    context.output.say(f"Console: {context.settings.public_url}/console/")


def _described(found: Operator) -> dict[str, str]:
    return {"name": found.name, "role": str(found.role)}
