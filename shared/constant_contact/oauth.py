"""OAuth as Constant Contact does it: the authorization URL and the token endpoint.

Only `invalid_grant` says anything about a token. Everything else the endpoint may answer
concerns our application (`InvalidClient`) or will pass (`TokenEndpointFailed`).
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import requests

from shared.constant_contact.answers import read_body, shown
from shared.constant_contact.connection import Connection, ConnectionFailed
from shared.domain.errors import RelayError

# account_read shows whose account was connected; without offline_access there is no
# refresh token, and no error either.
SCOPES = ("contact_data", "account_read", "offline_access")
# "A static 24 hours", say the vendor's people, for when neither answer nor token tells.
USUAL_LIFE = timedelta(hours=24)
_LONGEST_LIFE = timedelta(days=366)


class OAuthError(RelayError):
    """The token endpoint gave no tokens."""


class InvalidGrant(OAuthError):
    """The code or refresh token was refused: unknown, expired, revoked or used before."""


class InvalidClient(OAuthError):
    """CTCT_CLIENT_ID or CTCT_CLIENT_SECRET was refused."""


class TokenEndpointFailed(OAuthError):
    """No answer, or one that says nothing about the token. What happened to it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    """What the token endpoint answers. `refresh_token` is None without offline_access."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: timedelta | None
    scope: str | None = None

    @classmethod
    def from_json(cls, body: Any) -> "TokenSet | None":
        """Return the tokens in `body`, or None when there is no access token in it."""
        if not isinstance(body, dict) or not _filled(body.get("access_token")):
            return None
        refresh_token, scope = body.get("refresh_token"), body.get("scope")
        return cls(
            access_token=body["access_token"],
            refresh_token=refresh_token if _filled(refresh_token) else None,
            expires_in=_seconds(body.get("expires_in")),
            scope=scope if _filled(scope) else None,
        )

    def life(self, now: datetime) -> timedelta:
        """Return how long the access token lives from `now`, when it was just received."""
        if self.expires_in is not None:
            return self.expires_in
        expires_at = _claims(self.access_token).get("exp")
        if not isinstance(expires_at, int | float):
            return USUAL_LIFE
        left = max(0.0, expires_at - now.timestamp())
        return timedelta(seconds=min(left, _LONGEST_LIFE.total_seconds()))

    def scopes(self) -> frozenset[str] | None:
        """Return the scopes that the token names, or the answer did; None when unknown."""
        claimed = _claims(self.access_token).get("scp")
        if isinstance(claimed, list):
            return frozenset(scope for scope in claimed if isinstance(scope, str))
        return frozenset(self.scope.split()) if self.scope else None


class OAuth:
    """The authorization server, for one API key.

    `grant` waits for a slot at the token endpoint, which allows one call a second, and
    counts the call. `connect` makes a new connection: token calls are rare.
    """

    def __init__(
        self,
        auth_url: str,
        client_id: str,
        client_secret: str,
        *,
        connect: Callable[[], Connection],
        grant: Callable[[], None],
    ) -> None:
        self._auth_url = auth_url
        self._client = (client_id, client_secret)
        self._connect = connect
        self._grant = grant

    def authorization_url(self, redirect_uri: str, state: str) -> str:
        """Return where a browser asks the account's owner for consent."""
        query = {
            "client_id": self._client[0],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": state,
        }
        # %20 for the blanks: Constant Contact does not read a scope joined with %2B.
        return f"{self._auth_url}/authorize?{urlencode(query, quote_via=quote)}"

    @contextmanager
    def endpoint(self, deadline: timedelta) -> Iterator["TokenEndpoint"]:
        """Connect, wait for a slot, and give the endpoint for one call.

        `deadline` is that call's, in all. Raises `TokenEndpointFailed` when there is no
        connection; nothing was sent then.
        """
        with self._connect() as connection:
            try:
                connection.open(self._auth_url)
            except ConnectionFailed as error:
                raise TokenEndpointFailed(str(error)) from error
            self._grant()
            yield TokenEndpoint(f"{self._auth_url}/token", self._client, connection, deadline)


class TokenEndpoint:
    """An open connection to the token endpoint and a slot there, for one call."""

    def __init__(
        self, url: str, client: tuple[str, str], connection: Connection, deadline: timedelta
    ) -> None:
        self._url = url
        self._client = client
        self._connection = connection
        self._deadline = deadline

    def exchange_code(self, code: str, redirect_uri: str) -> TokenSet:
        """Return the tokens for an authorization code; `redirect_uri` as it was first given."""
        return self._ask(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        )

    def refresh(self, refresh_token: str) -> TokenSet:
        """Return new tokens. A rotating `refresh_token` is spent by this, answer or not.

        An answer without a refresh token leaves the old one in force (RFC 6749, section 6).
        """
        tokens = self._ask({"grant_type": "refresh_token", "refresh_token": refresh_token})
        if tokens.refresh_token is not None:
            return tokens
        return TokenSet(
            access_token=tokens.access_token,
            refresh_token=refresh_token,
            expires_in=tokens.expires_in,
            scope=tokens.scope,
        )

    def _ask(self, parameters: dict[str, str]) -> TokenSet:
        """In the body, so that neither codes nor tokens get into anyone's access log."""
        try:
            response = self._connection.send(
                "POST",
                self._url,
                headers={"Accept": "application/json"},
                data=parameters,
                auth=self._client,
                deadline=self._deadline,
            )
        except ConnectionFailed as error:
            raise TokenEndpointFailed(str(error)) from error
        return _tokens_in(response)


def _tokens_in(response: requests.Response) -> TokenSet:
    body = read_body(response)
    tokens = TokenSet.from_json(body) if response.status_code == 200 else None
    if tokens is not None:
        return tokens
    fields = body if isinstance(body, dict) else {}
    error = fields.get("error")
    said = shown(str(fields.get("error_description") or error or "nothing of use"))
    match response.status_code, error:
        case 400 | 401 | 403, "invalid_grant":
            raise InvalidGrant(f"the token endpoint refused the grant: {said}")
        case 400 | 401 | 403, "invalid_client" | "unauthorized_client":
            raise InvalidClient(
                "Constant Contact does not accept CTCT_CLIENT_ID with CTCT_CLIENT_SECRET"
            )
        case status, _:
            raise TokenEndpointFailed(f"the token endpoint answered HTTP {status}: {said}")


def _claims(access_token: str) -> dict[str, Any]:
    """Return the claims of a JWT, or none for any other token.

    Unverified on purpose: only the API decides whether a token is good, and the keys to
    check it with are on a host that Constant Contact does not document.
    """
    try:
        claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return {}
    return claims


def _filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _seconds(value: object) -> timedelta | None:
    """Return `expires_in`, a number or a number in quotes, as a duration."""
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if not 0 < seconds <= _LONGEST_LIFE.total_seconds():
        return None
    return timedelta(seconds=seconds)
