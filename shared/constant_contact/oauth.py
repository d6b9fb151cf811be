"""OAuth as Constant Contact does it: the authorization URL, the token endpoint, the device flow.

Only `invalid_grant` says anything about a token. Everything else the endpoint may answer
concerns our application (`InvalidClient`), a person who is not done yet (`DevicePending`), or
will pass (`TokenEndpointFailed`).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import jwt

from shared.constant_contact.answers import read_body, shown
from shared.constant_contact.connection import Connection, ConnectionFailed, Response
from shared.domain.errors import RelayError

# account_read shows whose account was connected; without offline_access there is no
# refresh token, and no error either.
SCOPES = ("contact_data", "account_read", "offline_access")
# "A static 24 hours", say the vendor's people, for when neither answer nor token tells.
USUAL_LIFE = timedelta(hours=24)
_LONGEST_LIFE = timedelta(days=366)
_LAST_SECOND = 253402300799  # of the year 9999
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
# What RFC 6749 lets a token be, without the blank: it goes into a header as it is.
_TOKEN = re.compile(r"[!-~]+")
# What a token that somebody made up can make its readers raise.
_ODD = (jwt.PyJWTError, KeyError, ValueError, AttributeError, TypeError)


# What an `InvalidClient` says when it is key or secret that is wrong.
SECRET_REFUSED = "Constant Contact does not accept the API key with this secret"  # noqa: S105


class OAuthError(RelayError):
    """The token endpoint gave no tokens."""


class InvalidGrant(OAuthError):
    """The code or refresh token was refused: unknown, expired, revoked or used before."""


class InvalidClient(OAuthError):
    """API key or secret was refused."""


class FlowNotAllowed(InvalidClient):
    """The application may not connect in this way: that flow is switched off for it."""


class DevicePending(OAuthError):
    """Nobody has decided on the device's code yet; `slow_down` asks for longer pauses."""

    def __init__(self, *, slow_down: bool) -> None:
        super().__init__("nobody has entered the code yet")
        self.slow_down = slow_down


class DeviceDenied(OAuthError):
    """The device's code was turned down, or nobody entered it in time (`expired`)."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("the code has expired" if expired else "access was not allowed")
        self.expired = expired


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
        if not isinstance(body, dict) or not _is_token(body.get("access_token")):
            return None
        refresh_token, scope = body.get("refresh_token"), body.get("scope")
        return cls(
            access_token=body["access_token"],
            refresh_token=refresh_token if _is_token(refresh_token) else None,
            expires_in=_seconds(body.get("expires_in")),
            scope=scope if _filled(scope) else None,
        )

    def to_json(self, now: datetime) -> dict[str, Any]:
        """Return what `from_json` reads, as if it had been received `now`."""
        return {
            "access_token": self.access_token,
            "refresh_token": self.refresh_token,
            "expires_in": self.life(now).total_seconds(),
            "scope": self.scope,
        }

    def life(self, now: datetime) -> timedelta:
        """Return how long the access token lives from `now`, when it was just received."""
        if self.expires_in is not None:
            return self.expires_in
        expires_at = _claims(self.access_token).get("exp")
        if not isinstance(expires_at, int | float):
            return USUAL_LIFE
        # Bounded first: a whole number may have more digits than can be calculated with.
        left = max(0.0, max(0, min(expires_at, _LAST_SECOND)) - now.timestamp())
        return timedelta(seconds=min(left, _LONGEST_LIFE.total_seconds()))

    def login(self) -> str | None:
        """Return who logged in, as far as the token tells."""
        login = _claims(self.access_token).get("sub")
        return login if _filled(login) else None

    def scopes(self) -> frozenset[str] | None:
        """Return the scopes that the token names, or the answer did; None when unknown."""
        claimed = _claims(self.access_token).get("scp")
        if isinstance(claimed, list):
            return frozenset(scope for scope in claimed if isinstance(scope, str))
        return frozenset(self.scope.split()) if self.scope else None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a device shows (`user_code`, `page`) and polls with, every `interval`."""

    device_code: str = field(repr=False)
    user_code: str
    page: str
    page_with_code: str
    expires_in: timedelta
    interval: timedelta


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

    @property
    def client_id(self) -> str:
        return self._client[0]

    def authorization_url(self, redirect_uri: str, state: str) -> str:
        """Return where a browser asks the account's owner for consent."""
        query = {
            "client_id": self._client[0],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": state,
            # Else a browser that is logged in somewhere already connects that account, unasked.
            "prompt": "login",
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

    def look_at(self, authorization_url: str, deadline: timedelta) -> Response | None:
        """Return how the server answers a browser that comes with this URL; None when it does
        not. Nothing is begun by that."""
        with self._connect() as connection:
            try:
                return connection.send("GET", authorization_url, deadline=deadline)
            except ConnectionFailed:
                return None

    def begin_device(self, deadline: timedelta) -> DeviceCode:
        """Return a code for a device without a browser. Raises as `TokenEndpoint` does."""
        asked = {"client_id": self.client_id, "response_type": "code", "scope": " ".join(SCOPES)}
        with self._connect() as connection:
            try:
                response = connection.send(
                    "POST",
                    f"{self._auth_url}/device/authorize",
                    headers={"Accept": "application/json"},
                    data=asked,
                    deadline=deadline,
                )
            except ConnectionFailed as error:
                raise TokenEndpointFailed(str(error)) from error
        return _device_code_in(response)


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

    def poll_device(self, device_code: str) -> TokenSet:
        """Return the tokens once a person has entered the code and allowed it.

        Raises `DevicePending` before that, `DeviceDenied` when it will not happen any more. A
        device shows no secret, only the API key.
        """
        parameters = {
            "grant_type": DEVICE_GRANT,
            "device_code": device_code,
            "client_id": self._client[0],
        }
        response = self._send(parameters, auth=None)
        _check_decided(response)
        return _tokens_in(response)

    def _ask(self, parameters: dict[str, str]) -> TokenSet:
        return _tokens_in(self._send(parameters, auth=self._client))

    def _send(self, parameters: dict[str, str], *, auth: tuple[str, str] | None) -> Response:
        """In the body, so that neither codes nor tokens get into anyone's access log."""
        try:
            return self._connection.send(
                "POST",
                self._url,
                headers={"Accept": "application/json"},
                data=parameters,
                auth=auth,
                deadline=self._deadline,
            )
        except ConnectionFailed as error:
            raise TokenEndpointFailed(str(error)) from error


def _tokens_in(response: Response) -> TokenSet:
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
        case 400 | 401 | 403, "invalid_client":
            raise InvalidClient(SECRET_REFUSED)
        case 400 | 401 | 403, "unauthorized_client":
            raise FlowNotAllowed(
                f"Constant Contact does not let this application connect in this way: {said}"
            )
        case status, _:
            raise TokenEndpointFailed(f"the token endpoint answered HTTP {status}: {said}")


def _check_decided(response: Response) -> None:
    """Raise what the endpoint says of a device's code that brought no tokens."""
    body = read_body(response)
    match body.get("error") if isinstance(body, dict) else None:
        case "authorization_pending" | "slow_down" as error:
            raise DevicePending(slow_down=error == "slow_down")
        case "access_denied" | "expired_token" as error:
            raise DeviceDenied(expired=error == "expired_token")


def _device_code_in(response: Response) -> DeviceCode:
    body = read_body(response)
    fields = body if response.status_code == 200 and isinstance(body, dict) else {}
    codes = [fields.get(name) for name in ("device_code", "user_code", "verification_uri")]
    if not all(map(_filled, codes)):
        _tokens_in(response)
        raise TokenEndpointFailed("the answer to the device makes no sense")
    device_code, user_code, page = map(str, codes)
    complete = fields.get("verification_uri_complete")
    return DeviceCode(
        device_code=device_code,
        user_code=user_code,
        page=page,
        page_with_code=str(complete) if _filled(complete) else page,
        expires_in=_seconds(fields.get("expires_in")) or timedelta(minutes=10),
        interval=_seconds(fields.get("interval")) or timedelta(seconds=5),
    )


def _claims(access_token: str) -> dict[str, Any]:
    """Return the claims of a JWT, or none for any other token.

    Unverified on purpose: only the API decides whether a token is good, and the keys to
    check it with are on a host that Constant Contact does not document.
    """
    try:
        claims: dict[str, Any] = jwt.decode(access_token, options={"verify_signature": False})
    except _ODD:
        return {}
    return claims


def _filled(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_token(value: object) -> bool:
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def _seconds(value: object) -> timedelta | None:
    """Return `expires_in`, a number or a number in quotes, as a duration."""
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    if not 0 < seconds <= _LONGEST_LIFE.total_seconds():
        return None
    return timedelta(seconds=seconds)
