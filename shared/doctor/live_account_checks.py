"""The checks for which Constant Contact is asked: an account's privileges, lists and fields.

One task asks everything about an account, because the requests take turns anyway.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from shared.accounts import checks
from shared.accounts.account_api import AccountApi
from shared.accounts.account_summary import AccountSummaries, AccountSummary, ConnectionStatus
from shared.accounts.connecting import Connecting
from shared.constant_contact.applications import Applications
from shared.constant_contact.client import ConstantContact, ContactList
from shared.constant_contact.errors import Forbidden
from shared.constant_contact.token_vault import TokenVault
from shared.domain.check import Check, CheckResult, CheckSubject
from shared.domain.errors import Refused, TokenError
from shared.domain.form import CustomField, Form

CONSTANT_CONTACT = CheckSubject("privileges", "What Constant Contact says")
_PRIVILEGES = CheckSubject("privileges", "The login may write contacts")
_LISTS = CheckSubject("lists", "Its contact lists")
_FORM_LISTS = CheckSubject("form_lists", "The lists that forms name")
_FORM_FIELDS = CheckSubject("form_fields", "The custom fields that forms send")

_NO_TOKENS = (
    ConnectionStatus.DISCONNECTED,
    ConnectionStatus.UNUSABLE,
    ConnectionStatus.ELSEWHERE,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveAccountChecks:
    vault: TokenVault
    applications: Applications
    summaries: AccountSummaries
    api: AccountApi
    connecting: Connecting

    def run(self, name: str, forms: Sequence[Form], *, refresh: bool) -> Iterator[Check]:
        """Ask about the account `name`; with `refresh`, refresh its token first."""
        summary = self.summaries.summary(name)
        if summary.status in _NO_TOKENS:
            return
        if summary.own_key:
            yield from self._preflight(summary)
        if refresh:
            yield refreshed(partial(self._refresh, name), summary)
        held = privileges(self._reader(name, lambda api, token: api.privileges(token)), name)
        yield held
        if held.verdict == CheckResult.UNKNOWN:
            return  # the other questions would fail for the same reason
        yield from lists(self._reader(name, lambda api, token: api.lists(token)), forms, name)
        yield from fields(partial(self.api.custom_fields, name), forms, name)

    def _preflight(self, summary: AccountSummary) -> Iterator[Check]:
        application = self.applications.find(summary.account.client_id)
        if application is not None:
            yield replace(
                self.connecting.check_application(application), account=summary.account.name
            )

    def _refresh(self, name: str) -> str | None:
        self.vault.refresh(name)
        return self.vault.stored(name).kind

    def _reader(self, name: str, read: Callable[[ConstantContact, str], T]) -> Callable[[], T]:
        return partial(self.api.read, name, read)


def refreshed(refresh: Callable[[], str | None], summary: AccountSummary) -> Check:
    """Refresh the token, to see that it works; `refresh` returns the kind of refresh token."""
    kind, error = None, None
    try:
        kind = refresh()
    except TokenError as raised:
        error = str(raised)
    return replace(
        checks.refreshed(kind, error, own_key=summary.own_key), account=summary.account.name
    )


def privileges(read: Callable[[], frozenset[str]], account: str) -> Check:
    subject = _PRIVILEGES.of(account)
    try:
        return replace(checks.privileges_held(read()), account=account)
    except Refused as error:
        if not _is_forbidden(error):
            return _unreadable(subject, error)
    return subject.problem(
        "Constant Contact forbids the question: a scope is missing, or the application is off.",
        "Look at the application's page in the developer portal. Then run:"
        f" relay connect {account}",
    )


def lists(
    read: Callable[[], Sequence[ContactList]], forms: Iterable[Form], account: str
) -> Iterator[Check]:
    """Check the contact lists, and that every list exists that a form names."""
    try:
        found = read()
    except Refused as error:
        if _is_forbidden(error):
            yield replace(checks.lists_read(None), account=account)
        else:
            yield _unreadable(_LISTS.of(account), error)
        return
    yield replace(checks.lists_read(found), account=account)
    yield from form_lists(forms, {each.id for each in found}, account)


def form_lists(forms: Iterable[Form], existing: Collection[str], account: str) -> list[Check]:
    return [
        CheckSubject(_FORM_LISTS.name, f"Form {form.name}", account).problem(
            f"It names the list {listed.name}, which no longer exists, so its sign-ups are"
            " rejected.",
            f"Choose another list: relay forms edit {form.name} --list LIST, with its other lists."
            " Rejected sign-ups are kept: relay failed list",
        )
        for form in forms
        for listed in form.lists
        if listed.id not in existing
    ] or [_FORM_LISTS.of(account).ok(_all_exist(forms))]


def fields(
    read: Callable[[], Iterable[CustomField]], forms: Iterable[Form], account: str
) -> Iterator[Check]:
    """Check that every custom field exists that a form sends; ask nothing if no form sends any."""
    sending = [form for form in forms if form.custom_fields]
    if not sending:
        return
    try:
        existing = {field.id for field in read()}
    except Refused as error:
        yield _unreadable(_FORM_FIELDS.of(account), error)
        return
    yield from form_fields(sending, existing, account)


def form_fields(forms: Iterable[Form], existing: Collection[str], account: str) -> list[Check]:
    return [
        CheckSubject(_FORM_FIELDS.name, f"Form {form.name}", account).problem(
            f"It sends the custom field {field.name}, which no longer exists.",
            "Create the field again in Constant Contact, or name the fields that stay with:"
            f" relay forms edit {form.name} --field NAME",
        )
        for form in forms
        for field in form.custom_fields
        if field.id not in existing
    ] or [_FORM_FIELDS.of(account).ok(_all_exist(forms))]


def _is_forbidden(error: Refused) -> bool:
    return isinstance(error.__cause__, Forbidden)


def _unreadable(subject: CheckSubject, error: Refused) -> Check:
    return subject.unknown(str(error), "Ask again: relay doctor")


def _all_exist(forms: Iterable[Form]) -> str:
    return "All of them exist." if list(forms) else "No form sends sign-ups to this account yet."
