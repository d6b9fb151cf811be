"""`relay accounts links` and `withdraw`: the links by which clients connect their accounts."""

from datetime import datetime
from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.output import for_people
from shared.accounts.client_links import Link, LinkState
from shared.infrastructure.timestamps import timestamp, utc_now


@click.command()
@click.argument("name")
@pass_runtime
def links(runtime: CommandRuntime, name: str) -> None:
    """Show the links for NAME, and their states."""
    found = runtime.accounts.connecting.browser.links.of(name, utc_now())
    runtime.output.json([_document(runtime, link) for link in found])
    if not found:
        runtime.output.say(f"There is no link for {name}. Make one: relay connect {name} --link")
        return
    runtime.output.table(
        ["id", "who asks", "made by", "made", "works until", "state", "note"],
        [_row(link) for link in found],
    )


def _row(link: Link) -> list[Any]:
    return [
        link.id,
        link.asked_by,
        link.made_by,
        for_people(datetime.fromisoformat(link.made_at)),
        for_people(datetime.fromisoformat(link.expires_at)),
        _state(link),
        link.note or None,
    ]


@click.command()
@click.argument("id")
@pass_runtime
def withdraw(runtime: CommandRuntime, id: str) -> None:
    """Withdraw the link ID. It does not work any more."""
    link = runtime.accounts.connecting.browser.withdraw_link(id)
    runtime.output.json(_document(runtime, link))
    runtime.output.say(f"The link for {link.account} does not work any more: {_state(link)}.")


def _document(runtime: CommandRuntime, link: Link) -> dict[str, Any]:
    is_open = link.is_open(utc_now())
    return link.to_dict() | {
        "made_at": timestamp(datetime.fromisoformat(link.made_at)),
        "expires_at": timestamp(datetime.fromisoformat(link.expires_at)),
        "state": _state(link),
        "url": runtime.accounts.connecting.browser.links.url(link) if is_open else None,
    }


def _state(link: Link) -> str:
    is_settled = link.state in (LinkState.CONNECTED, LinkState.WITHDRAWN)
    return "expired" if not is_settled and link.has_expired(utc_now()) else str(link.state)
