"""An account's tokens in Redis, sealed, and the steps by which exactly one process renews them.

`relay:{A}:tokens` has one pair and its version. `relay:{A}:token-lock` names the process that may
call the token endpoint. `relay:{A}:token-calls` has the calls under way, each until its answer
can no longer come, as the lock may be lost before that. `relay:{A}:token-spent` remembers the
digests of replaced refresh tokens. shared/constant_contact/token_vault.py explains how all this
works together. Every method raises `LedgerUnavailable` when Redis does not answer, and can be
repeated then.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import redis

from shared.domain.connection_end import (
    SECRET_REFUSED,
    ConnectionEnd,
    end_after_refusal,
    end_of_secret,
    end_without_use,
)
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.stored_records import RecordKind, read_one
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.redis_server.server_id import server_id
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import from_milliseconds, in_milliseconds, moment

_DISK_WAIT_MS = 1000

TokenRefusal = Literal["replaced", "contested", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedPair:
    """A pair of tokens as it goes into Redis; `digest` is that of the refresh token."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    digest: str
    life: timedelta
    scopes: frozenset[str] | None
    client_id: str


@dataclass(frozen=True, slots=True)
class Owner:
    """The installation that keeps tokens fresh, by its name, and the running server it uses."""

    instance: str
    server: str


@dataclass(frozen=True, slots=True)
class Replacement:
    """The name passed to another account: who did that, and what the one before was called. `at` is
    None until it is stored."""

    by: str
    before: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTokens:
    """A pair of tokens as Redis has it; all times, `read_at` too, are by Redis' clock.

    `worked` says that the API has accepted it, `revoked` that its refresh token is dead, so that
    nobody sends it again, `access_refused` that the API refuses the access token of a revoked pair.
    Nobody calls the token endpoint before `retry_at`.
    `kind` is "rotating" or "long-lived", None until a refresh has shown it. `owner` is None for
    tokens that were stored before owners were. `replacement` is the last one, if any. `origin` is
    None for tokens that were stored before it was.
    """

    version: int
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    digest: str
    received_at: datetime
    expires_at: datetime
    read_at: datetime
    scopes: frozenset[str] | None
    client_id: str
    worked: bool
    revoked: bool
    access_refused: bool
    failures: int
    failure: str | None
    retry_at: datetime | None
    previous: str | None = field(repr=False)
    kind: str | None
    refreshed_at: datetime | None
    owner: Owner | None
    replacement: Replacement | None
    origin: TokenOrigin | None

    @property
    def life(self) -> timedelta:
        return self.expires_at - self.received_at

    @property
    def left(self) -> timedelta:
        return self.expires_at - self.read_at

    @property
    def age(self) -> timedelta:
        return self.read_at - self.received_at

    @property
    def end(self) -> ConnectionEnd | None:
        """When the connection will end, if that is known; None also when it has ended."""
        if self.revoked:
            return end_after_refusal(
                now=self.read_at, expires_at=self.expires_at, access_refused=self.access_refused
            )
        if self.failure == SECRET_REFUSED:
            return end_of_secret(now=self.read_at, expires_at=self.expires_at)
        return end_without_use(now=self.read_at, used_at=self.received_at)


class TokenLedger:
    """The steps on accounts' tokens, each one script."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def read(self, account: str) -> StoredTokens | None:
        """Return the account's tokens; None when it has none, or none that can be read."""
        return _read(account, *self._scripts.run_for(account, "tokens/read"))

    def read_all(self, accounts: Iterable[str]) -> Iterator[StoredTokens | None]:
        """Yield the tokens of each account, or None when it has none."""
        names = list(accounts)
        answers = self._scripts.run_for_each(names, "tokens/read")
        for account, answer in zip(names, answers, strict=True):
            yield _read(account, *answer)

    def expiries(self, accounts: Sequence[str]) -> list[datetime | None]:
        """Return until when each account's access token works; None for one without tokens. Reads
        no token, so it costs far less than `read_all`."""
        with redis_errors_translated(), self._client.pipeline(transaction=False) as reads:
            for account in accounts:
                reads.hexists(f"{keys.account(account)}tokens", "access")
                reads.hget(f"{keys.account(account)}tokens", "expires_at")
            answers = reads.execute()
        return [
            read_one(RecordKind.TOKENS, account, partial(moment, expires_at)) if there else None
            for account, there, expires_at in zip(
                accounts, answers[::2], answers[1::2], strict=True
            )
        ]

    def find_due(
        self,
        accounts: Iterable[str],
        owner: Owner,
        *,
        origin: TokenOrigin,
        refresh_after: timedelta,
    ) -> list[str]:
        """Return those of `accounts` whose tokens need a look: most of all, as they are older than
        `refresh_after` or past half of their life."""
        answers = self._scripts.run_for_all(
            accounts,
            "tokens/find_due",
            refresh_after=refresh_after,
            instance=owner.instance,
            server=owner.server,
            origin=str(origin),
        )
        return [keys.account_of(prefix) for some in answers for prefix in some]

    def store(
        self,
        account: str,
        pair: SealedPair,
        owner: Owner,
        *,
        origin: TokenOrigin,
        spent: str,
        replacement: Replacement | None = None,
    ) -> int:
        """Store the tokens of a new connection in place of any others; return their version.

        They were got at `origin`. `spent` is the digest of the refresh token that they replace,
        empty when there is none.
        """
        stored = self._run_to_disk(
            account,
            "tokens/store",
            spent=spent or None,
            origin=str(origin),
            replaced_by=replacement.by if replacement else None,
            replaced=replacement.before if replacement else None,
            **_arguments(pair, owner),
        )
        return int(stored)

    def set_origin(self, account: str, before: TokenOrigin | None, origin: TokenOrigin) -> bool:
        """Note where the tokens were got, in place of `before`; False when that is not noted."""
        noted = self._scripts.run_for(
            account,
            "tokens/set_origin",
            before=str(before) if before else None,
            origin=str(origin),
        )
        return bool(noted)

    def own(self, account: str, owner: Owner) -> bool:
        """Make `owner` the one that keeps the tokens fresh; False when there are none."""
        return bool(
            self._scripts.run_for(
                account, "tokens/claim_ownership", instance=owner.instance, server=owner.server
            )
        )

    def forget(self, account: str) -> bool:
        """Forget the account's tokens; False when there were none."""
        return bool(self._run_to_disk(account, "tokens/forget"))

    def reseal(self, account: str, stored: StoredTokens, seal: Callable[[str], str]) -> bool:
        """Seal the `stored` tokens anew; False when others are stored by now."""
        resealed = self._run_to_disk(
            account,
            "tokens/reseal",
            access=stored.access,
            new_access=seal(stored.access),
            refresh=stored.refresh,
            new_refresh=seal(stored.refresh),
            previous=stored.previous,
            new_previous=seal(stored.previous) if stored.previous else None,
        )
        return bool(resealed)

    def server(self) -> str:
        """Return the id of the running server."""
        return server_id(self._client)

    def lock(self, account: str, holder: str, life: timedelta) -> bool:
        """Take the token lock for `holder`; False while someone has it."""
        key = f"{keys.account(account)}token-lock"
        with redis_errors_translated():
            return bool(self._client.set(key, holder, nx=True, px=in_milliseconds(life)))

    def unlock(self, account: str, holder: str) -> None:
        self._scripts.run_for(account, "tokens/unlock", holder=holder)

    def begin(self, account: str, call: str, version: int, life: timedelta) -> bool:
        """Write down that `call`, which has the lock, will spend the refresh token of `version`.

        Both last for `life` from now. False when the lock was lost, or the tokens changed.
        """
        return bool(
            self._scripts.run_for(account, "tokens/begin", call=call, version=version, life=life)
        )

    def renew(
        self, account: str, call: str, pair: SealedPair, owner: Owner, *, spent: StoredTokens
    ) -> int | None:
        """Store the pair for which the refresh token of `spent` was given.

        Returns its version, or None when other tokens are stored by now. The lock does not
        matter: the process that spent the stored token has the only pair that still works.
        """
        version = self._run_to_disk(
            account,
            "tokens/renew",
            call=call,
            spent=spent.digest,
            spent_version=spent.version,
            **_arguments(pair, owner),
        )
        return int(version) or None

    def failed(self, account: str, call: str, version: int, cause: str) -> None:
        """End a call that brought no newer token than `version`, and pause further ones, longer
        each time."""
        self._scripts.run_for(account, "tokens/failed", call=call, version=version, cause=cause)

    def refused(self, account: str, call: str, digest: str) -> TokenRefusal:
        """End a call that got invalid_grant, and judge what that proves."""
        refusal: TokenRefusal = self._scripts.run_for(
            account, "tokens/refused", call=call, digest=digest
        )
        return refusal

    def worked(self, account: str, version: int) -> None:
        """Note that the API accepted this version; the pair before it is no longer kept."""
        self._scripts.run_for(account, "tokens/worked", version=version)

    def access_refused(self, account: str, version: int) -> None:
        """Note that the API refuses the access token of this version."""
        self._scripts.run_for(account, "tokens/access_refused", version=version)

    def was_spent(self, account: str, digest: str) -> bool:
        """Whether a stored pair has replaced the refresh token with this digest."""
        with redis_errors_translated():
            return self._client.zscore(f"{keys.account(account)}token-spent", digest) is not None

    def _run_to_disk(self, account: str, script: str, **args: Any) -> Any:
        """Run the script, then wait for the disk, on one connection, as WAITAOF waits for that
        one. A server that does not know WAITAOF, or has no append-only file, refuses it."""
        client: Any = self._client
        with redis_errors_translated(), client.client() as one:
            answer = Scripts(one).run_for(account, script, **args)
            with contextlib.suppress(redis.RedisError):
                one.waitaof(1, 0, _DISK_WAIT_MS)
            return answer


class TokenPace:
    """Slots at the token endpoint, for all processes. Each call is counted for its API key."""

    def __init__(self, client: "redis.Redis", client_id: str) -> None:
        self._scripts = Scripts(client)
        self._key = keys.api_key(client_id)

    def reserve(self) -> timedelta | None:
        """Reserve the next slot and return how far away it is; None when that is too far."""
        ms = self._scripts.run(
            "pace/reserve_token_call", api_key=self._key, token_pace=keys.TOKEN_PACE
        )
        return None if ms < 0 else timedelta(milliseconds=ms)


def _arguments(pair: SealedPair, owner: Owner) -> dict[str, Any]:
    return {
        "access": pair.access,
        "refresh": pair.refresh,
        "digest": pair.digest,
        "life": pair.life,
        "scopes": " ".join(sorted(pair.scopes or ())),
        "client_id": pair.client_id,
        "instance": owner.instance,
        "server": owner.server,
    }


def _read(account: str, now_ms: int, flat: list[str]) -> StoredTokens | None:
    fields = dict(zip(flat[::2], flat[1::2], strict=True))
    if "access" not in fields:
        return None
    return read_one(RecordKind.TOKENS, account, lambda: _stored(fields, now_ms))


def _stored(fields: dict[str, str], now_ms: int) -> StoredTokens:
    scopes, instance = fields["scopes"], fields.get("instance")
    return StoredTokens(
        version=int(fields["version"]),
        access=fields["access"],
        refresh=fields["refresh"],
        digest=fields["digest"],
        received_at=from_milliseconds(fields["received_at"]),
        expires_at=from_milliseconds(fields["expires_at"]),
        read_at=from_milliseconds(now_ms),
        scopes=frozenset(scopes.split()) if scopes else None,
        client_id=fields["client_id"],
        worked="worked" in fields,
        revoked=fields.get("revoked") == fields["digest"],
        access_refused="access_refused" in fields,
        failures=int(fields.get("failures", 0)),
        failure=fields.get("failure"),
        retry_at=moment(fields.get("retry_at")),
        previous=fields.get("previous"),
        kind=fields.get("kind"),
        refreshed_at=moment(fields.get("refreshed_at")),
        owner=Owner(instance, fields.get("server", "")) if instance else None,
        replacement=_replacement(fields),
        origin=TokenOrigin.from_text(fields["origin"]) if "origin" in fields else None,
    )


def _replacement(fields: dict[str, str]) -> Replacement | None:
    at = moment(fields.get("replaced_at"))
    return Replacement(fields["replaced_by"], fields["replaced"], at) if at else None
