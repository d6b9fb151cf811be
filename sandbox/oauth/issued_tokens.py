"""Access and refresh tokens: their holder, their account, and whether they still work.

Every consent is a `Grant`; the tokens made from it are its family. Rotating refresh tokens work
once, without a grace period: the new value spends the old one, even if the answer never arrives.
"""

import secrets
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.oauth.signing_key import Signer
from sandbox.records import Records

AUTHORIZATION_SERVER = "aus1lm3ry9mF7x2Ja0h8"
ISSUER = f"https://identity.constantcontact.com/oauth2/{AUTHORIZATION_SERVER}"
AUDIENCE = "https://api.cc.email/v3"

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRANT_TYPES = ("authorization_code", "refresh_token", DEVICE_GRANT)

IDLE_SECONDS = 180 * 86_400


@dataclass(slots=True)
class Grant:
    """The user ``login`` gave ``client_id`` access to ``account_id``, for these scopes.

    ``secret``: the application needs its secret to refresh; a device has none.
    """

    id: str
    account_id: str
    login: str
    scopes: list[str]
    secret: bool
    client_id: str


@dataclass(slots=True)
class AccessToken:
    value: str
    grant_id: str
    expires_at: float
    revoked: bool = False


@dataclass(slots=True)
class RefreshToken:
    value: str
    grant_id: str
    used_at: float
    spent: bool = False
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class TokenSet:
    """An answer of the token endpoint; no refresh token without ``offline_access``."""

    access_token: str
    refresh_token: str | None
    expires_in: int
    scope: str

    def as_json(self) -> dict[str, Any]:
        fields = asdict(self) | {"token_type": "Bearer"}
        return {name: value for name, value in fields.items() if value is not None}


class InvalidGrant(Exception):
    """The code or refresh token does not work; ``reused`` if it worked once.

    ``description`` replaces the usual text.
    """

    def __init__(self, description: str | None = None, *, reused: bool = False) -> None:
        super().__init__(description)
        self.description = description
        self.reused = reused


class Tokens:
    """All grants and tokens. The state's lock guards them.

    ``first_id``: the application of old grants, stored when there was only one.
    """

    def __init__(self, records: Records, *, first_id: str, now: Callable[[], float]) -> None:
        self._records = records
        self._now = now
        self.signer = Signer.stored(records)
        kept = ({"client_id": first_id} | each for each in records.all("grant"))
        self._grants = {each["id"]: Grant(**each) for each in kept}
        self._access = {each["value"]: AccessToken(**each) for each in records.all("access")}
        self._refresh = {each["value"]: RefreshToken(**each) for each in records.all("refresh")}

    def authorize(
        self,
        client_id: str,
        account_id: str,
        login: str,
        scopes: Iterable[str],
        *,
        revoke_earlier: bool,
        secret: bool = True,
    ) -> Grant:
        """Record a consent; ``revoke_earlier`` revokes the application's refresh tokens of this
        user."""
        if revoke_earlier:
            holder = client_id, account_id, login
            for grant in self._grants.values():
                if (grant.client_id, grant.account_id, grant.login) == holder:
                    self._revoke(self._refresh_tokens({grant.id}))
        grant = Grant(secrets.token_hex(8), account_id, login, list(scopes), secret, client_id)
        self._grants[grant.id] = grant
        self._records.put("grant", grant.id, asdict(grant))
        return grant

    def issue(self, grant: Grant, *, seconds: int, renewable: bool = True) -> TokenSet:
        """Return the first token set of a new consent; a refresh token only if ``renewable``."""
        renewable = renewable and "offline_access" in grant.scopes
        return self._token_set(grant, self._new_refresh(grant) if renewable else None, seconds)

    def refresh(
        self, client_id: str, value: str, *, rotating: bool, reuse_revokes: bool, seconds: int
    ) -> TokenSet:
        """Return the next token set; raise `InvalidGrant` for a token that does not work or
        belongs to another application."""
        token = self._refresh.get(value)
        if token is None or self._grants[token.grant_id].client_id != client_id:
            raise InvalidGrant
        if token.spent:
            if reuse_revokes:
                self._revoke_family(token.grant_id)
            raise InvalidGrant(reused=True)
        if token.revoked or token.used_at + IDLE_SECONDS < self._now():
            raise InvalidGrant
        grant = self._grants[token.grant_id]
        token.used_at = self._now()
        token.spent = rotating
        self._save(token)
        return self._token_set(grant, self._new_refresh(grant) if rotating else token, seconds)

    def holder(self, access_token: str) -> Grant | None:
        """Return the grant of this access token; None if it does not work."""
        token = self._access.get(access_token)
        if token is None or token.revoked or token.expires_at <= self._now():
            return None
        return self._grants[token.grant_id]

    def client_id_of(self, access_token: str) -> str | None:
        """Return the application of this access token, even an expired one; None if unknown."""
        token = self._access.get(access_token)
        return self._grants[token.grant_id].client_id if token else None

    def is_of_device(self, refresh_token: str) -> bool:
        """Return whether this is the refresh token of a device."""
        token = self._refresh.get(refresh_token)
        return token is not None and not self._grants[token.grant_id].secret

    def revoke(
        self,
        account_ids: Collection[str],
        client_ids: Collection[str],
        *,
        access: bool,
        refresh: bool,
    ) -> None:
        """Revoke the access tokens, the refresh tokens or both that these applications hold for
        these accounts."""
        grants = {
            each.id
            for each in self._grants.values()
            if each.account_id in account_ids and each.client_id in client_ids
        }
        if access:
            self._revoke(self._access_tokens(grants))
        if refresh:
            self._revoke(self._refresh_tokens(grants))

    def _revoke_family(self, grant_id: str) -> None:
        self._revoke(self._access_tokens({grant_id}))
        self._revoke(self._refresh_tokens({grant_id}))

    def _access_tokens(self, grants: set[str]) -> list[AccessToken | RefreshToken]:
        return [each for each in self._access.values() if each.grant_id in grants]

    def _refresh_tokens(self, grants: set[str]) -> list[AccessToken | RefreshToken]:
        return [each for each in self._refresh.values() if each.grant_id in grants]

    def _revoke(self, tokens: Iterable[AccessToken | RefreshToken]) -> None:
        for token in tokens:
            token.revoked = True
            self._save(token)

    def _token_set(self, grant: Grant, refresh: RefreshToken | None, seconds: int) -> TokenSet:
        return TokenSet(
            access_token=self._new_access(grant, seconds).value,
            refresh_token=refresh.value if refresh else None,
            expires_in=seconds,
            scope=" ".join(grant.scopes),
        )

    def _new_refresh(self, grant: Grant) -> RefreshToken:
        token = RefreshToken(secrets.token_urlsafe(32), grant.id, used_at=self._now())
        self._refresh[token.value] = token
        self._save(token)
        return token

    def _new_access(self, grant: Grant, seconds: int) -> AccessToken:
        self._forget_expired()
        now = self._now()
        value = self.signer.sign(self._claims(grant, int(now), seconds))
        token = AccessToken(value, grant.id, expires_at=now + seconds)
        self._access[value] = token
        self._save(token)
        return token

    def _claims(self, grant: Grant, now: int, seconds: int) -> dict[str, Any]:
        return {
            "ver": 1,
            "jti": f"AT.{secrets.token_urlsafe(32)}",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "exp": now + seconds,
            "auth_time": now,
            "cid": grant.client_id,
            "uid": f"00u{grant.id}",
            "sub": grant.login,
            "scp": grant.scopes,
            "platform_user_id": f"{grant.account_id}-{grant.login}",
        }

    def _forget_expired(self) -> None:
        now = self._now()
        for token in [each for each in self._access.values() if each.expires_at <= now]:
            del self._access[token.value]
            self._records.drop("access", token.value)

    def _save(self, token: AccessToken | RefreshToken) -> None:
        kind = "access" if isinstance(token, AccessToken) else "refresh"
        self._records.put(kind, token.value, asdict(token))
