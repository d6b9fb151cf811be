"""The token endpoint, and the public key of what it issues.

Shaped like the Okta server that Constant Contact uses: exactly five fields, errors in
the OAuth style, and a limit of its own.
"""

import base64
import binascii
import hmac

from flask import Blueprint, Response, request

from shared.constant_contact.sandbox import errors, gate
from shared.constant_contact.sandbox.codes import Consent
from shared.constant_contact.sandbox.errors import OAuthError, json_response
from shared.constant_contact.sandbox.state import State, current_state
from shared.constant_contact.sandbox.tokens import AUTHORIZATION_SERVER, InvalidGrant, TokenSet

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"

_TEXTS = {
    "authorization_code": "The authorization code is invalid or has expired.",
    "refresh_token": "The refresh token is invalid or expired.",
    DEVICE_GRANT: "The device code is invalid.",
}

bp = Blueprint("token", __name__, url_prefix="/oauth2")


@bp.before_request
def count_token_calls() -> None:
    """Count every token call, whatever becomes of it."""
    if request.endpoint == "token.token":
        state = current_state()
        with state.lock:
            state.stats.token_calls += 1
            state.stats.refresh_calls += request.values.get("grant_type") == "refresh_token"


gate.guard(bp)


@bp.errorhandler(OAuthError)
def refused(error: OAuthError) -> Response:
    return error.response()


@bp.post("/default/v1/token")
def token() -> Response:
    """Exchange a code or a refresh token. At most one call a second."""
    state = current_state()
    with state.lock:
        limit = state.settings.token_requests_per_second
        if not state.token_limit.take(state.clock.monotonic(), limit=limit):
            state.stats.refusals["token_throttled"] += 1
            return errors.refused("throttled").response()
    kind = request.values.get("grant_type", "")
    with state.lock:
        try:
            _authenticate(state, kind)
            tokens = _granted(state, kind)
        except InvalidGrant as error:
            state.stats.spent_refresh_tokens_seen += error.reused
            raise OAuthError("invalid_grant", _TEXTS[kind]) from error
    response = json_response(tokens.as_json())
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get(f"/{AUTHORIZATION_SERVER}/v1/keys")
def keys() -> Response:
    return json_response(current_state().tokens.signer.jwks())


def _granted(state: State, kind: str) -> TokenSet:
    match kind:
        case "authorization_code":
            return _exchange(state)
        case "refresh_token":
            return _refresh(state)
        case _ if kind == DEVICE_GRANT:
            return _issue(state, state.devices.redeem(_needed("device_code")), secret=False)
        case _:
            raise OAuthError(
                "unsupported_grant_type", "The authorization grant type is not supported."
            )


def _exchange(state: State) -> TokenSet:
    return _issue(state, state.codes.redeem(_needed("code"), _needed("redirect_uri")), secret=True)


def _issue(state: State, consent: Consent, *, secret: bool) -> TokenSet:
    grant = state.tokens.authorize(
        consent.account_id,
        consent.login,
        consent.scopes,
        secret=secret,
        # "Generating a new set of tokens causes all previous refresh tokens to expire."
        supersede=state.settings.rotating,
    )
    return state.tokens.issue(grant, seconds=state.settings.access_token_seconds)


def _refresh(state: State) -> TokenSet:
    tokens = state.tokens.refresh(
        _needed("refresh_token"),
        rotating=state.settings.rotating,
        reuse_revokes=state.settings.reuse_revokes,
        seconds=state.settings.access_token_seconds,
    )
    state.stats.refreshes += 1
    return tokens


def _needed(name: str) -> str:
    """Return a parameter of the token call; the real one takes it from the query too."""
    value = request.values.get(name)
    if not value:
        raise OAuthError(
            "invalid_request", f"The token request must include the {name!r} parameter."
        )
    return value


def _authenticate(state: State, kind: str) -> None:
    """Check the application's id and secret: HTTP Basic, or in the form.

    A device has no secret: it gives the id alone, when it polls and when it refreshes.
    """
    id, secret = _basic_credentials() or (
        request.values.get("client_id", ""),
        request.values.get("client_secret", ""),
    )
    if id == state.config.client_id and not secret:
        refresh_token = request.values.get("refresh_token", "")
        if kind == DEVICE_GRANT or state.tokens.needs_no_secret(refresh_token):
            return
    wanted = f"{state.config.client_id}:{state.config.client_secret}"
    if not hmac.compare_digest(f"{id}:{secret}".encode(), wanted.encode()):
        raise OAuthError(
            "invalid_client",
            "The client secret supplied for a confidential client is invalid.",
            status=401,
        )


def _basic_credentials() -> tuple[str, str] | None:
    """Return id and secret from the header; None without one, blanks when it is broken."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return id, secret
