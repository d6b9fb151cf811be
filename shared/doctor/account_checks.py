"""The checks of one account: its connection, its tokens, its holds, and what its forms name.

Pure: what was seen in, a `Check` out. shared/doctor/accounts.py looks.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.accounts import checks
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.accounts.advice import on_hold
from shared.constant_contact.client import ContactList
from shared.domain.account import Hold, HoldReason
from shared.domain.check import Check, advice, ok, problem, unknown
from shared.domain.durations import in_words
from shared.domain.form import Form
from shared.infrastructure.logs import redact

# Beat looks every minute, and with many accounts each waits a second for the one before it.
REFRESH_MAY_BE_LATE = timedelta(minutes=10)
# Holds that are as they should be: somebody of ours asked for one, the other ends at midnight.
_AS_MEANT = (HoldReason.PAUSED, HoldReason.QUOTA)


def connection(summary: AccountSummary, forms: Sequence[Form]) -> Check:
    """Judge whether the account is connected; `forms` are those that send sign-ups to it."""
    name, title, account = "connection", "The connection", summary.account.name
    again = f"Connect it again in the console, or with: relay connect {account}"
    match summary.status:
        case ConnectionStatus.CONNECTED | ConnectionStatus.FAILING:
            whose = summary.account.organization or "an account whose name is not told"
            return ok(name, title, f"Connected to {whose}.", account=account)
        case ConnectionStatus.DISCONNECTED if not forms:
            return ok(name, title, "Disconnected by an operator; no form uses it.", account=account)
        case ConnectionStatus.DISCONNECTED:
            found = f"Disconnected by an operator, and still used by {_named(forms)}."
            return problem(name, title, found, again, account=account)
        case ConnectionStatus.UNUSABLE:
            return problem(
                name,
                title,
                f"It has no tokens, or the secret of its API key {summary.key_tail} is not known.",
                f"Put the former CTCT_CLIENT_ID and CTCT_CLIENT_SECRET back. Or else: {again}",
                account=account,
            )
        case ConnectionStatus.REVOKED:
            return problem(
                name,
                title,
                "Constant Contact refuses its refresh token for good, so sign-ups wait.",
                again,
                account=account,
            )
        case ConnectionStatus.FOREIGN:
            return problem(
                name,
                title,
                f"Its tokens are kept fresh by {summary.owner}, which this is not: this ledger"
                " looks like a copy of another installation's.",
                "On a copy, connect an account of its own. If this one has replaced the other, run:"
                f" relay accounts take-over {account}",
                account=account,
            )


def tokens(
    summary: AccountSummary, failures: int, cause: str | None, now: datetime
) -> Check | None:
    """Judge whether the tokens are kept fresh, `failures` being the refreshes that failed in a
    row, the last for `cause`. None where the connection itself does not stand, which is told
    already."""
    if summary.status not in (ConnectionStatus.CONNECTED, ConnectionStatus.FAILING):
        return None
    name, title, account = "tokens", "Its tokens are kept fresh", summary.account.name
    until = _until(summary.expires_at, now)
    if failures:
        last = f", the last time: {cause.removesuffix('.')}" if cause else ""
        return problem(
            name,
            title,
            f"Refreshing them has failed {_times(failures)} in a row{last}. {until}",
            checks.what_helps_refreshing(cause or "", own_key=summary.own_key)
            or "It is tried again by itself. Look whether this host reaches Constant Contact; if it"
            f" does: relay connect {account}",
            account=account,
        )
    if summary.next_refresh_at and now - summary.next_refresh_at > REFRESH_MAY_BE_LATE:
        late = in_words(now - summary.next_refresh_at)
        return problem(
            name,
            title,
            f"They should have been refreshed {late} ago. {until}",
            "Look whether beat and a worker run, and what they log.",
            account=account,
        )
    return ok(name, title, f"{_refreshes(summary, now)} {until}", account=account)


def has_no_tokens(summary: AccountSummary) -> bool:
    """Whether there is nothing to ask Constant Contact with."""
    return summary.status in (ConnectionStatus.DISCONNECTED, ConnectionStatus.UNUSABLE)


def hold(each: Hold, summary: AccountSummary, now: datetime) -> Check:
    """Judge one hold."""
    account = summary.account.name
    name, title = "holds", f"On hold: {each.reason}"
    note = redact(each.note).rstrip(".")
    found = f"For {in_words(now - each.since)}{f': {note}' if note else ''}. Sign-ups wait."
    to_do = _what_ends(each, summary)
    judged = advice if each.reason in _AS_MEANT else problem
    return judged(name, title, found, f"{to_do[:1].upper()}{to_do[1:]}.", account=account)


def _what_ends(hold: Hold, summary: AccountSummary) -> str:
    if summary.status == ConnectionStatus.FOREIGN and hold.reason == HoldReason.RECONNECT:
        # To connect again here would take the account away from whoever has it.
        return "what is said of the connection ends it, too"
    return on_hold(hold.reason, summary.account.name)


def no_hold(account: str) -> Check:
    return ok("holds", "Holds", "None stands.", account=account)


def privileges(held: frozenset[str] | None, account: str) -> Check:
    """Judge what the login may do; None when it may not even ask."""
    if held is not None:
        return replace(checks.privileges_held(held), account=account)
    return problem(
        "privileges",
        "The login may write contacts",
        "Constant Contact forbids to ask: a scope is missing, or the application is off.",
        f"Look at the application's page in the developer portal, then: relay connect {account}",
        account=account,
    )


def lists(found: Sequence[ContactList] | None, account: str) -> Check:
    """Judge the contact lists; None when the login may not read them."""
    return replace(checks.lists_read(found), account=account)


def forms_lists(forms: Iterable[Form], existing: Collection[str], account: str) -> list[Check]:
    """Judge whether every list that a form names is among the `existing` ids."""
    return [
        problem(
            "form_lists",
            f"Form {form.name}",
            f"It names the list {listed.name}, which is not there any more, so what it sends is"
            " refused.",
            f"Make it again with another: relay forms add {form.name} --account {account} --list"
            " LIST --replace, with its other options. What was refused is kept: relay failed list",
            account=account,
        )
        for form in forms
        for listed in form.lists
        if listed.id not in existing
    ] or [ok("form_lists", "The lists that forms name", _all_there(forms), account=account)]


def forms_fields(forms: Iterable[Form], existing: Collection[str], account: str) -> list[Check]:
    """Judge whether every custom field that a form sends is among the `existing` ids."""
    return [
        problem(
            "form_fields",
            f"Form {form.name}",
            f"It sends the custom field {field.name}, which is not there any more.",
            "Make the field again in Constant Contact, or the form without it:"
            f" relay forms add {form.name} --replace",
            account=account,
        )
        for form in forms
        for field in form.custom_fields
        if field.id not in existing
    ] or [
        ok("form_fields", "The custom fields that forms send", _all_there(forms), account=account)
    ]


_TITLES = {
    "connection": "The connection",
    "privileges": "The login may write contacts",
    "lists": "Its contact lists",
    "form_fields": "The custom fields that forms send",
}


def not_asked(name: str, account: str, cause: str) -> Check:
    """Say that Constant Contact gave no answer to judge; `cause` is our own error's text."""
    return unknown(name, _TITLES[name], cause, "Ask again: relay doctor", account=account)


def refreshed(kind: str | None, trouble: str | None, summary: AccountSummary) -> Check:
    """Judge a forced refresh; `trouble` is our own error's text."""
    judged = checks.refreshed(kind, trouble, own_key=summary.own_key)
    return replace(judged, account=summary.account.name)


def _refreshes(summary: AccountSummary, now: datetime) -> str:
    last = (
        f"Refreshed {in_words(now - summary.refreshed_at)} ago" if summary.refreshed_at else "New"
    )
    if summary.next_refresh_at is None:
        return f"{last}."
    if summary.next_refresh_at <= now:
        return f"{last}, due to be refreshed now."
    return f"{last}, next in {in_words(summary.next_refresh_at - now)}."


def _until(expires_at: datetime | None, now: datetime) -> str:
    if expires_at is None or expires_at <= now:
        return "The access token is over, so sign-ups wait."
    return f"The access token is good for {in_words(expires_at - now)} more."


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _named(forms: Sequence[Form]) -> str:
    names = ", ".join(form.name for form in forms)
    return f"the form {names}" if len(forms) == 1 else f"the forms {names}"


def _all_there(forms: Iterable[Form]) -> str:
    return "All are there." if list(forms) else "No form sends sign-ups to this account yet."
