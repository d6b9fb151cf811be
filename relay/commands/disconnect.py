"""`relay disconnect`: the end of a connection. The account's sign-ups are kept."""

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.domain.phrases import sign_ups_wait


@click.command()
@click.argument("name")
@yes_option
@pass_runtime
def disconnect(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Forget the tokens of NAME. Its sign-ups are kept, and wait."""
    summary = runtime.summaries.summary(name)
    if summary.status == ConnectionStatus.DISCONNECTED:
        runtime.output.json(summary.to_dict())
        runtime.output.say(f"{name} is disconnected already.")
        return
    confirm(_question(runtime, summary), yes=yes)
    runtime.accounts.connecting.disconnect(name, by=runtime.by)
    runtime.output.json(runtime.summaries.summary(name).to_dict())
    runtime.output.say(
        f"{name} is disconnected. Its tokens are forgotten, and all its sign-ups are kept.\n"
        "New sign-ups are still accepted. They wait with the others.\n"
        f"Connect it again with: relay connect {name}\n"
        "The permission itself still exists at Constant Contact. The account's owner can revoke\n"
        "it there."
    )


def _question(runtime: CommandRuntime, summary: AccountSummary) -> str:
    account = summary.account
    due = runtime.ledger.figures(account.name).due
    whose = f" ({account.organization})" if account.organization else ""
    return (
        f"{sign_ups_wait(due)} to be sent. Its tokens will be forgotten, and new sign-ups will wait"
        f" until it is connected again. Disconnect {account.name}{whose}?"
    )
