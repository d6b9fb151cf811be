"""`relay accounts remove`: the end of an account, and of its sign-ups' records."""

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from shared.accounts.account_removal import AccountRemoval
from shared.domain.account import Account
from shared.ledger.values import Figures


@click.command()
@click.argument("name")
@yes_option
@pass_runtime
def remove(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Remove the account NAME, and delete what is stored of it.

    The evidence of consent stays. This is refused while anything of it waits, has failed or is in
    quarantine, and while forms use it.
    """
    removal = AccountRemoval(runtime.accounts.connecting, runtime.sleep)
    question = _question(*removal.check(name))
    confirm(question, yes=yes)
    removal.remove(name)
    runtime.output.json({"name": name, "removed": True})
    runtime.output.say(
        f"{name} is removed. Its contacts at Constant Contact stay. The permission itself still\n"
        "exists there, too. The account's owner can revoke it."
    )


def _question(account: Account, figures: Figures) -> str:
    whose = f" ({account.organization})" if account.organization else ""
    return (
        f"Remove {account.name}{whose}? Its connection is deleted. So are the records of its"
        f" sign-ups: {figures.delivered:,} delivered, {figures.discarded:,} discarded. This cannot"
        " be undone. The evidence of consent stays, for RELAY_RETAIN_CONSENT."
    )
