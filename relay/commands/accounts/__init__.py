"""`relay accounts`: the connected accounts, links for clients, and test sign-ups."""

import click

from relay.lazy_group import LazyGroup
from relay.runtime import CommandRuntime, pass_runtime

COMMANDS = {
    "links": "relay.commands.accounts.links:links",
    "list": "relay.commands.accounts.connections:list_accounts",
    "move-tokens": "relay.commands.accounts.connections:move_tokens",
    "remove": "relay.commands.accounts.removal:remove",
    "show": "relay.commands.accounts.connections:show",
    "take-over": "relay.commands.accounts.connections:take_over",
    "test": "relay.commands.accounts.test_signup:test",
    "withdraw": "relay.commands.accounts.links:withdraw",
}


@click.group(cls=LazyGroup, places=COMMANDS, invoke_without_command=True)
@pass_runtime
def accounts(runtime: CommandRuntime) -> None:
    """Show accounts, and look after their connections."""
    if click.get_current_context().invoked_subcommand is None:
        from relay.commands.accounts.connections import print_accounts

        print_accounts(runtime)
