"""`relay web`, `worker`, `beat` and `sandbox`: each runs one process until it is stopped."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from relay.start.data_dir import completed, keep_files_private, path_in
from shared.domain.errors import LedgerUnavailable, Refused, RelayError, SettingsError
from shared.infrastructure.queues import ALL_QUEUES

if TYPE_CHECKING:
    from shared.infrastructure.settings import Settings


log = logging.getLogger(__name__)


def _settings() -> "Settings":
    from shared.infrastructure.settings import Settings

    keep_files_private()
    return Settings.from_env(completed(os.environ))


@contextlib.contextmanager
def _errors_logged(process: str) -> Iterator[None]:
    """Log why the process does not start, if logs are in JSON. Otherwise the error is printed."""
    from shared.infrastructure import logs
    from shared.infrastructure.settings import find_log_format

    try:
        yield
    except RelayError as error:
        if find_log_format(os.environ) == "text":
            raise
        logs.configure(process, "json")
        cause = error.problem if isinstance(error, LedgerUnavailable) else error
        log.critical("the process cannot run", extra={"cause": str(cause)})
        sys.exit(2 if isinstance(error, SettingsError) else 1)


def require_sandbox() -> None:
    """Raise `Refused` if the sandbox is not installed, as in the production image."""
    if find_spec("sandbox") is None:
        raise Refused(
            "The sandbox is not installed here; the production image leaves it out."
            " Set CTCT_CLIENT_ID and CTCT_CLIENT_SECRET to use Constant Contact, or run the"
            " sandbox from a checkout of the project."
        )


@click.command("web")
def web_process() -> None:
    """Serve the forms and accept sign-ups. Any number may run."""
    from web.server.processes import serve

    with _errors_logged("web"):
        serve(_settings())


@click.command("worker")
@click.option(
    "--queues",
    "only",
    default=",".join(ALL_QUEUES),
    show_default=True,
    help="The queues to serve, separated by commas.",
)
def worker_process(only: str) -> None:
    """Send sign-ups to Constant Contact. Any number may run, on any machine."""
    wanted = tuple(name.strip() for name in only.split(","))
    if unknown := sorted(set(wanted) - set(ALL_QUEUES)):
        raise click.UsageError(
            f"There is no queue {unknown[0]!r}. The queues: {', '.join(ALL_QUEUES)}"
        )
    from worker.app import run

    with _errors_logged("worker"):
        run(_settings(), wanted)


@click.command("beat")
def beat_process() -> None:
    """Wake the workers every second, and schedule token refreshes. One or two may run."""
    from worker.beat import run

    with _errors_logged("beat"):
        run(_settings())


@click.command(
    "sandbox",
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox_process(arguments: tuple[str, ...]) -> None:
    """Serve a stand-in for Constant Contact. See `relay sandbox --help`."""
    require_sandbox()
    keep_files_private()
    from sandbox.__main__ import main as sandbox_main

    kept = path_in(os.environ) / "sandbox.sqlite3"
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    sys.exit(sandbox_main(["--data", str(kept), *arguments]))
