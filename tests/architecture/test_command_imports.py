"""A command imports only what it needs, so that it answers at once."""

import subprocess
import sys

import click
import pytest

from relay.cli import COMMANDS, relay
from tests.architecture.project import ROOT

# Each takes a tenth of a second or more, or drags in one that does.
SLOW = {
    *("apprise", "celery", "email_validator", "flask", "granian", "jwt", "kombu", "requests"),
    *("urllib3", "web.app", "worker"),
}
# What only a command that reads Redis needs.
NEEDED_FOR_REDIS = {"asyncio", "cryptography", "redis", "shared.ledger", "tabulate"}
RUN_AND_LIST_MODULES = """
import sys
from relay.cli import main
try:
    main(sys.argv[1:])
finally:
    print(*sys.modules, file=sys.stderr)
"""


def imported_by(*arguments: str, environ: dict[str, str] | None = None) -> set[str]:
    """Return all modules, and the packages around them, that `relay ARGUMENTS` imports."""
    command = [sys.executable, "-c", RUN_AND_LIST_MODULES, *arguments]
    run = subprocess.run(command, cwd=ROOT, env=environ or {}, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return set(run.stderr.split())


def test_help_imports_no_command_and_nothing_slow() -> None:
    imported = imported_by("--help")
    assert not imported & (SLOW | NEEDED_FOR_REDIS)
    assert not [name for name in imported if name.startswith("relay.commands.")]


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_of_each_command_what_the_command_says_itself(name: str) -> None:
    context = click.Context(relay)
    command = relay.get_command(context, name)
    assert command is not None and command.name == name
    formatter = context.make_formatter()
    relay.format_commands(context, formatter)
    width = formatter.width - 6 - max(map(len, COMMANDS))
    assert command.get_short_help_str(width) in formatter.getvalue()
