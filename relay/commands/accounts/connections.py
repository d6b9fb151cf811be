"""`relay accounts list`, `show`, `take-over` and `move-tokens`: connections and their status."""

from typing import Any

import click

from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.account_text import say_summary
from relay.terminal.confirmation import confirm, yes_option
from relay.terminal.output import for_people
from shared.accounts.account_state import account_state
from shared.accounts.account_summary import AccountSummary, ConnectionStatus


@click.command("list")
@pass_runtime
def list_accounts(runtime: CommandRuntime) -> None:
    """Show all accounts."""
    print_accounts(runtime)


def print_accounts(runtime: CommandRuntime) -> None:
    """Print a line for each account."""
    found = runtime.summaries.all()
    runtime.output.json([summary.to_dict() for summary in found])
    if not found:
        runtime.output.say("No account is connected. Begin with: relay connect NAME")
        return
    runtime.output.table(
        [
            *("name", "organization", "state", "contact e-mail", "account id"),
            *("API key", "refresh token", "last success"),
        ],
        [_row(summary) for summary in found],
    )


def _row(summary: AccountSummary) -> list[Any]:
    account = summary.account
    return [
        account.name,
        account.organization,
        f"{account_state(summary).words}{', sandbox' if summary.is_sandbox else ''}",
        account.contact_email,
        account.encoded_account_id,
        summary.key_tail,
        summary.token_kind,
        for_people(summary.last_success_at),
    ]


@click.command()
@click.argument("name")
@pass_runtime
def show(runtime: CommandRuntime, name: str) -> None:
    """Show all that is known of the account NAME."""
    summary = runtime.summaries.summary(name)
    runtime.output.json(summary.to_dict())
    if not runtime.output.as_json:
        say_summary(runtime.output, summary)


@click.command("take-over")
@click.argument("name")
@yes_option
@pass_runtime
def take_over(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Make this installation the one that keeps NAME connected."""
    summary = runtime.summaries.summary(name)
    if summary.status == ConnectionStatus.FOREIGN:
        question = (
            f"If {summary.owner} still runs, both installations may lose {name}."
            " Has it been stopped for good?"
        )
        confirm(question, yes=yes)
    runtime.accounts.connecting.claim_ownership(name)
    runtime.output.json(runtime.summaries.summary(name).to_dict())
    runtime.output.say(
        f"This installation keeps {name} connected from now on. No other one may do so: stop the"
        " one that did, or disconnect the account there."
    )


@click.command("move-tokens")
@click.argument("name")
@yes_option
@pass_runtime
def move_tokens(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Send the tokens of NAME to the API address that is configured now.

    Only for the case that Constant Contact has moved. Whoever runs the other server could use the
    account.
    """
    summary, settings = runtime.summaries.summary(name), runtime.settings
    if summary.status == ConnectionStatus.ELSEWHERE:
        question = (
            f"The tokens of {name} are from {summary.origin_told}. Send them to"
            f" {settings.api_url} and {settings.auth_url} from now on?"
        )
        confirm(question, yes=yes)
    runtime.accounts.connecting.move_tokens(name)
    runtime.output.json(runtime.summaries.summary(name).to_dict())
    runtime.output.say(f"{name} uses {settings.api_url} from now on. Its sign-ups flow again.")
