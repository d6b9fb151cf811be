"""A new connection as text: its checks, summary and lists, and what to do next."""

from collections.abc import Iterable

from relay.runtime import CommandRuntime
from relay.terminal.account_text import say_checks, say_summary, table_of_lists
from shared.accounts.account_api import FRESH, ApiCallFailed
from shared.accounts.account_summary import AccountSummary
from shared.domain.check import Check
from shared.domain.holds_in_words import after_connecting
from shared.infrastructure.timestamps import utc_now

# Few enough that the text above them stays on the screen.
_FIRST_LISTS = 20


def say_connected(runtime: CommandRuntime, name: str, checks: Iterable[Check]) -> None:
    """Print the checks, the summary and the lists of a new connection, and the next steps."""
    runtime.output.say("")
    say_checks(runtime.output, checks)
    runtime.output.say("")
    summary = runtime.summaries.summary(name)
    say_summary(runtime.output, summary)
    runtime.output.say("")
    _say_lists_after_connecting(runtime, name)
    _say_what_follows(runtime, summary)


def _say_what_follows(runtime: CommandRuntime, summary: AccountSummary) -> None:
    name = summary.account.name
    if told := after_connecting(name, summary.holds, summary.figures.due, utc_now()):
        runtime.output.say(f"\n{told}")
    if any(form.account == name for form in runtime.summaries.registry.forms()):
        return
    runtime.output.say(
        f"\nNext, make a form:     relay forms add FORM --account {name} --list LIST"
        f"\nOr send a test to it:  relay accounts test {name} --email YOU@EXAMPLE.COM --list LIST"
    )


def _say_lists_after_connecting(runtime: CommandRuntime, name: str) -> None:
    try:
        lists = runtime.accounts.api.lists(name, max_age=FRESH)
    except ApiCallFailed as error:
        runtime.output.say(f"Its lists could not be read: {error} Try again: relay lists {name}")
    else:
        table_of_lists(runtime.output, lists, _FIRST_LISTS)
        if len(lists.lists) > _FIRST_LISTS:
            runtime.output.say(f"See all {len(lists.lists):,} lists: relay lists {name}")
