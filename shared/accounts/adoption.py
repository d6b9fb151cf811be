"""The core of connecting: look at the account behind new tokens, store both, prove that they last.

Every way to connect ends here (shared/accounts/connecting.py has the ways). The account behind
a name changes only when that is asked for: forms name lists, and lists belong to one account.
"""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from shared.accounts import checks, problems
from shared.accounts.handshakes import Handshake, Handshakes, Via
from shared.constant_contact.applications import Application, Applications
from shared.constant_contact.client import ConstantContact, ContactList, Organization
from shared.constant_contact.errors import (
    ApiError,
    ApiUnavailable,
    Forbidden,
    InvalidClient,
    InvalidGrant,
    OAuthError,
    TokenEndpointFailed,
    Unauthorized,
)
from shared.constant_contact.oauth import OAuth, TokenEndpoint
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import CALL_DEADLINE, Token, TokenVault
from shared.domain.account import Account, HoldReason
from shared.domain.check import Check, problem
from shared.domain.errors import Refused, TokenError, TokenUnavailable
from shared.domain.outcome import NEEDED_PRIVILEGE
from shared.infrastructure.timestamps import timestamp
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry

# No server ever gave this one out, so it is refused by whoever accepts the API key's secret.
_NO_TOKEN = "none"  # noqa: S105

T = TypeVar("T")


class ConnectFailed(Refused):
    """It cannot be done just now; trying again may help.

    `kept` is what `resume` goes on from without another login; None where nothing was kept.
    """

    def __init__(self, message: str, kept: str | None = None) -> None:
        super().__init__(message)
        self.kept = kept


class AnotherAccount(Refused):
    """The login belongs to another account than the one that has the name.

    `before` and `found` name the two; `resume` with `kept` and `replace` goes on. `via` is where
    the handshake began.
    """

    def __init__(self, message: str, *, before: Account, found: str | None, via: Via) -> None:
        super().__init__(message)
        self.before = before
        self.found = found
        self.via = via
        self.kept: str | None = None


@dataclass(frozen=True, slots=True)
class Adopted:
    """An account whose tokens were just stored, and what was seen of it."""

    account: Account
    token: Token
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the API said about the account; None where it would not say."""

    privileges: frozenset[str]
    summary: Organization | None
    lists: list[ContactList] | None
    clock_ahead: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """Makes new tokens an account's own.

    Raises `Refused`, of which `AnotherAccount` and `ConnectFailed` are two, and
    `LedgerUnavailable`. Safe between threads: `api` makes a client for each use, for an API key.
    `wake` tells the workers that an account may have something due.
    """

    registry: Registry
    vault: TokenVault
    applications: Applications
    handshakes: Handshakes
    ledger: Ledger
    oauth: Callable[[Application], OAuth]
    api: Callable[[str], ConstantContact]
    notify_workers: Callable[[str], None]
    now: Callable[[], datetime]

    def adopt(self, handshake: Handshake, tokens: TokenSet, *, spent: str | None = None) -> Adopted:
        """Look at the account behind the tokens, store both, then prove that they can last.

        `spent` is the refresh token that was given for them.
        """
        refresh_token_of(tokens)
        seen = self._look(handshake.client_id, tokens.access_token)
        if handshake.via == Via.LINK:
            _check_client_may_write(seen)
        before, account = self._store(handshake, tokens, seen, spent)
        self.ledger.note_success(account.name)
        self.notify_workers(account.name)
        checked = (*self._checks(account, tokens, seen), *self._other_lists(before, account))
        return Adopted(account, self._token(account.name), checked)

    def _store(
        self, handshake: Handshake, tokens: TokenSet, seen: _Seen, spent: str | None
    ) -> tuple[Account | None, Account]:
        """Store tokens and account; return the account that had the name before, and this one."""
        account = self._account(handshake, tokens, seen.summary)
        with self.alone_with(account.name):
            before = self.registry.account(account.name)
            if before is not None and not handshake.replace:
                _check_same(before, seen.summary, handshake)
            self.vault.adopt(account.name, tokens, client_id=account.client_id, spent=spent)
            self.registry.save_account(account)
            self.ledger.lift(account.name, HoldReason.RECONNECT)
            if NEEDED_PRIVILEGE in seen.privileges:
                self.ledger.lift(account.name, HoldReason.FORBIDDEN)
        return before, account

    @contextlib.contextmanager
    def alone_with(self, name: str) -> Iterator[None]:
        """Keep others from storing tokens and account of this name: the two belong together."""
        with self.handshakes.alone(f"account {name}") as mine:
            if not mine:
                raise ConnectFailed(
                    f"Somebody else is connecting or disconnecting {name} at this moment. Nothing"
                    " was changed; try again in a minute."
                )
            yield

    def _look(self, client_id: str, access_token: str) -> _Seen:
        try:
            return self.ask(client_id, lambda api: _look(api, access_token))
        except Unauthorized as error:
            raise Refused(f"The new access token does not work ({error.answer.cause}).") from error

    def _account(
        self, handshake: Handshake, tokens: TokenSet, summary: Organization | None
    ) -> Account:
        return Account(
            name=handshake.account,
            client_id=handshake.client_id,
            organization=summary.organization if summary else None,
            contact_email=summary.contact_email if summary else None,
            encoded_account_id=summary.encoded_account_id if summary else None,
            connected_at=timestamp(self.now()),
            connected_by=handshake.by,
            login=tokens.login(),
        )

    def _checks(self, account: Account, tokens: TokenSet, seen: _Seen) -> Iterator[Check]:
        yield checks.refresh_token_present()
        yield checks.scopes_granted(tokens.scopes())
        yield checks.privileges_held(seen.privileges)
        yield checks.summary_read(seen.summary)
        yield checks.lists_read(seen.lists)
        yield self._refresh_once(account)
        yield checks.clock(seen.clock_ahead)

    def _refresh_once(self, account: Account) -> Check:
        own_key = account.client_id != self.applications.default.client_id
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
            yield problem(
                "forms",
                "Its forms",
                "These forms still name lists of the account that was connected before:"
                f" {', '.join(forms)}.",
                "Make them again with: relay forms add FORM --replace",
            )

    def _token(self, name: str) -> Token:
        try:
            return self.vault.current(name)
        except TokenError as error:
            raise Refused(f"{name} was disconnected again at this very moment.") from error

    # --- applications

    def known(self, application: Application | None) -> Application:
        """Return the application to connect with, by default the settings', after making sure
        that its secret can be found again."""
        default = self.applications.default
        if application is None or application == default:
            return default
        if application.client_id == default.client_id:
            raise Refused(
                "This is the API key in CTCT_CLIENT_ID, but with another secret. A new one belongs"
                " into CTCT_CLIENT_SECRET."
            )
        before = self.applications.find(application.client_id)
        if before == application:
            return application
        if before is not None:
            self._check_secret(application)
        self.applications.keep(application)
        return application

    def _check_secret(self, application: Application) -> None:
        """Raise `Refused` unless the secret is right: other accounts live by the one before."""
        try:
            self.call(application, lambda endpoint: endpoint.refresh(_NO_TOKEN))
        except InvalidGrant:
            return  # so the secret was looked at before, and is right
        except OAuthError as error:
            raise ConnectFailed(
                f"Another secret is known for this API key, and which one is right could not be"
                f" asked ({error}). Nothing was changed; try again later."
            ) from error

    def application(self, client_id: str) -> Application:
        """Return the application that a handshake was begun with."""
        application = self.applications.find(client_id)
        if application is None:
            raise Refused(
                "The API key that this was begun with is not known any more. Begin again."
            )
        return application

    # --- talking to Constant Contact

    def ask(self, client_id: str, read: Callable[[ConstantContact], T]) -> T:
        """Use the API; only `Unauthorized` passes as it is."""
        with contextlib.closing(self.api(client_id)) as api:
            try:
                return read(api)
            except Unauthorized:
                raise
            # A `Refused` is the pacer's: the day's requests are spent, or the key has to rest.
            except (ApiUnavailable, Refused) as error:
                raise ConnectFailed(
                    f"{_begun_large(error)}. Nothing was changed; try again later."
                ) from error
            except ApiError as error:
                raise Refused(f"{error}.") from error

    def call(self, application: Application, call: Callable[[TokenEndpoint], TokenSet]) -> TokenSet:
        """Use the token endpoint once; what it says of the grant passes as it is."""
        try:
            with self.oauth(application).endpoint(CALL_DEADLINE) as endpoint:
                return call(endpoint)
        except InvalidClient as error:
            own = application != self.applications.default
            raise Refused(problems.of_client(error, own_key=own)) from error
        except TokenUnavailable as error:
            raise TokenEndpointFailed(str(error)) from error


def refresh_token_of(tokens: TokenSet) -> str:
    """Return the refresh token; raises `Refused` when there is none."""
    if tokens.refresh_token is None:
        raise Refused(
            "There is no refresh token, so the connection would end within a day. The scope"
            " offline_access brings one; check that the application may use it."
        )
    return tokens.refresh_token


def _look(api: ConstantContact, access_token: str) -> _Seen:
    return _Seen(
        privileges=api.privileges(access_token),
        summary=_unless_forbidden(lambda: api.summary(access_token)),
        lists=_unless_forbidden(lambda: api.lists(access_token)),
        clock_ahead=api.clock_ahead,
    )


def _unless_forbidden(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Forbidden:
        return None


def _begun_large(error: Exception) -> str:
    said = str(error)
    return said[:1].upper() + said[1:]


def _check_client_may_write(seen: _Seen) -> None:
    """Raise `Refused` for a login that is of no use, so that the link stays good for another."""
    if NEEDED_PRIVILEGE not in seen.privileges:
        raise Refused(
            "This login may not add contacts, so nothing was connected. Please open the link once"
            " more, and log in as the account's owner or as an account manager."
        )


def _check_same(before: Account, summary: Organization | None, handshake: Handshake) -> None:
    """Raise `AnotherAccount` when the name may now stand for another account than `before`."""
    if before.encoded_account_id is None:
        return
    found = summary.encoded_account_id if summary else None
    if found == before.encoded_account_id:
        return
    whose = summary.organization or found if summary else None
    belongs = f"belongs to {whose}" if whose else "does not say whose account it is"
    raise AnotherAccount(
        f"{before.name} is connected to {before.organization or before.encoded_account_id}, but"
        f" this login {belongs}. Nothing was changed. {problems.another_account(handshake)}",
        before=before,
        found=whose,
        via=handshake.via,
    )
