"""A command imports only what it needs, so that it answers at once."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import redis

from relay.cli import COMMANDS, relay
from shared.infrastructure.settings import Settings
from shared.ledger.stores.registry import Registry
from tests.architecture.project import ROOT
from tests.support import builders

# Each takes a tenth of a second or more, or drags in one that does.
SLOW = {
    *(
        "apispec",
        "apprise",
        "celery",
        "email_validator",
        "flask",
        "granian",
        "jwt",
        "kombu",
        "marshmallow",
        "requests",
    ),
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


def test_status_imports_nothing_that_sends_or_serves(
    settings: Settings, redis_client: "redis.Redis", tmp_path: Path
) -> None:
    Registry(redis_client).save_account(builders.account("acme"))
    environ = {
        "REDIS_URL": settings.redis_url,
        "CTCT_CLIENT_ID": settings.client_id,
        "CTCT_CLIENT_SECRET": settings.client_secret,
        "RELAY_SECRET_KEY": settings.secret_keys[0],
        "RELAY_DATA_DIR": str(tmp_path),
    }
    for options in ([], ["--json"]):
        assert not imported_by("status", *options, environ=environ) & SLOW


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_of_each_command_what_the_command_says_itself(name: str) -> None:
    context = click.Context(relay)
    command = relay.get_command(context, name)
    assert command is not None and command.name == name
    formatter = context.make_formatter()
    relay.format_commands(context, formatter)
    width = formatter.width - 6 - max(map(len, COMMANDS))
    assert command.get_short_help_str(width) in formatter.getvalue()


def test_every_command_is_at_its_place_and_says_what_it_does() -> None:
    assert all(command.help for command in commands_of(relay))


def commands_of(group: click.Group) -> Iterator[click.Command]:
    """Return all commands of the group, and those of the groups in it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None and command.name == name
        yield command
        if isinstance(command, click.Group):
            yield from commands_of(command)
