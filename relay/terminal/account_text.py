"""An account as text for people: its summary, its checks and its lists."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from relay.terminal.output import Output, for_people
from shared.accounts import advice
from shared.accounts.account_state import account_state
from shared.accounts.account_summary import AccountSummary
from shared.accounts.list_cache import Lists
from shared.constant_contact.client import ContactList
from shared.domain.check import Check, CheckKind
from shared.domain.durations import in_words
from shared.infrastructure.timestamps import utc_now

_MARKS = {CheckKind.OK: "✓", CheckKind.ADVICE: "!", CheckKind.PROBLEM: "✗", CheckKind.UNKNOWN: "?"}


def say_checks(output: Output, checks: Iterable[Check], *, named: bool = False) -> None:
    """Print a line for each check, and below it what to do, if there is something.

    With `named`, each line says of which account it is.
    """
    for check in checks:
        whose = f"{check.account}: " if named and check.account else ""
        output.say(f"{_MARKS[check.kind]} {whose}{check.title}: {check.found}")
        if check.fix:
            output.say(f"  → {check.fix}")


def say_summary(output: Output, summary: AccountSummary) -> None:
    """Print all that is known of an account, and what to do about its problems."""
    output.table(["account", summary.account.name], _rows(summary))
    for problem in advice.for_account(summary.account.name, summary.holds, summary):
        output.say(f"\n{problem.sentence}")


def _api(summary: AccountSummary) -> str | None:
    if summary.origin is None:
        return None
    return f"{summary.origin.api_url}{' (sandbox)' if summary.is_sandbox else ''}"


def _rows(summary: AccountSummary) -> list[list[Any]]:
    account = summary.account
    key = "its own" if summary.own_key else "CTCT_CLIENT_ID"
    return [
        ["organization", account.organization],
        ["contact e-mail", account.contact_email],
        ["account id", account.encoded_account_id],
        ["state", account_state(summary).words],
        ["API", _api(summary)],
        ["login", account.login],
        ["connected", _given(account.connected_at)],
        ["connected by", account.connected_by],
        ["disconnected", _given(account.disconnected_at)],
        ["API key", f"{summary.key_tail} ({key})"],
        ["scopes", ", ".join(sorted(summary.scopes)) if summary.scopes else None],
        ["refresh token", summary.token_kind],
        ["access token until", for_people(summary.expires_at)],
        ["last refresh", for_people(summary.refreshed_at)],
        ["next refresh", for_people(summary.next_refresh_at)],
        ["installation", summary.owner],
        ["last success", for_people(summary.last_success_at)],
        ["on hold", ", ".join(hold.reason for hold in summary.holds) or None],
    ]


def _given(moment: str | None) -> str | None:
    return for_people(datetime.fromisoformat(moment)) if moment else None


def by_name(lists: Lists) -> list[ContactList]:
    return sorted(lists.lists, key=lambda each: each.name.casefold())


def table_of_lists(output: Output, lists: Lists, most: int | None = None) -> None:
    """Print the lists and their numbers of members, sorted by name; at most `most` of them."""
    output.table(
        ["list", "members", "id"],
        [[each.name, each.membership_count, each.id] for each in by_name(lists)[:most]],
    )
    if lists.error:
        output.warn(
            f"These lists are {in_words(utc_now() - lists.read_at)} old. They could not be read"
            f" again: {lists.error}"
        )
