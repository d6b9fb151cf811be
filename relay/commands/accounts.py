"""`relay accounts` and `relay disconnect`: the connections, and what can be done with them."""

from datetime import datetime
from typing import Any

import click

from relay.commands.test_signup import trial
from relay.runtime import Context, pass_context
from relay.terminal.account_text import say_card
from relay.terminal.output import for_people, printable
from shared.accounts.account_summary import AccountCard, Standing
from shared.accounts.client_links import Link, LinkState
from shared.domain.errors import Refused
from shared.infrastructure.timestamps import timestamp
from shared.operations.assembly import utc_now


@click.group(invoke_without_command=True)
@pass_context
def accounts(context: Context) -> None:
    """Show accounts, and look after their connections."""
    if click.get_current_context().invoked_subcommand is None:
        _print_accounts(context)


@accounts.command("list")
@pass_context
def list_(context: Context) -> None:
    """Show all accounts."""
    _print_accounts(context)


def _print_accounts(context: Context) -> None:
    found = context.accounts.cards.all()
    context.output.json([card.to_dict() for card in found])
    if not found:
        context.output.say("No account is connected. Begin with: relay connect NAME")
        return
    context.output.table(
        [
            *("name", "organization", "standing", "contact e-mail", "account id"),
            *("API key", "refresh token", "last success"),
        ],
        [_row(card) for card in found],
    )


def _row(card: AccountCard) -> list[Any]:
    account = card.account
    return [
        account.name,
        account.organization,
        card.standing,
        account.contact_email,
        account.encoded_account_id,
        card.key_tail,
        card.token_kind,
        for_people(card.last_success_at),
    ]


@accounts.command()
@click.argument("name")
@pass_context
def show(context: Context, name: str) -> None:
    """Show all that is known of the account NAME."""
    _print_card(context, name)


def _print_card(context: Context, name: str) -> None:
    card = context.accounts.cards.card(name)
    context.output.json(card.to_dict())
    if not context.output.as_json:
        say_card(context.output, card)


@accounts.command("take-over")
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def take_over(context: Context, name: str, yes: bool) -> None:
    """Make this installation the one that keeps NAME connected."""
    card = context.accounts.cards.card(name)
    if card.standing == Standing.FOREIGN and not yes:
        question = (
            f"If {card.owner} still runs, it loses {name}, and so may this one. Is it stopped for"
            " good?"
        )
        _confirm(context, question, unasked="--yes takes over unasked")
    context.accounts.connecting.take_over(name)
    context.output.json(context.accounts.cards.card(name).to_dict())
    context.output.say(
        f"This installation keeps {name} connected from now on. No other may: stop the one that"
        " did, or disconnect the account there."
    )


# --- links for clients


@accounts.command()
@click.argument("name")
@pass_context
def links(context: Context, name: str) -> None:
    """Show what became of the links for NAME."""
    found = context.accounts.connecting.links.of(name, utc_now())
    context.output.json([_document(context, link) for link in found])
    if not found:
        context.output.say(f"There is no link for {name}. Make one: relay connect {name} --link")
        return
    context.output.table(
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
@pass_context
def withdraw(context: Context, id: str) -> None:
    """Take back the link ID, so that it works no more."""
    link = context.accounts.connecting.links.withdraw(id, utc_now())
    context.output.json(_document(context, link))
    context.output.say(f"The link for {link.account} works no more; it is {_state(link)}.")


def _document(context: Context, link: Link) -> dict[str, Any]:
    is_open = link.is_open(utc_now())
    return link.to_dict() | {
        "made_at": timestamp(datetime.fromisoformat(link.made_at)),
        "expires_at": timestamp(datetime.fromisoformat(link.expires_at)),
        "state": _state(link),
        "url": context.accounts.connecting.links.url(link) if is_open else None,
    }


def _state(link: Link) -> str:
    is_settled = link.state in (LinkState.CONNECTED, LinkState.WITHDRAWN)
    return "expired" if not is_settled and link.has_expired(utc_now()) else str(link.state)


accounts.add_command(trial)


# --- the end of a connection


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_context
def disconnect(context: Context, name: str, yes: bool) -> None:
    """Forget the tokens of NAME. What it has accepted is kept, and waits."""
    card = context.accounts.cards.card(name)
    if card.standing == Standing.DISCONNECTED:
        context.output.json(card.to_dict())
        context.output.say(f"{name} is disconnected already.")
        return
    if not yes:
        _confirm(context, _what_waits(context, card), unasked="--yes disconnects unasked")
    context.accounts.connecting.disconnect(name, by=context.by)
    context.output.json(context.accounts.cards.card(name).to_dict())
    context.output.say(
        f"{name} is disconnected: its tokens are forgotten, its sign-ups are all kept.\n"
        "New ones are still accepted, and wait with those that were due.\n"
        f"Connect it again with: relay connect {name}\n"
        "The permission itself is taken back in the Constant Contact account, where its owner\n"
        "can do so at any time."
    )


def _what_waits(context: Context, card: AccountCard) -> str:
    account = card.account
    due = context.ledger.figures(account.name).due
    waiting = f"{due:,} sign-up{'s wait' if due != 1 else ' waits'} to be sent"
    whose = f" ({account.organization})" if account.organization else ""
    return f"{waiting}. Disconnect {account.name}{whose}?"


def _confirm(context: Context, question: str, *, unasked: str) -> None:
    """Ask; raises `Refused` unless the answer is yes."""
    try:
        agreed = click.confirm(printable(question), err=True)
    except click.Abort:
        if context.interactive:
            raise
        raise click.UsageError(f"Nobody is there to ask; {unasked}.") from None
    if not agreed:
        raise Refused("Nothing was changed.")
