"""Keeps every account's access token fresh, so that of any number of processes exactly one asks.

A rotating refresh token works once, and a second use may end the whole connection. So:

1. Whoever wants a newer token takes the account's lock, or waits until the token has
   changed or the lock is free. Whoever got the lock reads again: perhaps it is done.
2. The intention is written down before the call, while the lock is still ours. The call's
   deadline is shorter than the lock's life.
3. The new pair is stored only if the refresh token spent for it is still the stored one
   (else someone has connected anew), is on disk where the server can tell, and only then
   used. The old pair is kept until the new one has worked, but never sent again.
4. An answer that never came leaves the outcome open: the same refresh token is sent again,
   after a pause that grows with each failure.
5. `invalid_grant` proves revocation only when no other call can still bring the pair. Then
   the token is marked, and nobody sends it again.

The vault sets no holds: its callers do, by the errors it raises.
"""

import hashlib
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.constant_contact.oauth import (
    InvalidClient,
    InvalidGrant,
    OAuth,
    TokenEndpointFailed,
    TokenSet,
)
from shared.domain.errors import LedgerUnavailable, NotConnected, Revoked, TokenUnavailable
from shared.ledger.tokens import SealedPair, StoredTokens, TokenLedger, TokenPace
from shared.sealing import Sealer

log = logging.getLogger(__name__)

# From the moment the intention is written down: the call, then a Redis that is slow to store.
CALL_DEADLINE = timedelta(seconds=20)
INTENTION_LIFE = timedelta(seconds=25)
LOCK_LIFE = timedelta(seconds=30)
# A whole turn of someone else: a slot ten seconds away, the call, storing.
LONGEST_WAIT = timedelta(seconds=35)
POLL = timedelta(milliseconds=50)
# A rotated pair that is not stored is lost, and the connection with it; a restart of Redis
# takes less than this.
KEEP_STORING = timedelta(minutes=2)

MARGIN = timedelta(minutes=5)
LOOK_EVERY = timedelta(minutes=1)

Stale = Callable[[StoredTokens], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token, as good as Redis knows. `scopes` is None when the token does not tell."""

    access: str = field(repr=False)
    version: int
    received_at: datetime
    expires_at: datetime
    scopes: frozenset[str] | None


class TokenVault:
    """The tokens of all accounts that were connected with one API key. Safe between threads.

    Every method raises `NotConnected` and `LedgerUnavailable`; those that may refresh also
    `Revoked` and `TokenUnavailable`.
    """

    def __init__(
        self,
        tokens: TokenLedger,
        oauth: OAuth,
        sealer: Sealer,
        *,
        client_id: str,
        refresh_after: timedelta,
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
        call_deadline: timedelta = CALL_DEADLINE,
        lock_life: timedelta = LOCK_LIFE,
    ) -> None:
        self._tokens = tokens
        self._oauth = oauth
        self._sealer = sealer
        self._client_id = client_id
        self._refresh_after = refresh_after
        self._now = now
        self._sleep = sleep
        self._call_deadline = call_deadline
        self._lock_life = lock_life
        self._opened: dict[str, tuple[str, str]] = {}
        self._worked: dict[str, int] = {}
        self._refused: dict[str, int] = {}

    def current(self, account: str) -> Token:
        """Return the stored token, whatever its state."""
        return self._opened_token(account, self._read(account))

    def fresh(self, account: str) -> Token:
        """Return a token that is good for a while yet, refreshing it first if need be.

        One that is nearly over is still used while no newer one can be had; one that the API
        has refused is not.
        """
        refused = self._refused.get(account)
        try:
            return self._newer(
                account, lambda stored: stored.version == refused or _nearly_over(stored)
            )
        except TokenUnavailable:
            stored = self._read(account)
            if stored.left > timedelta(0) and stored.version != refused:
                return self._opened_token(account, stored)
            raise

    def renew(self, account: str, refused_version: int) -> Token:
        """Return another token than the one that was refused with a 401."""
        self._refused[account] = refused_version
        return self._newer(account, lambda stored: stored.version == refused_version)

    def refresh_due(self, account: str) -> bool:
        """Refresh the token if it is time; True when it is another one now."""
        before = self._read(account).version
        return self._newer(account, self._due).version != before

    def in_trouble(self, account: str) -> bool:
        """Whether the stored refresh token is revoked, or the last try to use it failed."""
        stored = self._read(account)
        return stored.revoked or stored.failures > 0

    def worked(self, account: str, version: int) -> None:
        """Note that the API accepted the token; asks Redis only once for each version."""
        if self._worked.get(account) != version:
            self._tokens.worked(account, version)
            self._worked[account] = version

    def adopt(self, account: str, tokens: TokenSet, *, spent: str | None = None) -> Token:
        """Store the tokens of a new connection in place of any others.

        `spent` is the refresh token that was given for them, which must never be sent again.
        """
        digest = _digest(spent) if spent else ""
        self._tokens.store(account, self._sealed(tokens), spent=digest)
        return self.current(account)

    def has_replaced(self, account: str, refresh_token: str) -> bool:
        """Whether a stored newer token came from this one, which must never be sent again."""
        return self._tokens.was_spent(account, _digest(refresh_token))

    # --- the one way to a newer token

    def _newer(self, account: str, stale: Stale) -> Token:
        """Return the stored token once it is not `stale`, refreshing it if nobody else does."""
        holder = secrets.token_hex(8)
        give_up_at = time.monotonic() + LONGEST_WAIT.total_seconds()
        while stale(stored := self._read(account)):
            _check_askable(stored)
            if time.monotonic() > give_up_at:
                raise TokenUnavailable("another process is refreshing the token and is not done")
            if not self._tokens.lock(account, holder, self._lock_life):
                self._sleep(POLL.total_seconds())
                continue
            try:
                self._refresh(account, holder, stale)
            finally:
                self._tokens.unlock(account, holder)
        return self._opened_token(account, stored)

    def _refresh(self, account: str, call: str, stale: Stale) -> None:
        """Refresh the token under the lock, unless that has been done by now."""
        stored = self._read(account)
        if not stale(stored):
            return
        _check_askable(stored)
        refresh_token = self._sealer.open(stored.refresh)
        try:
            with self._oauth.endpoint(self._call_deadline) as endpoint:
                if not self._begin(account, call, stored.version):
                    return
                tokens = endpoint.refresh(refresh_token)
        except InvalidGrant as error:
            self._judge(account, call, stored, error)
        except (InvalidClient, TokenEndpointFailed) as error:
            self._tokens.failed(account, call, stored.digest)
            log.warning("token refresh failed: %s", error, extra={"account": account})
            raise TokenUnavailable(str(error), self._read(account).retry_at) from error
        else:
            self._store(account, call, tokens, spent=stored.digest)

    def _begin(self, account: str, call: str, version: int) -> bool:
        return self._tokens.begin(
            account,
            call,
            version,
            lock_life=self._lock_life,
            deadline=self._call_deadline + INTENTION_LIFE - CALL_DEADLINE,
        )

    def _judge(self, account: str, call: str, sent: StoredTokens, error: InvalidGrant) -> None:
        """Say what an invalid_grant means; returns when newer tokens are stored by now."""
        match self._tokens.refused(account, call, sent.digest):
            case "revoked":
                log.error("refresh token revoked", extra={"account": account})
                raise Revoked(str(error)) from error
            case "contested":
                raise TokenUnavailable(
                    "the refresh token was refused while another process was using it",
                    self._read(account).retry_at,
                ) from error

    def _store(self, account: str, call: str, tokens: TokenSet, *, spent: str) -> None:
        """Store the refreshed pair, however long Redis is away: nobody else has it."""
        pair = self._sealed(tokens)
        give_up_at = time.monotonic() + KEEP_STORING.total_seconds()
        while True:
            try:
                version = self._tokens.renew(account, call, pair, spent=spent)
                break
            except LedgerUnavailable:
                if time.monotonic() > give_up_at:
                    log.critical("refreshed tokens could not be stored", extra={"account": account})
                    raise
                log.error("refreshed tokens not stored yet", extra={"account": account})
                self._sleep(1.0)
        if version is None:
            log.warning("refreshed tokens came too late", extra={"account": account})
        else:
            log.info("token refreshed", extra={"account": account, "version": version})

    # --- what is stored

    def _read(self, account: str) -> StoredTokens:
        stored = self._tokens.read(account)
        if stored is None:
            raise NotConnected(f"{account} is not connected; run: relay connect {account} --url")
        if stored.client_id != self._client_id:
            raise NotConnected(
                f"{account} was connected with another API key than CTCT_CLIENT_ID;"
                f" put that one back, or run: relay connect {account} --url"
            )
        return stored

    def _opened_token(self, account: str, stored: StoredTokens) -> Token:
        """Return the token with its access token opened, which is done once for each version."""
        sealed, access = self._opened.get(account, ("", ""))
        if sealed != stored.access:
            access = self._sealer.open(stored.access)
            self._opened[account] = (stored.access, access)
        return Token(
            access=access,
            version=stored.version,
            received_at=stored.received_at,
            expires_at=stored.expires_at,
            scopes=stored.scopes,
        )

    def _sealed(self, tokens: TokenSet) -> SealedPair:
        if tokens.refresh_token is None:
            raise ValueError("tokens without a refresh token cannot be kept fresh")
        return SealedPair(
            access=self._sealer.seal(tokens.access_token),
            refresh=self._sealer.seal(tokens.refresh_token),
            digest=_digest(tokens.refresh_token),
            life=tokens.life(self._now()),
            scopes=tokens.scopes(),
            client_id=self._client_id,
        )

    def _due(self, stored: StoredTokens) -> bool:
        return stored.age >= self._refresh_after or stored.left < stored.life / 2


def look_at_tokens_every(refresh_after: timedelta) -> timedelta:
    """Return how often `refresh_due` is to be called for each account."""
    return min(LOOK_EVERY, refresh_after / 4)


def wait_for_slot(pace: TokenPace, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait for this call's turn at the token endpoint; the `grant` of an `OAuth`."""
    wait = pace.reserve()
    if wait is None:
        raise TokenUnavailable("the tokens of many other accounts are refreshed first")
    sleep(wait.total_seconds())


def _digest(refresh_token: str) -> str:
    return hashlib.sha256(refresh_token.encode()).hexdigest()


def _nearly_over(stored: StoredTokens) -> bool:
    return stored.left < min(stored.life * 0.05, MARGIN)


def _check_askable(stored: StoredTokens) -> None:
    """Raise when the token endpoint must not be asked with these tokens, or not now."""
    if stored.revoked:
        raise Revoked("the refresh token was refused; someone must connect the account again")
    if stored.retry_at and stored.read_at < stored.retry_at:
        raise TokenUnavailable("the token endpoint failed a moment ago", stored.retry_at)
