"""`relay lists`: the contact lists that forms can put people on."""

from dataclasses import asdict

import click

from relay.runtime import Context, pass_context
from relay.terminal.account_text import by_name, table_of_lists


@click.command()
@click.argument("name")
@pass_context
def lists(context: Context, name: str) -> None:
    """Show the contact lists of the account NAME."""
    found = context.accounts.reads.lists(name)
    context.output.json([asdict(each) for each in by_name(found)])
    table_of_lists(context.output, found)
    context.output.say(f"Next: relay forms add FORM --account {name} --list LIST")
