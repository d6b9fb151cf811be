"""Looks at one account: what is stored of its connection, and what Constant Contact says today."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import redis

from shared.accounts import checks
from shared.accounts.account_reads import AccountReads
from shared.accounts.account_summary import AccountSummaries, AccountSummary
from shared.accounts.connecting import Connecting
from shared.constant_contact.applications import Applications
from shared.constant_contact.client import Forbidden
from shared.constant_contact.token_vault import TokenVault
from shared.doctor import account_checks, engine_checks
from shared.doctor.looking import Look
from shared.domain.check import Check
from shared.domain.errors import Refused, TokenError
from shared.domain.form import Form
from shared.ledger.registry import Registry
from shared.ledger.server_inspection import find_overdue

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """`client` is of the ledger."""

    client: "redis.Redis"
    registry: Registry
    vault: TokenVault
    applications: Applications
    summaries: AccountSummaries
    reads: AccountReads
    connecting: Connecting
    now: Callable[[], datetime]

    def looks(self, name: str, *, refresh: bool) -> list[Look]:
        """Return the looks at the account `name`; with `refresh`, its token is refreshed first.

        Constant Contact is asked in one look: the requests take turns anyway.
        """
        return [
            Look("connection", "The connection", lambda: self._stored(name), name),
            Look(
                "privileges", "What Constant Contact says", lambda: self._asked(name, refresh), name
            ),
        ]

    # --- what is stored

    def _stored(self, name: str) -> Iterator[Check]:
        summary = self.summaries.summary(name)
        now = self.now()
        yield account_checks.connection(summary, self._forms(name))
        tokens = account_checks.tokens(summary, *self._failures(name), now)
        if tokens is not None:
            yield tokens
            yield replace(checks.scopes_granted(summary.scopes), account=name)
        for hold in summary.holds:
            yield account_checks.hold(hold, summary, now)
        if not summary.holds:
            yield account_checks.no_hold(name)
        yield engine_checks.waiting(find_overdue(self.client, name), summary.holds, account=name)

    def _failures(self, name: str) -> tuple[int, str | None]:
        """Return how many refreshes have failed in a row, and why the last one did."""
        try:
            stored = self.vault.stored(name)
        except TokenError:
            return 0, None
        return stored.failures, stored.failure

    def _forms(self, name: str) -> list[Form]:
        return [form for form in self.registry.forms() if form.account == name]

    # --- what Constant Contact says

    def _asked(self, name: str, refresh: bool) -> Iterator[Check]:
        summary = self.summaries.summary(name)
        if account_checks.has_no_tokens(summary):
            return
        if summary.own_key:
            yield from self._preflight(summary)
        if refresh:
            yield self._refreshed(summary)
        try:
            held = _unless_forbidden(lambda: self._privileges(name))
        except Refused as error:
            # The rest would be refused for the same reason.
            yield account_checks.not_asked("privileges", name, str(error))
            return
        yield account_checks.privileges(held, name)
        yield from self._lists(name)
        yield from self._fields(name)

    def _preflight(self, summary: AccountSummary) -> Iterator[Check]:
        application = self.applications.find(summary.account.client_id)
        if application is not None:
            yield replace(self.connecting.preflight(application), account=summary.account.name)

    def _refreshed(self, summary: AccountSummary) -> Check:
        name = summary.account.name
        try:
            self.vault.refresh(name)
            return account_checks.refreshed(self.vault.stored(name).kind, None, summary)
        except TokenError as error:
            return account_checks.refreshed(None, str(error), summary)

    def _privileges(self, name: str) -> frozenset[str]:
        return self.reads.read(name, lambda api, token: api.privileges(token))

    def _lists(self, name: str) -> Iterator[Check]:
        try:
            found = _unless_forbidden(
                lambda: self.reads.read(name, lambda api, token: api.lists(token))
            )
        except Refused as error:
            yield account_checks.not_asked("lists", name, str(error))
            return
        yield account_checks.lists(found, name)
        if found is not None:
            existing = {each.id for each in found}
            yield from account_checks.forms_lists(self._forms(name), existing, name)

    def _fields(self, name: str) -> Iterator[Check]:
        forms = [form for form in self._forms(name) if form.custom_fields]
        if not forms:
            return
        try:
            existing = {field.id for field in self.reads.custom_fields(name)}
        except Refused as error:
            yield account_checks.not_asked("form_fields", name, str(error))
            return
        yield from account_checks.forms_fields(forms, existing, name)


def _unless_forbidden(read: Callable[[], T]) -> T | None:
    """Return what was read; None when the login may not read it."""
    try:
        return read()
    except Refused as error:
        if isinstance(error.__cause__, Forbidden):
            return None
        raise
