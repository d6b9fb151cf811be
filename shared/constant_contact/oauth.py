"""OAuth as Constant Contact does it: the authorization URL, the token endpoint, the device flow."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from shared.constant_contact.answers import read_body, shown
from shared.constant_contact.errors import (
    ConnectionFailed,
    DeviceDenied,
    DevicePending,
    FlowNotAllowed,
    InvalidClient,
    InvalidGrant,
    TokenEndpointFailed,
)
from shared.constant_contact.response import Response
from shared.constant_contact.token_set import TokenSet, duration_in, is_filled
from shared.domain.connection_end import SECRET_REFUSED
from shared.domain.phrases import clause

if TYPE_CHECKING:
    from shared.constant_contact.connection import Connection

# account_read shows whose account was connected. Without offline_access there is no refresh
# token, and no error either.
SCOPES = ("contact_data", "account_read", "offline_access")
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """What a device shows (`user_code`, `page`), and what it polls with every `interval`."""

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
        connect: "Callable[[], Connection]",
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
        """Return the URL at which the account's owner logs in and consents."""
        query = {
            "client_id": self._client[0],
            "redirect_uri": redirect_uri,
            "response_type": "code",
            "scope": " ".join(SCOPES),
            "state": state,
            # Without this, a browser that is already logged in connects that account, unasked.
            "prompt": "login",
        }
        # %20 for the blanks: Constant Contact does not read a scope joined with %2B.
        return f"{self._auth_url}/authorize?{urlencode(query, quote_via=quote)}"

    @contextmanager
    def endpoint(self, deadline: timedelta) -> Iterator["TokenEndpoint"]:
        """Connect, wait for a slot, and give the endpoint for one call.

        `deadline` is for the whole call. Raises `TokenEndpointFailed` when there is no
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
        """Return how the server answers a browser with this URL; None without an answer. This does
        not start a login."""
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
    """An open connection to the token endpoint, and a slot, for one call."""

    def __init__(
        self, url: str, client: tuple[str, str], connection: "Connection", deadline: timedelta
    ) -> None:
        self._url = url
        self._client = client
        self._connection = connection
        self._deadline = deadline

    def exchange_code(self, code: str, redirect_uri: str) -> TokenSet:
        """Return the tokens for an authorization code; `redirect_uri` is that of the login."""
        return self._ask(
            {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        )

    def refresh(self, refresh_token: str) -> TokenSet:
        """Return new tokens. This spends a rotating `refresh_token`, with or without an answer.

        An answer without a refresh token leaves the old one valid (RFC 6749, section 6).
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

        Raises `DevicePending` before that, and `DeviceDenied` when it can no longer happen. A
        device sends only the API key, and no secret.
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
        """Send the parameters in the body, so that no access log contains codes or tokens."""
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
    said = clause(shown(str(fields.get("error_description") or error or "nothing of use")))
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
    """Raise the error for a device's code that brought no tokens."""
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
    if not all(map(is_filled, codes)):
        _tokens_in(response)
        raise TokenEndpointFailed("the answer to the device cannot be read")
    device_code, user_code, page = map(str, codes)
    complete = fields.get("verification_uri_complete")
    return DeviceCode(
        device_code=device_code,
        user_code=user_code,
        page=page,
        page_with_code=str(complete) if is_filled(complete) else page,
        expires_in=duration_in(fields.get("expires_in")) or timedelta(minutes=10),
        interval=duration_in(fields.get("interval")) or timedelta(seconds=5),
    )
