"""The end of every flow: read the account behind new tokens, store both, prove that they last.

The account behind a name changes only if somebody asks for that: forms name lists, and lists
belong to one account.
"""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.accounts import another_account, checks, problems
from shared.accounts.application_calls import ApplicationCalls, ConnectFailed, ConnectStopped
from shared.accounts.connect_request import ConnectRequest, PendingTokens, StartedFrom
from shared.accounts.connect_store import ConnectStore
from shared.constant_contact.client import (
    ConstantContact,
    ContactList,
    Organization,
)
from shared.constant_contact.errors import Forbidden, Unauthorized
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import Token, TokenVault
from shared.domain.account import Account, HoldReason
from shared.domain.audit import Action, Actor, Via, current_actor
from shared.domain.check import Check, CheckResult, CheckSubject
from shared.domain.errors import Refused, TokenError, UnreadableRecord
from shared.domain.outcome import NEEDED_PRIVILEGE
from shared.infrastructure.timestamps import timestamp
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import Replacement

# The privilege may be given later, in the account's own settings.
FIRST_PROBE = timedelta(minutes=1)

T = TypeVar("T")


class AnotherAccount(ConnectStopped):
    """The login belongs to another account, `found`, than the one that has the name, `before`.

    `resume` with `pending_id` and `replace` goes on.
    """

    def __init__(self, before: Account, found: Account, request: ConnectRequest) -> None:
        differs = another_account.differs(before, found)
        super().__init__(f"{differs} Nothing was changed. {problems.another_account(request)}")
        self.before = before
        self.found = found
        self.started_from = request.started_from


class AlreadyConnected(ConnectStopped):
    """The login belongs to an account that is connected under another name, `known`.

    With one API key, the two would end each other's connection. `resume` with `pending_id` and the
    name of `known` renews that connection. `before` is the account that has the wanted name, if
    that is another one.
    """

    def __init__(
        self, known: Account, request: ConnectRequest, before: Account | None = None
    ) -> None:
        self.before = before if before and not before.may_become(known) else None
        message = problems.already_connected(known, request)
        if self.before:
            differs = another_account.differs(self.before, known)
            right = f"To reconnect {request.account}, log in to the right account."
            message = f"{differs} {right} {message}"
        super().__init__(message)
        self.known = known
        self.started_from = request.started_from

    @property
    def found(self) -> Account:
        return self.known


class MayNotWrite(Refused):
    """A client logged in with a login that may not add contacts."""


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that was just connected, with the checks of its connection.

    `result_id` is the id under which others find the result. `asked_by` is the name that the
    client read, if the request came by a link.
    """

    account: Account
    token: Token
    checks: tuple[Check, ...]
    started_from: StartedFrom
    result_id: str | None = None
    asked_by: str | None = None

    @property
    def title(self) -> str:
        return checks.connected_title(self.account.called, self.checks)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Whole sentences for people to act on."""
        wrong = [check for check in self.checks if check.verdict == CheckResult.PROBLEM]
        return tuple(" ".join(filter(None, (check.found, check.fix))) for check in wrong)


@dataclass(frozen=True, slots=True)
class _Found:
    """What the API says about the account; None where it refuses to tell."""

    privileges: frozenset[str]
    organization: Organization | None
    lists: list[ContactList] | None
    clock_ahead: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountConnector:
    """Raises `Refused`, of which `ConnectStopped` is one, and `LedgerUnavailable`. Safe between
    threads.

    `notify_workers` tells the workers that an account may have something due.
    """

    registry: Registry
    vault: TokenVault
    calls: ApplicationCalls
    store: ConnectStore
    ledger: Ledger
    trail: AuditTrail
    notify_workers: Callable[[str], None]
    now: Callable[[], datetime]

    def connect(
        self,
        request: ConnectRequest,
        tokens: TokenSet,
        *,
        spent: str | None = None,
        instead_of: str | None = None,
    ) -> Connected:
        """Read the account behind the tokens, store both, then prove that they can last.

        `spent` is the refresh token that was exchanged for these tokens. `instead_of` is the
        identity of the account that may lose the name; None for any.
        """
        refresh_token_of(tokens)
        found = self._read(request.client_id, tokens.access_token)
        if request.started_from == StartedFrom.LINK:
            _check_client_may_write(found)
        before, account = self._store(request, tokens, found, spent, instead_of)
        self._note(request, before, account)
        self.ledger.note_success(account.name)
        self.notify_workers(account.name)
        checked = (*self._checks(account, tokens, found), *self._other_lists(before, account))
        return Connected(account, self._token(account.name), checked, request.started_from)

    def _note(self, request: ConnectRequest, before: Account | None, account: Account) -> None:
        """Note who connected it: the operator who began this, whoever logged in."""
        is_other = before is not None and not before.may_become(account)
        via = Via.CLI if request.started_from == StartedFrom.TERMINAL else Via.CONSOLE
        by_link = {"link": request.link} if request.link else {}
        instead = {"instead_of": before.organization} if before and is_other else {}
        self.trail.add(
            Action.REPLACE_ACCOUNT if is_other else Action.CONNECT,
            account=account.name,
            who=Actor(request.by, via, current_actor().address),
            organization=account.organization,
            **instead,
            **by_link,
        )

    def connect_or_save(self, request: ConnectRequest, tokens: TokenSet) -> Connected:
        """Connect. If that stops halfway, save the tokens, so that nobody has to log in twice."""
        try:
            return self.connect(request, tokens)
        except ConnectStopped as error:
            pending = PendingTokens(request, tokens, timestamp(self.now()))
            error.pending_id = self.store.save_pending(stopped_by(error, pending), self.now())
            raise

    @contextlib.contextmanager
    def lock_account(self, name: str) -> Iterator[None]:
        """Keep others from storing tokens and account of this name: the two belong together."""
        with self._lock(f"account {name}", name):
            yield

    @contextlib.contextmanager
    def _lock_identity(self, account: Account) -> Iterator[None]:
        """Keep others from connecting the same account at Constant Contact under another name."""
        if account.identity is None:
            yield
            return
        with self._lock(f"at Constant Contact {account.identity}", account.called):
            yield

    @contextlib.contextmanager
    def _lock(self, what: str, called: str) -> Iterator[None]:
        with self.store.lock(what) as locked:
            if not locked:
                raise ConnectFailed(
                    f"Somebody else is connecting or disconnecting {called} at this moment. Nothing"
                    " was changed. Try again in a minute."
                )
            yield

    def check_unspent(self, request: ConnectRequest, refresh_token: str) -> None:
        """Raise `Refused` when an account has this refresh token, or a newer one that came of it:
        a second use could end the connection."""
        for account in self.registry.accounts():
            if self.vault.has_replaced(account.name, refresh_token):
                raise Refused(
                    f"These tokens are too old: {account.name} has newer ones, and the old"
                    " refresh token must not be used again. Nothing was changed."
                )
            if account.name != request.account and self.vault.has(account.name, refresh_token):
                raise AlreadyConnected(account, request)

    def _store(
        self,
        request: ConnectRequest,
        tokens: TokenSet,
        found: _Found,
        spent: str | None,
        instead_of: str | None,
    ) -> tuple[Account | None, Account]:
        """Store tokens and account; return the account that had the name before, and this one."""
        account = self._account(request, tokens, found.organization)
        with self.lock_account(account.name), self._lock_identity(account):
            before = self._before(request)
            self._check_no_other_name(before, account, request)
            replacement = _replacement(before, account, request, instead_of)
            self.vault.store(
                account.name,
                tokens,
                client_id=account.client_id,
                spent=spent,
                replacement=replacement,
            )
            self.registry.save_account(account)
            self.ledger.lift(account.name, HoldReason.RECONNECT)
            self._judge_privileges(account.name, found.privileges)
        return before, account

    def _before(self, request: ConnectRequest) -> Account | None:
        """Return the account that has the name now. If nobody can read which one that is, another
        account may only take the name when somebody says so."""
        try:
            return self.registry.account(request.account)
        except UnreadableRecord:
            if not request.replace:
                raise
            return None

    def _judge_privileges(self, name: str, privileges: frozenset[str]) -> None:
        """Hold an account whose login may not write contacts, before a sign-up finds that out."""
        if NEEDED_PRIVILEGE in privileges:
            self.ledger.lift(name, HoldReason.FORBIDDEN)
            return
        self.ledger.hold(
            name,
            HoldReason.FORBIDDEN,
            by="connecting",
            note=f"the login lacks {NEEDED_PRIVILEGE}",
            first_probe=FIRST_PROBE,
        )

    def _check_no_other_name(
        self, before: Account | None, account: Account, request: ConnectRequest
    ) -> None:
        """Raise `AlreadyConnected` if the same account is connected under another name."""
        if known := another_account.other_name(before, account, self.registry.accounts()):
            raise AlreadyConnected(known, request, before)

    def _read(self, client_id: str, access_token: str) -> _Found:
        try:
            return self.calls.ask(client_id, lambda api: _read(api, access_token))
        except Unauthorized as error:
            raise Refused(f"The new access token does not work ({error.answer.cause}).") from error

    def _account(
        self, request: ConnectRequest, tokens: TokenSet, organization: Organization | None
    ) -> Account:
        return Account(
            name=request.account,
            client_id=request.client_id,
            organization=organization.organization if organization else None,
            contact_email=organization.contact_email if organization else None,
            encoded_account_id=organization.encoded_account_id if organization else None,
            connected_at=timestamp(self.now()),
            connected_by=request.by,
            login=tokens.login(),
        )

    def _checks(self, account: Account, tokens: TokenSet, found: _Found) -> Iterator[Check]:
        yield checks.refresh_token_present()
        yield checks.scopes_granted(tokens.scopes())
        yield checks.privileges_held(found.privileges)
        yield checks.summary_read(found.organization)
        yield from checks.one_name(account, self.registry.accounts())
        yield checks.lists_read(found.lists)
        yield self._refresh_once(account)
        yield checks.clock(found.clock_ahead)

    def _refresh_once(self, account: Account) -> Check:
        own_key = account.client_id != self.calls.applications.default.client_id
        try:
            self.vault.refresh(account.name)
            kind = self.vault.stored(account.name).kind
            return checks.refreshed(kind, None, own_key=own_key)
        except TokenError as error:
            return checks.refreshed(None, str(error), own_key=own_key)

    def _other_lists(self, before: Account | None, account: Account) -> Iterator[Check]:
        """Warn of forms that name another account's lists."""
        if before is None or before.encoded_account_id == account.encoded_account_id:
            return
        forms = [form.name for form in self.registry.forms() if form.account == account.name]
        if forms:
            yield CheckSubject("forms", "Its forms").problem(
                "These forms still name lists of the account that was connected before:"
                f" {', '.join(forms)}.",
                "Make them again with: relay forms add FORM --replace",
            )

    def _token(self, name: str) -> Token:
        try:
            return self.vault.stored_token(name)
        except TokenError as error:
            raise Refused(f"{name} was disconnected while it was being connected.") from error


def stopped_by(error: ConnectStopped, pending: PendingTokens) -> PendingTokens:
    """Return `pending` with what the error tells an operator to decide, if it does."""
    if not isinstance(error, AnotherAccount | AlreadyConnected):
        return pending
    instead_of = error.before.identity if error.before else None
    return dataclasses.replace(pending, found=error.found, instead_of=instead_of)


def refresh_token_of(tokens: TokenSet) -> str:
    """Return the refresh token; raises `Refused` when there is none."""
    if tokens.refresh_token is None:
        raise Refused(
            "Constant Contact sent no refresh token, so the connection would end within a day. The"
            " scope offline_access brings one. Check that the application may use it."
        )
    return tokens.refresh_token


def _read(api: ConstantContact, access_token: str) -> _Found:
    return _Found(
        privileges=api.privileges(access_token),
        organization=_unless_forbidden(lambda: api.summary(access_token)),
        lists=_unless_forbidden(lambda: api.lists(access_token)),
        clock_ahead=api.clock_ahead,
    )


def _unless_forbidden(read: Callable[[], T]) -> T | None:
    """Return what was read; None when the login may not read it."""
    try:
        return read()
    except Forbidden:
        return None


def _check_client_may_write(found: _Found) -> None:
    """Raise for a login that cannot add contacts; the link stays valid for another."""
    if NEEDED_PRIVILEGE not in found.privileges:
        raise MayNotWrite(
            f"Your client's login lacks the privilege {NEEDED_PRIVILEGE}, as that of a Campaign"
            " Creator does, so nothing was connected. Ask your client to log in as the account's"
            " owner or a manager. The link still works."
        )


def _replacement(
    before: Account | None, account: Account, request: ConnectRequest, instead_of: str | None
) -> Replacement | None:
    """Return what to note if the name passes to another account; None if it does not.

    Raises `AnotherAccount` if nobody has asked for that, and `Refused` if it was asked for when
    yet another account had the name.
    """
    if before is None or before.may_become(account):
        return None
    if not request.replace:
        raise AnotherAccount(before, account, request)
    if instead_of not in (None, before.identity):
        raise Refused(
            f"{before.name} has become {before.called} since you were asked, so nothing was"
            " changed. Start again if it should be another account."
        )
    return Replacement(request.by, before.called)
