"""`relay lists`: the contact lists of an account."""

from dataclasses import asdict

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.account_text import by_name, table_of_lists


@click.command()
@click.argument("name")
@pass_runtime
def lists(runtime: CommandRuntime, name: str) -> None:
    """Show the contact lists of the account NAME."""
    found = runtime.accounts.api.lists(name)
    runtime.output.json([asdict(each) for each in by_name(found)])
    table_of_lists(runtime.output, found)
    runtime.output.say(f"Next, make a form: relay forms add FORM --account {name} --list LIST")
