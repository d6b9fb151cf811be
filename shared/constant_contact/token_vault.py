"""Keeps every account's access token fresh. Of any number of processes, exactly one refreshes.

A rotating refresh token works once, and a second use may end the whole connection. So:

1. A process that needs a newer token takes the account's lock, or waits until the token has
   changed or the lock is free. With the lock, it reads again: another process may have refreshed.
2. It writes down its intention before the call, while it still has the lock. From then on, the
   lock lasts longer than the call and the storing of its result can take.
3. It stores the new pair only if the refresh token that was spent is still the stored one; if
   not, somebody has connected the account again. It uses the new pair only after the server has
   it on disk, where the server can tell. The old pair stays until the new one has worked, but
   is never sent again.
4. If no answer comes, the outcome is unknown. The same refresh token is sent again, after a
   pause that grows with each failure.
5. `invalid_grant` proves revocation only when no other call can still bring the pair. Then the
   token is marked, and nobody sends it again.
6. A copy of the ledger, such as for staging, refreshes nothing: that would end the connection of
   the original. The tokens name the installation that keeps them fresh.
7. Tokens go only to the API and the authorization server that they were got from. The tokens name
   both. Older ones, which do not, are taken to be from those that are configured, once.

The vault sets no holds. Its callers do that, by the errors that it raises.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.constant_contact.errors import InvalidClient, InvalidGrant, TokenEndpointFailed
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.running_calls import RunningCalls
from shared.constant_contact.token_set import TokenSet
from shared.domain.errors import (
    LedgerUnavailable,
    NotConnected,
    NotOurs,
    OtherOrigin,
    Revoked,
    TokenUnavailable,
)
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.sealing import Sealer
from shared.ledger.stores.token_store import (
    Owner,
    Replacement,
    SealedPair,
    StoredTokens,
    TokenLedger,
    TokenPace,
)

log = logging.getLogger(__name__)

# Until the intention is written down: connecting, then waiting up to ten seconds for a slot.
LOCK_LIFE = timedelta(seconds=30)
# If writing the intention took longer, another process may have the lock by now.
BEGIN_DEADLINE = timedelta(seconds=5)
CALL_DEADLINE = timedelta(seconds=20)
# For another process to refresh: waiting for a slot, and the call. Storing may take longer while
# Redis is away; then the account is on hold, and its probe sees the new token.
LONGEST_WAIT = timedelta(seconds=35)
POLL = timedelta(milliseconds=50)
# A rotated pair that is not stored is lost, and the connection with it. A restart of Redis takes
# less than this. The last try may begin just before the end.
KEEP_STORING = timedelta(minutes=2)
LAST_TRY = timedelta(seconds=10)

MARGIN = timedelta(minutes=5)
LOOK_EVERY = timedelta(minutes=1)

Stale = Callable[[StoredTokens], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token, as Redis has it. `scopes` is None when the token does not list them."""

    access: str = field(repr=False)
    version: int
    received_at: datetime
    expires_at: datetime
    scopes: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A token in memory, as it was sealed, and until when it is fresh by the monotonic clock."""

    sealed: str = field(repr=False)
    token: Token
    fresh_until: float


@dataclass(eq=False, repr=False)
class TokenVault:
    """The tokens of all accounts. Safe between threads.

    `oauth` returns the authorization server for an API key, None when its secret is not known;
    `origin` is what it belongs to; `instance` is the name of this installation. Every method raises
    `NotConnected`, `OtherOrigin` and `LedgerUnavailable`; those that may refresh also `Revoked` and
    `TokenUnavailable`, of which `NotOurs` is one.
    """

    tokens: TokenLedger
    oauth: Callable[[str], OAuth | None]
    sealer: Sealer
    origin: TokenOrigin
    instance: str
    refresh_after: timedelta
    now: Callable[[], datetime]
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    call_deadline: timedelta = CALL_DEADLINE
    keep_storing: timedelta = KEEP_STORING
    _opened: dict[str, "_Opened"] = field(default_factory=dict, init=False)
    _worked: dict[str, int] = field(default_factory=dict, init=False)
    _refused: dict[str, int] = field(default_factory=dict, init=False)
    _calls: RunningCalls = field(default_factory=RunningCalls, init=False)

    def stored_token(self, account: str) -> Token:
        """Return the stored token, whatever its state."""
        return self._opened_token(account, self._read(account))

    def fresh(self, account: str) -> Token:
        """Return a token that stays valid for a while, refreshing it first if necessary.

        A token that expires soon is still used while there is no newer one, even when there never
        will be. A token that the API has refused is not.
        """
        refused = self._refused.get(account)
        try:
            return self._newer(
                account, lambda stored: stored.version == refused or _nearly_over(stored)
            )
        except (Revoked, TokenUnavailable):
            stored = self._read(account)
            if stored.left > timedelta(0) and stored.version != refused:
                return self._opened_token(account, stored)
            raise

    def at_hand(self, account: str, version: int | None = None) -> Token:
        """Return a token as `fresh` does, from this process' memory while the one there is fresh.

        Another process may have renewed it since. `version` is what the ledger has by now: if that
        is another one, `fresh` is asked. Both versions work, unless the account was disconnected.
        """
        opened = self._opened.get(account)
        if (
            opened is None
            or opened.token.version == self._refused.get(account)
            or version not in (None, opened.token.version)
            or self.monotonic() >= opened.fresh_until
        ):
            return self.fresh(account)
        return opened.token

    def renew(self, account: str, refused_version: int) -> Token:
        """Return another token than the one that the API refused with a 401."""
        self._refused[account] = refused_version
        try:
            return self._newer(account, lambda stored: stored.version == refused_version)
        except Revoked:
            self.note_access_refused(account, refused_version)
            raise

    def note_access_refused(self, account: str, version: int) -> None:
        """Note that the API refuses the access token of a revoked pair: nothing works any more."""
        self.tokens.access_refused(account, version)

    def find_due(self, accounts: Iterable[str]) -> list[str]:
        """Return those of `accounts` for which `refresh_due` has something to do."""
        return self.tokens.find_due(
            accounts, self._owner(), origin=self.origin, refresh_after=self.refresh_after
        )

    def refresh_due(self, account: str) -> bool:
        """Refresh the token if it is due; True when it has changed."""
        before = self._read(account)
        self._keep_owner(account, before)
        return self._newer(account, self._due).version != before.version

    def has_failed(self, account: str) -> bool:
        """Whether the stored refresh token is revoked, or the last try to use it failed."""
        stored = self._read(account)
        return stored.revoked or stored.failures > 0

    def refresh(self, account: str) -> Token:
        """Refresh the token now, to prove that refreshing works."""
        before = self._read(account).version
        return self._newer(account, lambda stored: stored.version == before)

    def stored(self, account: str) -> StoredTokens:
        """Return what is stored about the account's tokens; the tokens themselves are sealed."""
        return self._read(account)

    def stored_of(self, accounts: Iterable[str]) -> Iterator[StoredTokens | None]:
        """Yield what is stored about each account's tokens; None for `NotConnected`."""
        for stored in self.tokens.read_all(accounts):
            usable = stored and (self.is_elsewhere(stored) or self.oauth(stored.client_id))
            yield stored if usable else None

    def next_refresh(self, stored: StoredTokens) -> datetime:
        """Return when the tokens are due to be refreshed."""
        return stored.received_at + min(self.refresh_after, stored.life / 2)

    def is_foreign(self, stored: StoredTokens) -> bool:
        """Whether another installation keeps these tokens fresh, so that this one must not.

        A process of the same installation with another name is recognized by its Redis server.
        """
        owner = stored.owner
        if owner is None or owner.instance == self.instance:
            return False
        return not owner.server or owner.server != self.tokens.server()

    def has_key(self, client_id: str) -> bool:
        """Whether the secret of this API key is known for the server that is configured."""
        return self.oauth(client_id) is not None

    def is_elsewhere(self, stored: StoredTokens) -> bool:
        """Whether the tokens were got at other addresses than are configured."""
        return stored.origin is not None and str(stored.origin) != str(self.origin)

    def move(self, account: str) -> TokenOrigin | None:
        """Have the tokens sent to the addresses that are configured now; return those before, None
        when they are from these."""
        stored = self._of_any_origin(account)
        if not self.is_elsewhere(stored):
            return None
        moved = self.tokens.set_origin(account, stored.origin, self.origin)
        return stored.origin if moved else None

    def claim_ownership(self, account: str) -> None:
        """Make this installation the one that keeps the tokens fresh."""
        self._read(account)
        self.tokens.own(account, self._owner())

    def forget(self, account: str) -> bool:
        """Forget the account's tokens; False when there were none."""
        return self.tokens.forget(account)

    def worked(self, account: str, version: int) -> None:
        """Note that the API accepted the token; uses Redis only once for each version."""
        if self._worked.get(account) != version:
            self.tokens.worked(account, version)
            self._worked[account] = version

    def store(
        self,
        account: str,
        tokens: TokenSet,
        *,
        client_id: str,
        spent: str | None = None,
        replacement: Replacement | None = None,
    ) -> Token:
        """Store the tokens of a new connection in place of any others.

        `client_id` is the API key that they belong to. `spent` is the refresh token that was
        exchanged for them, which must never be sent again. `replacement` says that they are those
        of another account than before.
        """
        digest = _digest(spent) if spent else ""
        pair = self._sealed(tokens, client_id)
        self.tokens.store(
            account,
            pair,
            self._owner(),
            origin=self.origin,
            spent=digest,
            replacement=replacement,
        )
        return self.stored_token(account)

    def has_replaced(self, account: str, refresh_token: str) -> bool:
        """Whether a stored newer token replaced this one, which must never be sent again."""
        return self.tokens.was_spent(account, _digest(refresh_token))

    def has(self, account: str, refresh_token: str) -> bool:
        """Whether this is the refresh token that the account has now."""
        stored = self.tokens.read(account)
        return stored is not None and stored.digest == _digest(refresh_token)

    def wait_for_calls(self) -> bool:
        """Wait until no thread of this process is getting or storing a new pair, three minutes at
        most; False when none was."""
        return self._calls.wait()

    # --- the one way to a newer token

    def _newer(self, account: str, stale: Stale) -> Token:
        """Return the stored token once it is not `stale`; refresh it if nobody else does."""
        holder = secrets.token_hex(8)
        give_up_at = self.monotonic() + LONGEST_WAIT.total_seconds()
        while stale(stored := self._read(account)):
            self._check_askable(account, stored)
            if self.monotonic() > give_up_at:
                raise TokenUnavailable(
                    "another process is refreshing the token and has not finished"
                )
            if not self.tokens.lock(account, holder, LOCK_LIFE):
                self.sleep(POLL.total_seconds())
                continue
            try:
                with self._calls.counted():
                    self._refresh(account, holder, stale)
            finally:
                self.tokens.unlock(account, holder)
        return self._opened_token(account, stored)

    def _refresh(self, account: str, call: str, stale: Stale) -> None:
        """Refresh the token under the lock, unless another process has done so."""
        stored = self._read(account)
        if not stale(stored):
            return
        self._check_askable(account, stored)
        refresh_token = self.sealer.open(stored.refresh)
        try:
            with self._oauth_of(account, stored).endpoint(self.call_deadline) as endpoint:
                if not self._begin(account, call, stored.version):
                    return
                tokens = endpoint.refresh(refresh_token)
        except InvalidGrant as error:
            self._handle_invalid_grant(account, call, stored, error)
        except (InvalidClient, TokenEndpointFailed) as error:
            self.tokens.failed(account, call, stored.version, str(error))
            log.warning("token refresh failed: %s", error, extra={"account": account})
            raise TokenUnavailable(str(error), self._read(account).retry_at) from error
        else:
            self._store_renewed(account, call, tokens, stored)

    def _begin(self, account: str, call: str, version: int) -> bool:
        """Write the intention down; False when the call must not be made.

        From then on, lock and intention last until the call can no longer bring a pair. If the
        lock ended while Redis is away and the pair waits to be stored, another process would send
        the token that was spent. A process that was frozen in between does not know what others
        have done meanwhile, and reads again.
        """
        life = BEGIN_DEADLINE + self.call_deadline + self.keep_storing + LAST_TRY
        asked_at = self.monotonic()
        begun = self.tokens.begin(account, call, version, life)
        return begun and self.monotonic() < asked_at + BEGIN_DEADLINE.total_seconds()

    def _handle_invalid_grant(
        self, account: str, call: str, sent: StoredTokens, error: InvalidGrant
    ) -> None:
        """Raise what an invalid_grant means; returns when newer tokens are stored by now."""
        match self.tokens.refused(account, call, sent.digest):
            case "revoked":
                log.error("refresh token revoked", extra={"account": account})
                raise Revoked(str(error)) from error
            case "contested":
                raise TokenUnavailable(
                    "the refresh token was refused while another process was using it",
                    self._read(account).retry_at,
                ) from error

    def _store_renewed(
        self, account: str, call: str, tokens: TokenSet, spent: StoredTokens
    ) -> None:
        """Store the new pair, `tokens`, for the pair that was `spent`. No other process has it, so
        this retries while Redis is away."""
        pair = self._sealed(tokens, spent.client_id)
        give_up_at = self.monotonic() + self.keep_storing.total_seconds()
        while True:
            try:
                owner = self._owner()
                version = self.tokens.renew(account, call, pair, owner, spent=spent)
                break
            except LedgerUnavailable:
                if self.monotonic() > give_up_at:
                    log.critical("refreshed tokens could not be stored", extra={"account": account})
                    raise
                log.error("refreshed tokens not stored yet", extra={"account": account})
                self.sleep(1.0)
        if version is None:
            log.warning("refreshed tokens came too late", extra={"account": account})
        else:
            log.info("token refreshed", extra={"account": account, "version": version})

    # --- what is stored

    def _of_any_origin(self, account: str) -> StoredTokens:
        stored = self.tokens.read(account)
        if stored is None:
            raise NotConnected(f"{account} is not connected; run: relay connect {account}")
        return stored

    def _read(self, account: str) -> StoredTokens:
        stored = self._of_any_origin(account)
        if stored.origin is None:
            # Whoever is first notes it, and everybody else goes by that.
            self.tokens.set_origin(account, None, self.origin)
            return self._read(account)
        if self.is_elsewhere(stored):
            raise OtherOrigin(_other_origin(account, stored.origin, self.origin))
        self._oauth_of(account, stored)
        return stored

    def _oauth_of(self, account: str, stored: StoredTokens) -> OAuth:
        oauth = self.oauth(stored.client_id)
        if oauth is None:
            raise NotConnected(
                f"{account} was connected with another API key than CTCT_CLIENT_ID;"
                f" put that one back, or run: relay connect {account}"
            )
        return oauth

    def _owner(self) -> Owner:
        return Owner(self.instance, self.tokens.server())

    def _keep_owner(self, account: str, stored: StoredTokens) -> None:
        """Write down where this installation is now, if the tokens are its own. Redis may have been
        restarted, and older versions wrote nothing down."""
        owner = self._owner()
        if owner != stored.owner and (not stored.owner or stored.owner.instance == owner.instance):
            self.tokens.own(account, owner)

    def _check_askable(self, account: str, stored: StoredTokens) -> None:
        """Raise when these tokens must not be sent to the token endpoint, or not now."""
        if stored.revoked:
            raise Revoked("Constant Contact refused the refresh token; connect the account again")
        if stored.owner and self.is_foreign(stored):
            raise NotOurs(
                f"the installation {stored.owner.instance} keeps the tokens of {account} fresh, and"
                f" this one is {self.instance}. If this one is a copy, connect another account. If"
                f" it has replaced the other, run: relay accounts take-over {account}"
            )
        if stored.retry_at and stored.read_at < stored.retry_at:
            raise TokenUnavailable(
                "the last token refresh failed; the next try comes within five minutes",
                stored.retry_at,
            )

    def _opened_token(self, account: str, stored: StoredTokens) -> Token:
        """Return the token with its access token opened; each version is opened once."""
        token = Token(
            access=self._access(account, stored.access),
            version=stored.version,
            received_at=stored.received_at,
            expires_at=stored.expires_at,
            scopes=stored.scopes,
        )
        fresh_for = stored.left - _margin(stored)
        fresh_until = self.monotonic() + fresh_for.total_seconds()
        self._opened[account] = _Opened(stored.access, token, fresh_until)
        return token

    def _access(self, account: str, sealed: str) -> str:
        opened = self._opened.get(account)
        if opened and opened.sealed == sealed:
            return opened.token.access
        return self.sealer.open(sealed)

    def _sealed(self, tokens: TokenSet, client_id: str) -> SealedPair:
        if tokens.refresh_token is None:
            raise ValueError("tokens without a refresh token cannot be kept fresh")
        return SealedPair(
            access=self.sealer.seal(tokens.access_token),
            refresh=self.sealer.seal(tokens.refresh_token),
            digest=_digest(tokens.refresh_token),
            life=tokens.life(self.now()),
            scopes=tokens.scopes(),
            client_id=client_id,
        )

    def _due(self, stored: StoredTokens) -> bool:
        return stored.age >= self.refresh_after or stored.left < stored.life / 2


def look_at_tokens_every(refresh_after: timedelta) -> timedelta:
    """Return how often `refresh_due` is to be called for each account."""
    return min(LOOK_EVERY, refresh_after / 4)


def wait_for_slot(pace: TokenPace, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait for a slot at the token endpoint; this is the `grant` of an `OAuth`."""
    wait = pace.reserve()
    if wait is None:
        raise TokenUnavailable("the tokens of many other accounts are being refreshed first")
    sleep(wait.total_seconds())


def _other_origin(account: str, origin: TokenOrigin, configured: TokenOrigin) -> str:
    """Return what it means that tokens were got at `origin`, and what to do."""
    return (
        f"{account} has tokens from {origin.told_from(configured)}, and CTCT_API_URL and"
        f" CTCT_AUTH_URL name {configured.told_from(origin)} now, so nothing is sent there. Put the"
        f" former addresses back, or run: relay connect {account}. If Constant Contact has moved"
        f" there, run: relay accounts move-tokens {account}"
    )


def _digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _nearly_over(stored: StoredTokens) -> bool:
    return stored.left < _margin(stored)


def _margin(stored: StoredTokens) -> timedelta:
    return min(stored.life * 0.05, MARGIN)
