"""`relay accounts` and `relay disconnect`: the connections, and what can be done with them."""

from datetime import datetime
from typing import Any

import click

from relay.commands.test_signup import trial
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.account_text import say_card
from relay.terminal.output import for_people, printable
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.accounts.client_links import Link, LinkState
from shared.domain.errors import Refused
from shared.infrastructure.timestamps import timestamp
from shared.operations.assembly import utc_now


@click.group(invoke_without_command=True)
@pass_runtime
def accounts(runtime: CommandRuntime) -> None:
    """Show accounts, and look after their connections."""
    if click.get_current_context().invoked_subcommand is None:
        _print_accounts(runtime)


@accounts.command("list")
@pass_runtime
def list_(runtime: CommandRuntime) -> None:
    """Show all accounts."""
    _print_accounts(runtime)


def _print_accounts(runtime: CommandRuntime) -> None:
    found = runtime.accounts.summaries.all()
    runtime.output.json([summary.to_dict() for summary in found])
    if not found:
        runtime.output.say("No account is connected. Begin with: relay connect NAME")
        return
    runtime.output.table(
        [
            *("name", "organization", "standing", "contact e-mail", "account id"),
            *("API key", "refresh token", "last success"),
        ],
        [_row(summary) for summary in found],
    )


def _row(summary: AccountSummary) -> list[Any]:
    account = summary.account
    return [
        account.name,
        account.organization,
        summary.status,
        account.contact_email,
        account.encoded_account_id,
        summary.key_tail,
        summary.token_kind,
        for_people(summary.last_success_at),
    ]


@accounts.command()
@click.argument("name")
@pass_runtime
def show(runtime: CommandRuntime, name: str) -> None:
    """Show all that is known of the account NAME."""
    _print_card(runtime, name)


def _print_card(runtime: CommandRuntime, name: str) -> None:
    summary = runtime.accounts.summaries.summary(name)
    runtime.output.json(summary.to_dict())
    if not runtime.output.as_json:
        say_card(runtime.output, summary)


@accounts.command("take-over")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_runtime
def take_over(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Make this installation the one that keeps NAME connected."""
    summary = runtime.accounts.summaries.summary(name)
    if summary.status == ConnectionStatus.FOREIGN and not yes:
        question = (
            f"If {summary.owner} still runs, it loses {name}, and so may this one."
            " Is it stopped for good?"
        )
        _confirm(runtime, question, unasked="--yes takes over unasked")
    runtime.accounts.connecting.claim_ownership(name)
    runtime.output.json(runtime.accounts.summaries.summary(name).to_dict())
    runtime.output.say(
        f"This installation keeps {name} connected from now on. No other may: stop the one that"
        " did, or disconnect the account there."
    )


# --- links for clients


@accounts.command()
@click.argument("name")
@pass_runtime
def links(runtime: CommandRuntime, name: str) -> None:
    """Show what became of the links for NAME."""
    found = runtime.accounts.connecting.links.of(name, utc_now())
    runtime.output.json([_document(runtime, link) for link in found])
    if not found:
        runtime.output.say(f"There is no link for {name}. Make one: relay connect {name} --link")
        return
    runtime.output.table(
        ["id", "who asks", "made by", "made", "works until", "state", "note"],
        [
            [
                link.id,
                link.asked_by,
                link.made_by,
                for_people(datetime.fromisoformat(link.made_at)),
                for_people(datetime.fromisoformat(link.expires_at)),
                _state(link),
                link.note or None,
            ]
            for link in found
        ],
    )


@accounts.command()
@click.argument("id")
@pass_runtime
def withdraw(runtime: CommandRuntime, id: str) -> None:
    """Take back the link ID, so that it works no more."""
    link = runtime.accounts.connecting.links.withdraw(id, utc_now())
    runtime.output.json(_document(runtime, link))
    runtime.output.say(f"The link for {link.account} works no more; it is {_state(link)}.")


def _document(runtime: CommandRuntime, link: Link) -> dict[str, Any]:
    is_open = link.is_open(utc_now())
    return link.to_dict() | {
        "made_at": timestamp(datetime.fromisoformat(link.made_at)),
        "expires_at": timestamp(datetime.fromisoformat(link.expires_at)),
        "state": _state(link),
        "url": runtime.accounts.connecting.links.url(link) if is_open else None,
    }


def _state(link: Link) -> str:
    is_settled = link.state in (LinkState.CONNECTED, LinkState.WITHDRAWN)
    return "expired" if not is_settled and link.has_expired(utc_now()) else str(link.state)


accounts.add_command(trial)


# --- the end of a connection


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_runtime
def disconnect(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Forget the tokens of NAME. What it has accepted is kept, and waits."""
    summary = runtime.accounts.summaries.summary(name)
    if summary.status == ConnectionStatus.DISCONNECTED:
        runtime.output.json(summary.to_dict())
        runtime.output.say(f"{name} is disconnected already.")
        return
    if not yes:
        _confirm(runtime, _what_waits(runtime, summary), unasked="--yes disconnects unasked")
    runtime.accounts.connecting.disconnect(name, by=runtime.by)
    runtime.output.json(runtime.accounts.summaries.summary(name).to_dict())
    runtime.output.say(
        f"{name} is disconnected: its tokens are forgotten, its sign-ups are all kept.\n"
        "New ones are still accepted, and wait with those that were due.\n"
        f"Connect it again with: relay connect {name}\n"
        "The permission itself is taken back in the Constant Contact account, where its owner\n"
        "can do so at any time."
    )


def _what_waits(runtime: CommandRuntime, summary: AccountSummary) -> str:
    account = summary.account
    due = runtime.ledger.figures(account.name).due
    waiting = f"{due:,} sign-up{'s wait' if due != 1 else ' waits'} to be sent"
    whose = f" ({account.organization})" if account.organization else ""
    return f"{waiting}. Disconnect {account.name}{whose}?"


def _confirm(runtime: CommandRuntime, question: str, *, unasked: str) -> None:
    """Ask; raises `Refused` unless the answer is yes."""
    try:
        agreed = click.confirm(printable(question), err=True)
    except click.Abort:
        if runtime.interactive:
            raise
        raise click.UsageError(f"Nobody is there to ask; {unasked}.") from None
    if not agreed:
        raise Refused("Nothing was changed.")
