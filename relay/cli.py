"""`relay`: the command line. Exit status 0: done; 1: it failed; 2: wrong use."""

import sys
from collections.abc import Callable, Sequence
from io import StringIO

import click

from relay.lazy_group import LazyGroup
from relay.runtime import CommandRuntime
from shared.domain.errors import LedgerUnavailable, RelayError, SettingsError
from shared.domain.printable import printable
from shared.infrastructure.typed_commands import as_typed, relay_here

COMMANDS = {
    "accounts": "relay.commands.accounts:accounts",
    "alerts": "relay.commands.alerts:alerts",
    "audit": "relay.commands.audit:audit",
    "backup-made": "relay.commands.backup_made:backup_made",
    "beat": "relay.start.processes:beat_process",
    "connect": "relay.commands.connect:connect",
    "consent": "relay.commands.consent:consent",
    "disconnect": "relay.commands.disconnect:disconnect",
    "doctor": "relay.commands.doctor:doctor",
    "erase": "relay.commands.erase:erase",
    "failed": "relay.commands.failed:failed",
    "find": "relay.commands.find:find",
    "forms": "relay.commands.forms:forms",
    "hold": "relay.commands.holds:hold",
    "lists": "relay.commands.lists:lists",
    "operator": "relay.commands.operators:operator",
    "quarantine": "relay.commands.quarantine:quarantine",
    "release": "relay.commands.holds:release",
    "rotate-secrets": "relay.commands.rotate_secrets:rotate_secrets",
    "sandbox": "relay.start.processes:sandbox_process",
    "snippet": "relay.commands.snippet:snippet",
    "status": "relay.commands.status:status",
    "up": "relay.start.up:up",
    "web": "relay.start.processes:web_process",
    "worker": "relay.start.processes:worker_process",
}


@click.group(
    cls=LazyGroup,
    places=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="signup-relay", prog_name="relay")
def relay() -> None:
    """Brings every website sign-up onto the right Constant Contact list."""


def main(
    arguments: Sequence[str] | None = None,
    make_runtime: Callable[..., CommandRuntime] = CommandRuntime,
) -> None:
    """Run a command and exit.

    One of our own errors ends it with a sentence and status 1; wrong settings with status 2.
    """
    if sys.stdin is None:  # closed by who started us: that gives no answer to any question
        sys.stdin = StringIO()
    try:
        relay(arguments, prog_name=relay_here(), obj=make_runtime)
    except SettingsError as error:
        _complain("These settings are missing or wrong:")
        for problem in error.problems:
            _complain(f"  {problem}")
        _complain("docs/settings.md explains them. `relay up` needs none.")
        sys.exit(2)
    except LedgerUnavailable as error:
        _complain(str(error.problem))
        sys.exit(1)
    except RelayError as error:
        _complain(str(error))
        sys.exit(1)


def _complain(line: str) -> None:
    click.echo(as_typed(printable(line)), err=True)
