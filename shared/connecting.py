"""Use case: connect an account, in the browser or with tokens that someone already has.

Connecting again under the same name renews the connection. The account behind a name
changes only when that is asked for: forms name lists, and lists belong to one account.
"""

import contextlib
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol, TypeVar

import redis

from shared.constant_contact.client import (
    AccountSummary,
    ApiError,
    ApiUnavailable,
    ConstantContact,
    ContactList,
    Forbidden,
    Unauthorized,
)
from shared.constant_contact.oauth import (
    InvalidClient,
    InvalidGrant,
    OAuth,
    TokenEndpoint,
    TokenEndpointFailed,
    TokenSet,
)
from shared.constant_contact.tokens import CALL_DEADLINE, Token, TokenVault
from shared.domain.account import NAME, Account, HoldReason
from shared.domain.errors import Refused, TokenUnavailable
from shared.domain.form import CustomField
from shared.domain.outcome import NEEDED_PRIVILEGE
from shared.ledger import keys
from shared.ledger.edge import unavailable_translated
from shared.ledger.registry import Registry
from shared.sealing import Sealer

STATE_LIFE = timedelta(minutes=15)
# Less than the 24 hours after which the access token among them is useless.
SPARE_LIFE = timedelta(hours=12)

T = TypeVar("T")


class ConnectFailed(Refused):
    """Constant Contact could not be asked; trying again may help."""


class Holds(Protocol):
    """Where an account's holds end."""

    def lift(self, account: str, reason: HoldReason) -> bool:
        """End the hold for `reason`, whose cause is gone; False when there was none."""


@dataclass(frozen=True, slots=True)
class Started:
    """Where to send the browser, and until when that works."""

    url: str
    redirect_uri: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection that was just made. `warnings` are whole sentences, for people to act on."""

    account: Account
    token: Token
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Begun:
    """What is remembered between `start` and `finish`."""

    account: str
    redirect_uri: str
    replace: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the API said about the account; None where it would not say."""

    privileges: frozenset[str]
    summary: AccountSummary | None
    lists: list[ContactList] | None


class Connecting:
    """Connects accounts, and reads their lists and fields with the tokens that it stored.

    Every failure is a `Refused` whose message says what to do; `ConnectFailed` when it
    is only that Constant Contact cannot be reached. Safe between threads: `api` makes a
    client for each use. `wake` tells the workers that an account may have something due.
    """

    def __init__(
        self,
        client: "redis.Redis",
        registry: Registry,
        vault: TokenVault,
        oauth: OAuth,
        sealer: Sealer,
        holds: Holds,
        *,
        api: Callable[[], ConstantContact],
        wake: Callable[[str], None],
        client_id: str,
        redirect_uri: str,
        now: Callable[[], datetime],
    ) -> None:
        self._client = client
        self._registry = registry
        self._vault = vault
        self._oauth = oauth
        self._sealer = sealer
        self._holds = holds
        self._api = api
        self._wake = wake
        self._client_id = client_id
        self._redirect_uri = redirect_uri
        self._now = now

    # --- in the browser

    def start(self, name: str, *, replace: bool = False) -> Started:
        """Return the URL at which the account's owner consents; it works once.

        With `replace`, another account than before may take the name.
        """
        check_name(name)
        state = secrets.token_urlsafe(32)
        begun = _Begun(name, self._redirect_uri, replace)
        with unavailable_translated():
            self._client.set(_state_key(state), json.dumps(asdict(begun)), ex=STATE_LIFE)
        return Started(
            url=self._oauth.authorization_url(self._redirect_uri, state),
            redirect_uri=self._redirect_uri,
            expires_at=self._now() + STATE_LIFE,
        )

    def finish(self, state: str, code: str) -> Connected:
        """Connect the account whose owner has consented: the callback's `state` and `code`."""
        begun = self._take(state)
        if begun is None:
            raise Refused(
                "This link has been used already, or is older than 15 minutes. If a page said"
                " that the account is connected, all is well. If not, get a new link with:"
                " relay connect NAME --url"
            )
        again = f"relay connect {begun.account} --url"
        try:
            tokens = self._call(lambda endpoint: endpoint.exchange_code(code, begun.redirect_uri))
        except InvalidGrant as error:
            raise Refused(
                "Constant Contact did not accept the code that it sent along: it works once, and"
                f" for five minutes. Get a new link with: {again}"
            ) from error
        except TokenEndpointFailed as error:
            raise ConnectFailed(
                f"Constant Contact could not be asked for tokens ({error}). Nothing was changed."
                f" Get a new link with: {again}"
            ) from error
        return self._connect(begun.account, tokens, replace=begun.replace)

    def abandon(self, state: str) -> str | None:
        """Forget what `start` began; return the account's name, None when unknown."""
        begun = self._take(state)
        return begun.account if begun else None

    def _take(self, state: str) -> _Begun | None:
        """Return what was begun with `state`, which works no more after this."""
        with unavailable_translated():
            stored = self._client.getdel(_state_key(state))
        return _Begun(**json.loads(stored)) if stored else None

    # --- with tokens from elsewhere

    def with_tokens(
        self, name: str, given: Mapping[str, Any], *, replace: bool = False
    ) -> Connected:
        """Connect with ``{"access_token", "refresh_token", "expires_in"}``, once they work."""
        check_name(name)
        tokens = TokenSet.from_json(given)
        if tokens is None:
            raise Refused('There is no "access_token" in what was given.')
        refresh_token = _refresh_token(tokens)
        self._check_unspent(refresh_token)
        working = self._working(tokens, refresh_token)
        spent = None if working is tokens else refresh_token
        connected = self._connect(name, working, replace=replace, spent=spent)
        with unavailable_translated():
            self._client.delete(_spare_key(refresh_token))
        return connected

    def _check_unspent(self, refresh_token: str) -> None:
        for account in self._registry.accounts():
            if self._vault.has_replaced(account.name, refresh_token):
                raise Refused(
                    f"These tokens have been refreshed since they were given: {account.name} has"
                    " newer ones, and the old refresh token must not be used again. Nothing was"
                    " changed."
                )

    def _working(self, tokens: TokenSet, refresh_token: str) -> TokenSet:
        """Return `tokens` if the API accepts them, else what one refresh gives."""
        try:
            self._ask(lambda api: api.privileges(tokens.access_token))
        except Unauthorized:
            return self._spare(refresh_token) or self._refreshed(refresh_token)
        return tokens

    def _refreshed(self, refresh_token: str) -> TokenSet:
        """Refresh, and keep the result in case connecting fails after that.

        Whoever gave a rotating token has only that one, which is spent now.
        """
        try:
            tokens = self._call(lambda endpoint: endpoint.refresh(refresh_token))
        except InvalidGrant as error:
            raise Refused(
                "Constant Contact refuses both tokens: they are too old, were used elsewhere, or"
                " belong to another API key. Nothing was changed."
            ) from error
        except TokenEndpointFailed as error:
            raise ConnectFailed(
                f"The access token is refused, and it could not be refreshed ({error})."
                " Nothing was changed; try again with the same tokens."
            ) from error
        spare = {
            "access_token": tokens.access_token,
            "refresh_token": tokens.refresh_token,
            "expires_in": tokens.life(self._now()).total_seconds(),
            "scope": tokens.scope,
        }
        with unavailable_translated():
            sealed = self._sealer.seal(json.dumps(spare))
            self._client.set(_spare_key(refresh_token), sealed, ex=SPARE_LIFE)
        return tokens

    def _spare(self, refresh_token: str) -> TokenSet | None:
        """Return what an earlier try to connect with this refresh token got for it."""
        with unavailable_translated():
            sealed = self._client.get(_spare_key(refresh_token))
        return TokenSet.from_json(json.loads(self._sealer.open(str(sealed)))) if sealed else None

    # --- both

    def _connect(
        self, name: str, tokens: TokenSet, *, replace: bool, spent: str | None = None
    ) -> Connected:
        """Look at the account behind the tokens, then store both."""
        _refresh_token(tokens)
        seen = self._look(tokens.access_token)
        before = self._registry.account(name)
        if before is not None and not replace:
            _check_same(before, seen.summary)
        account = self._account(name, seen.summary)
        token = self._vault.adopt(name, tokens, spent=spent)
        self._registry.save_account(account)
        self._holds.lift(name, HoldReason.RECONNECT)
        if NEEDED_PRIVILEGE in seen.privileges:
            self._holds.lift(name, HoldReason.FORBIDDEN)
        self._wake(name)
        return Connected(account, token, tuple(self._warnings(account, before, seen)))

    def _look(self, access_token: str) -> _Seen:
        try:
            return self._ask(lambda api: _look(api, access_token))
        except Unauthorized as error:
            raise Refused(f"The new access token does not work ({error.answer.cause}).") from error

    def _account(self, name: str, summary: AccountSummary | None) -> Account:
        return Account(
            name=name,
            client_id=self._client_id,
            organization=summary.organization if summary else None,
            contact_email=summary.contact_email if summary else None,
            encoded_account_id=summary.encoded_account_id if summary else None,
            connected_at=self._now().isoformat(timespec="seconds").replace("+00:00", "Z"),
        )

    def _warnings(self, account: Account, before: Account | None, seen: _Seen) -> list[str]:
        warnings = []
        if NEEDED_PRIVILEGE not in seen.privileges:
            warnings.append(
                f"This login may not write contacts (the privilege {NEEDED_PRIVILEGE} is missing),"
                " so every sign-up will wait. Connect again as the account's owner or a manager."
            )
        if seen.lists is None:
            warnings.append(
                "The contact lists cannot be read: the scope contact_data or the privilege"
                " contacts:lists:read is missing. Sign-ups need the former."
            )
        if before and before.encoded_account_id != account.encoded_account_id:
            forms = [form.name for form in self._registry.forms() if form.account == account.name]
            if forms:
                warnings.append(
                    "These forms still name lists of the account that was connected before:"
                    f" {', '.join(forms)}. Make them again with: relay forms add FORM --replace"
                )
        return warnings

    # --- reading with stored tokens

    def lists(self, name: str) -> list[ContactList]:
        """Return all contact lists of a connected account."""
        return self._read(name, lambda api, access_token: api.lists(access_token))

    def custom_fields(self, name: str) -> list[CustomField]:
        """Return all custom fields of a connected account."""
        return self._read(name, lambda api, access_token: api.custom_fields(access_token))

    def _read(self, name: str, read: Callable[[ConstantContact, str], T]) -> T:
        self._known(name)
        token = self._vault.fresh(name)
        try:
            return self._ask(lambda api: read(api, token.access))
        except Unauthorized:
            newer = self._vault.renew(name, token.version)
        return self._ask(lambda api: read(api, newer.access))

    def _known(self, name: str) -> None:
        if self._registry.account(name) is None:
            names = ", ".join(account.name for account in self._registry.accounts())
            raise Refused(
                f"There is no account {name!r}; there is: {names}."
                if names
                else f"There is no account {name!r} yet; run: relay connect {name} --url"
            )

    # --- talking to Constant Contact

    def _ask(self, read: Callable[[ConstantContact], T]) -> T:
        """Use the API; only `Unauthorized` passes as it is."""
        with contextlib.closing(self._api()) as api:
            try:
                return read(api)
            except Unauthorized:
                raise
            except ApiUnavailable as error:
                raise ConnectFailed(f"{error}. Nothing was changed; try again later.") from error
            except ApiError as error:
                raise Refused(f"{error}.") from error

    def _call(self, call: Callable[[TokenEndpoint], TokenSet]) -> TokenSet:
        """Use the token endpoint once; what it says of the grant passes as it is."""
        try:
            with self._oauth.endpoint(CALL_DEADLINE) as endpoint:
                return call(endpoint)
        except InvalidClient as error:
            raise Refused(f"{error}. Check both settings, then try again.") from error
        except TokenUnavailable as error:
            raise ConnectFailed(f"Not now: {error}. Try again in a minute.") from error


def check_name(name: str) -> None:
    """Raise `Refused` unless `name` can be an account's name."""
    if not NAME.fullmatch(name):
        raise Refused(
            f"{name!r} cannot be an account's name: at most 40 letters of a to z, digits, and"
            " . - _, the first of them a letter or digit."
        )


def _look(api: ConstantContact, access_token: str) -> _Seen:
    return _Seen(
        privileges=api.privileges(access_token),
        summary=_unless_forbidden(lambda: api.summary(access_token)),
        lists=_unless_forbidden(lambda: api.lists(access_token)),
    )


def _unless_forbidden(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except Forbidden:
        return None


def _check_same(before: Account, summary: AccountSummary | None) -> None:
    """Raise `Refused` when the name may now stand for another account than `before`."""
    if before.encoded_account_id is None:
        return
    found = summary.encoded_account_id if summary else None
    if found == before.encoded_account_id:
        return
    whose = summary.organization or found if summary else None
    problem = f"belongs to {whose}" if whose else "does not say whose account it is"
    raise Refused(
        f"{before.name} is connected to {before.organization or before.encoded_account_id}, but"
        f" this login {problem}. Nothing was changed. Log in to the right account, or add"
        " --replace to the command: lists and forms of the two have nothing in common."
    )


def _refresh_token(tokens: TokenSet) -> str:
    if tokens.refresh_token is None:
        raise Refused(
            "There is no refresh token, so the connection would end within a day. The scope"
            " offline_access brings one; check that the application may use it."
        )
    return tokens.refresh_token


def _state_key(state: str) -> str:
    return keys.CONNECTING + state


def _spare_key(refresh_token: str) -> str:
    return f"{keys.CONNECTING}spare:{hashlib.sha256(refresh_token.encode()).hexdigest()}"
