"""`relay connect`, `relay accounts` and `relay lists`: whose lists the sign-ups go to."""

import json
import sys
from dataclasses import asdict
from typing import Any

import click

from relay.context import Context, pass_context
from relay.output import for_people, timestamp
from shared.connecting import Connected, Started
from shared.domain.errors import Refused

_NOT_YET = {
    "link": "--link cannot be used yet; use --url and open the link with the client.",
    "device": "--device cannot be used yet; use --url, or --tokens - on a machine without browser.",
}


@click.command()
@click.argument("name")
@click.option("--url", "by_url", is_flag=True, help="Print the link at which to log in.")
@click.option("--tokens", metavar="-", help="Read tokens as JSON from standard input.")
@click.option("--link", is_flag=True, hidden=True)
@click.option("--device", is_flag=True, hidden=True)
@click.option("--replace", is_flag=True, help="Let another account take this name.")
@pass_context
def connect(
    context: Context,
    name: str,
    by_url: bool,
    tokens: str | None,
    link: bool,
    device: bool,
    replace: bool,
) -> None:
    """Connect a Constant Contact account and call it NAME."""
    for asked, sentence in ((link, _NOT_YET["link"]), (device, _NOT_YET["device"])):
        if asked:
            raise click.UsageError(sentence)
    if by_url == (tokens is not None):
        raise click.UsageError("Say how to connect: either --url, or --tokens - for your own.")
    if by_url:
        _print_url(context, context.connecting().start(name, replace=replace))
    elif tokens == "-":
        connected = context.connecting().with_tokens(name, _from_input(), replace=replace)
        _print_connected(context, connected)
    else:
        raise click.UsageError(
            "--tokens takes - only, and reads standard input: tokens on a command line could be"
            " read by others."
        )


@click.group(invoke_without_command=True)
@pass_context
def accounts(context: Context) -> None:
    """Show the connected accounts."""
    if click.get_current_context().invoked_subcommand is None:
        _print_accounts(context)


@accounts.command("list")
@pass_context
def list_accounts(context: Context) -> None:
    """Show the connected accounts."""
    _print_accounts(context)


@click.command()
@click.argument("name")
@pass_context
def lists(context: Context, name: str) -> None:
    """Show the contact lists of the account NAME."""
    found = sorted(context.connecting().lists(name), key=lambda each: each.name.casefold())
    context.output.json([asdict(each) for each in found])
    context.output.table(
        ["list", "members", "id"], [[each.name, each.membership_count, each.id] for each in found]
    )
    context.output.say(f"Next: relay forms add FORM --account {name} --list LIST")


def _print_accounts(context: Context) -> None:
    found = context.registry.accounts()
    context.output.json([account.to_dict() for account in found])
    if not found:
        context.output.say("No account is connected. Begin with: relay connect NAME --url")
        return
    context.output.table(
        ["name", "organization", "contact e-mail", "account id", "connected"],
        [
            [
                account.name,
                account.organization,
                account.contact_email,
                account.encoded_account_id,
                account.connected_at,
            ]
            for account in found
        ],
    )


def _print_url(context: Context, started: Started) -> None:
    context.output.json(
        {
            "url": started.url,
            "redirect_uri": started.redirect_uri,
            "expires_at": timestamp(started.expires_at),
        }
    )
    context.output.say(
        "1. In the application at Constant Contact, this must be a redirect URI, exactly so:\n"
        f"   {started.redirect_uri}\n"
        "2. Start `relay web` or `relay up`, if neither is running: it takes the answer.\n"
        "3. Within 15 minutes, open this link and log in as the owner or a manager of the\n"
        "   account. A browser that is logged in to another account connects that one.\n"
        f"{started.url}"
    )


def _from_input() -> dict[str, Any]:
    try:
        given = json.load(sys.stdin)
    except ValueError as error:
        raise Refused(
            "Standard input is no JSON. Wanted:"
            ' {"access_token": "…", "refresh_token": "…", "expires_in": 86400}'
        ) from error
    return given if isinstance(given, dict) else {}


def _print_connected(context: Context, connected: Connected) -> None:
    account, token = connected.account, connected.token
    context.output.json(
        account.to_dict()
        | {
            "scopes": None if token.scopes is None else sorted(token.scopes),
            "expires_at": timestamp(token.expires_at),
            "warnings": list(connected.warnings),
        }
    )
    context.output.table(
        [account.name, "is connected"],
        [
            ["organization", account.organization],
            ["contact e-mail", account.contact_email],
            ["account id", account.encoded_account_id],
            ["scopes", ", ".join(sorted(token.scopes)) if token.scopes else None],
            ["access token expires", for_people(token.expires_at)],
        ],
    )
    for warning in connected.warnings:
        context.output.say(f"WARNING: {warning}")
    context.output.say(f"Next: relay lists {account.name}")
