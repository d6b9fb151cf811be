"""`relay`: the command line. Exit status 0: done; 1: it failed; 2: wrong use."""

import sys
from collections.abc import Sequence

import click

from relay.commands.accounts import accounts, disconnect
from relay.commands.alerts import alerts
from relay.commands.connect import connect
from relay.commands.doctor import doctor
from relay.commands.failed import failed
from relay.commands.forms import forms
from relay.commands.lists import lists
from relay.commands.operators import operator
from relay.commands.rotate_secrets import rotate_secrets
from relay.commands.status import status
from relay.runtime import CommandRuntime, pass_runtime
from relay.start.processes import beat_process, sandbox_process, web_process, worker_process
from relay.start.up import up
from shared.domain.errors import LedgerUnavailable, RelayError
from shared.infrastructure.settings import SettingsError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="signup-relay", prog_name="relay")
def relay() -> None:
    """Brings every website sign-up onto the right Constant Contact list."""


@relay.command()
@click.argument("account", metavar="NAME")
@click.option("--reason", "note", required=True, help="Why; shown wherever the hold is.")
@pass_runtime
def hold(runtime: CommandRuntime, account: str, note: str) -> None:
    """Pause an account: sign-ups are still accepted, and wait."""
    runtime.operations.hold(account, note, by=runtime.by)
    runtime.output.json({"account": account, "hold": "paused", "note": note})
    runtime.output.say(f"{account} is paused. Go on with: relay release {account}")


@relay.command()
@click.argument("account", metavar="NAME")
@pass_runtime
def release(runtime: CommandRuntime, account: str) -> None:
    """End an account's pause, and probe its other holds now."""
    stood = runtime.operations.release(account)
    runtime.output.json({"account": account, "holds": stood})
    if not stood:
        runtime.output.say(f"{account} was not on hold.")
    for reason in stood:
        done = "lifted" if reason == "paused" else "probed now; ends when its cause is gone"
        runtime.output.say(f"{reason}: {done}")


for command in (
    up,
    web_process,
    worker_process,
    beat_process,
    sandbox_process,
    connect,
    accounts,
    lists,
    disconnect,
    forms,
    status,
    failed,
    operator,
    alerts,
    doctor,
    rotate_secrets,
):
    relay.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit. Our own errors end it with a sentence and status 1, or 2 when it is
    the settings that are wrong."""
    try:
        relay(arguments)
    except SettingsError as error:
        _complain("These settings are missing or wrong:")
        for problem in error.problems:
            _complain(f"  {problem}")
        _complain("docs/settings.md explains them. `relay up` needs none.")
        sys.exit(2)
    except LedgerUnavailable as error:
        _complain(f"Redis does not answer ({error}). Is it running, and REDIS_URL right?")
        sys.exit(1)
    except RelayError as error:
        _complain(str(error))
        sys.exit(1)


def _complain(line: str) -> None:
    click.echo(line, err=True)
