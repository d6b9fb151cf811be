"""The checks of a connection: what each answer of Constant Contact means for it.

Pure: what Constant Contact answered in, a `Check` out. account_connector.py asks.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

from shared.accounts import problems
from shared.constant_contact.client import ContactList, Organization
from shared.constant_contact.oauth import SCOPES
from shared.domain.account import Account
from shared.domain.check import Check, CheckResult, CheckSubject
from shared.domain.connection_end import SECRET_REFUSED
from shared.domain.outcome import NEEDED_PRIVILEGE
from shared.domain.phrases import sentence

# Retry-After dates and people can both tolerate a minute.
CLOCK_MAY_DIFFER = timedelta(seconds=60)

_WHAT_FOR = {
    "contact_data": "sign-ups cannot be sent",
    "account_read": "signup-relay cannot show whose account it is",
    "offline_access": "the connection would end within a day",
}


def refresh_token_present() -> Check:
    return CheckSubject("refresh_token", "A refresh token came along").ok(
        "The connection can be kept alive."
    )


def scopes_granted(scopes: frozenset[str] | None) -> Check:
    """Judge the scopes that the access token names; None when it names none."""
    subject = CheckSubject("scopes", "The scopes that are needed")
    if scopes is None:
        return subject.unknown("The token does not list its scopes. It can still be used.")
    # Servers like Okta need not repeat offline_access: the refresh token itself proves it.
    missing = [scope for scope in SCOPES if scope not in scopes and scope != "offline_access"]
    if not missing:
        return subject.ok(", ".join(sorted(scopes)))
    why = "; ".join(f"without {scope} {_WHAT_FOR[scope]}" for scope in missing)
    return subject.problem(
        f"{' and '.join(missing)} is missing: {why}.",
        "Allow all scopes on the application's page in the developer portal, then connect again.",
    )


def privileges_held(privileges: frozenset[str]) -> Check:
    subject = CheckSubject("privileges", "The login may write contacts")
    if NEEDED_PRIVILEGE in privileges:
        return subject.ok(f"It has {NEEDED_PRIVILEGE}.")
    return subject.problem(
        f"The privilege {NEEDED_PRIVILEGE} is missing, so every sign-up waits. A Campaign Creator"
        " lacks it.",
        "Connect again, and log in as the account's owner or a manager.",
    )


def connected_title(called: str, found: Iterable[Check], *, on_hold: bool = False) -> str:
    """Return what to call a new connection, by its checks and by whether anything is sent."""
    problems_found = {check.name for check in found if check.verdict == CheckResult.PROBLEM}
    if "privileges" in problems_found:
        return f"{called} is connected, but its login lacks {NEEDED_PRIVILEGE}"
    if problems_found:
        return f"{called} is connected, with a problem"
    return f"{called} is connected{', but on hold' if on_hold else ''}"


def summary_read(summary: Organization | None) -> Check:
    subject = CheckSubject("summary", "Whose account it is")
    if summary is None:
        return subject.problem(
            "Constant Contact does not say: the scope account_read or the privilege account:read"
            " is missing.",
            "Connect again with both, so that no sign-ups go to somebody else's lists.",
        )
    organization = summary.organization or "an account without a name"
    return subject.ok(f"{organization}, {summary.contact_email or 'no e-mail address'}")


def one_name(account: Account, accounts: Iterable[Account]) -> Iterator[Check]:
    """Find other names for the same account, from before connecting refused them."""
    if account.disconnected_at:
        return
    for other in account.other_names(accounts):
        yield CheckSubject("one_name", "One account, one name").problem(
            f"{account.called} is also connected as {other.name}. With one API key, each of the two"
            " can end the other's connection.",
            f"Move the forms to one of them, then run: relay disconnect {other.name}",
        )


def lists_read(lists: Sequence[ContactList] | None) -> Check:
    subject = CheckSubject("lists", "Its contact lists")
    if lists is None:
        return subject.problem(
            "signup-relay cannot read them: the scope contact_data or the privilege"
            " contacts:lists:read is missing. Sign-ups need the scope.",
            "Connect again as the account's owner or a manager.",
        )
    if not lists:
        return subject.problem(
            "There is none, and a sign-up needs a list.",
            "Create a list in Constant Contact, then read the lists again.",
        )
    return subject.ok(f"{len(lists):,} found." if len(lists) > 1 else "1 found.")


def refreshed(kind: str | None, error: str | None, *, own_key: bool) -> Check:
    """Judge a forced refresh: the proof that the connection lasts. `own_key` says that the account
    has an API key of its own."""
    subject = CheckSubject("refresh", "The token can be refreshed")
    if error is None:
        kinds = {"rotating": " Refresh tokens rotate.", "long-lived": " It is a long-lived one."}
        return subject.ok(f"Done once, just now.{kinds.get(kind or '', '')}")
    return subject.problem(
        f"The refresh failed: {sentence(error)}",
        what_helps_refreshing(error, own_key=own_key)
        or "signup-relay tries again by itself. If `relay status` shows a hold, connect again.",
    )


def what_helps_refreshing(error: str, *, own_key: bool) -> str | None:
    """Return what to do about a refresh that failed for `error`; None where waiting helps."""
    return problems.explain_secret(own_key=own_key) if error == SECRET_REFUSED else None


def clock(ahead: timedelta | None) -> Check:
    """Judge by how much Constant Contact's clock is ahead of this host's."""
    subject = CheckSubject("clock", "This host's clock")
    if ahead is None:
        return subject.unknown("Constant Contact's answer has no time.")
    if abs(ahead) <= CLOCK_MAY_DIFFER:
        return subject.ok("It agrees with Constant Contact's to the minute.")
    direction = "behind" if ahead > timedelta() else "ahead of"
    return subject.problem(
        f"It is {round(abs(ahead).total_seconds())} s {direction} Constant Contact's.",
        "Set this host's clock with NTP.",
    )
