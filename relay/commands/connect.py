"""`relay connect`: read the options, and start the chosen flow."""

from datetime import timedelta
from pathlib import Path

import click

from relay.connecting import connect_flows, wizard
from relay.connecting.connect_flows import WantedConnection
from relay.runtime import CommandRuntime, pass_runtime
from shared.accounts.client_links import LINK_LIFE, LONGEST_LINK_LIFE
from shared.constant_contact.applications import Application, check_application
from shared.domain.account import check_name
from shared.domain.errors import Refused


@click.command()
@click.argument("name")
@click.option("--url", is_flag=True, help="Print the address of the login, and exit.")
@click.option("--link", is_flag=True, help="Print a link to send to a client, and exit.")
@click.option("--device", is_flag=True, help="Log in with a code, in any browser on any device.")
@click.option("--tokens", metavar="-", help="Read tokens as JSON from standard input.")
@click.option("--from", "asked_by", metavar="WHO", help="With --link: the name the client sees.")
@click.option(
    "--days",
    type=click.IntRange(1, LONGEST_LINK_LIFE.days),
    metavar="DAYS",
    show_default=str(LINK_LIFE.days),
    help="With --link: how long the link works.",
)
@click.option("--api-key", metavar="KEY", help="Use this application. It asks for the secret.")
@click.option(
    "--secret-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="Read the secret of --api-key from this file.",
)
@click.option(
    "--replace",
    "--yes",
    "replace",
    is_flag=True,
    help="Let another account take the name, without asking.",
)
@pass_runtime
def connect(
    runtime: CommandRuntime,
    name: str,
    url: bool,
    link: bool,
    device: bool,
    tokens: str | None,
    asked_by: str | None,
    days: int | None,
    api_key: str | None,
    secret_file: Path | None,
    replace: bool,
) -> None:
    """Connect a Constant Contact account and call it NAME.

    On a terminal, without --url, --link, --device or --tokens, this explains each step.
    """
    _check_use(url + link + device + (tokens is not None), tokens)
    if not link and (asked_by is not None or days is not None):
        raise click.UsageError("--from and --days belong to --link.")
    _check_name(name)
    wanted = WantedConnection(name, _application(runtime, api_key, secret_file), replace)
    if link:
        connect_flows.by_link(
            runtime, wanted, asked_by, timedelta(days=days) if days else LINK_LIFE
        )
    elif device:
        connect_flows.by_device(runtime, wanted)
    elif tokens:
        connect_flows.with_tokens(runtime, wanted)
    elif url or not runtime.interactive:
        connect_flows.by_url(runtime, wanted)
    else:
        wizard.walk(runtime, wanted)


def _check_name(name: str) -> None:
    try:
        check_name(name)
    except Refused as refused:
        raise click.UsageError(str(refused)) from refused


def _check_use(chosen: int, tokens: str | None) -> None:
    if chosen > 1:
        raise click.UsageError("Choose one of --url, --link, --device and --tokens -.")
    if tokens not in (None, "-"):
        raise click.UsageError(
            "--tokens takes - only, and then reads standard input. Other users could read tokens on"
            " a command line."
        )


def _application(
    runtime: CommandRuntime, api_key: str | None, secret_file: Path | None
) -> Application | None:
    """Return the application of --api-key; None for that of the settings."""
    if api_key is None:
        if secret_file is not None:
            raise click.UsageError("--secret-file belongs to --api-key.")
        return None
    return check_application(api_key, _secret(runtime, secret_file))


def _secret(runtime: CommandRuntime, file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Refused(
                f"The secret cannot be read from {file}, so nothing was connected."
            ) from error
    if not runtime.interactive:
        raise click.UsageError(
            "Put the secret of the API key into a file, and give its path with --secret-file. Other"
            " users could read it on a command line."
        )
    secret: str = click.prompt("The secret of this API key (not shown)", hide_input=True)
    return secret
