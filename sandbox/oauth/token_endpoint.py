"""The token endpoint, and the public key of its tokens.

Shaped like the Okta server that Constant Contact uses: exactly five fields, errors in
the OAuth style, and a limit of its own.
"""

import base64
import binascii
import hmac

from flask import Blueprint, Response, request

from sandbox import error_answers
from sandbox.calls import call_hooks
from sandbox.calls.stats import Counts
from sandbox.error_answers import OAuthError, json_response
from sandbox.oauth.authorization_codes import Consent
from sandbox.oauth.issued_tokens import (
    AUTHORIZATION_SERVER,
    DEVICE_GRANT,
    Grant,
    InvalidGrant,
    TokenSet,
)
from sandbox.oauth.registered_applications import Application
from sandbox.sandbox_state import State, current_state

_TEXTS = {
    "authorization_code": "The authorization code is invalid or has expired.",
    "refresh_token": "The refresh token is invalid or expired.",
    DEVICE_GRANT: "The device code is invalid.",
}

bp = Blueprint("token", __name__, url_prefix="/oauth2")


@bp.before_request
def count_token_calls() -> None:
    """Count every token call, refused ones included."""
    if request.endpoint == "token.token":
        state = current_state()
        with state.lock:
            for counts in _counts(state):
                counts.token_calls += 1
                counts.refresh_calls += request.values.get("grant_type") == "refresh_token"


call_hooks.register(bp)


@bp.errorhandler(OAuthError)
def refused(error: OAuthError) -> Response:
    return error.response()


@bp.post("/default/v1/token")
def token() -> Response:
    """Exchange a code or a refresh token. All applications share one limit per second."""
    state = current_state()
    with state.lock:
        limit = state.rules.token_requests_per_second
        if not state.token_limit.take(state.monotonic(), limit=limit):
            for counts in _counts(state):
                counts.refusals["token_throttled"] += 1
            return error_answers.refused("throttled").response()
    kind = request.values.get("grant_type", "")
    with state.lock:
        try:
            tokens = _granted(state, _authenticated(state, kind), kind)
        except InvalidGrant as error:
            state.stats.spent_refresh_tokens_seen += error.reused
            raise OAuthError("invalid_grant", error.description or _TEXTS[kind]) from error
    response = json_response(tokens.as_json())
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get(f"/{AUTHORIZATION_SERVER}/v1/keys")
def keys() -> Response:
    """Publish the key, or what the rule ``jwks`` says instead."""
    state = current_state()
    which = state.rules.jwks
    if which == "off":
        return json_response(error_answers.body_for(404), 404)
    return json_response(state.tokens.signer.jwks(wrong=which == "wrong_key"))


def _granted(state: State, application: Application, kind: str) -> TokenSet:
    match kind:
        case "authorization_code":
            return _redeem_code(state, application)
        case "refresh_token":
            return _refresh(state, application)
        case _ if kind == DEVICE_GRANT:
            return _redeem_device_code(state, application)
        case _:
            raise OAuthError(
                "unsupported_grant_type", "The authorization grant type is not supported."
            )


def _redeem_code(state: State, application: Application) -> TokenSet:
    consent = state.codes.redeem(
        application.client_id, _required("code"), _required("redirect_uri")
    )
    grant = _consented(state, application, consent, secret=True)
    return state.tokens.issue(grant, seconds=state.rules.access_token_seconds)


def _redeem_device_code(state: State, application: Application) -> TokenSet:
    consent = state.devices.redeem(application.client_id, _required("device_code"))
    return state.tokens.issue(
        _consented(state, application, consent, secret=False),
        seconds=state.rules.access_token_seconds,
        renewable=state.rules.device_refresh,
    )


def _consented(state: State, application: Application, consent: Consent, *, secret: bool) -> Grant:
    return state.tokens.authorize(
        application.client_id,
        consent.account_id,
        consent.login,
        consent.scopes,
        secret=secret,
        # "Generating a new set of tokens causes all previous refresh tokens to expire."
        revoke_earlier=state.rotating(application),
    )


def _refresh(state: State, application: Application) -> TokenSet:
    tokens = state.tokens.refresh(
        application.client_id,
        _required("refresh_token"),
        rotating=state.rotating(application),
        reuse_revokes=state.rules.reuse_revokes,
        seconds=state.rules.access_token_seconds,
    )
    for counts in _counts(state):
        counts.refreshes += 1
    return tokens


def _required(name: str) -> str:
    """Return a parameter of the token call. Like the real endpoint, accept it in the query too."""
    value = request.values.get(name)
    if not value:
        raise OAuthError(
            "invalid_request", f"The token request must include the {name!r} parameter."
        )
    return value


def _authenticated(state: State, kind: str) -> Application:
    """Return the application with the id and secret of this call (HTTP Basic or form).

    A device has no secret: it sends the id alone, both to poll and to refresh.
    """
    id, secret = _credentials()
    application = state.applications.find(id)
    if application is None:
        raise OAuthError("invalid_client", "Invalid value for 'client_id' parameter.", status=401)
    if not secret:
        refresh_token = request.values.get("refresh_token", "")
        if kind == DEVICE_GRANT or state.tokens.is_of_device(refresh_token):
            return application
    if not hmac.compare_digest(secret.encode(), application.client_secret.encode()):
        raise OAuthError(
            "invalid_client",
            "The client secret supplied for a confidential client is invalid.",
            status=401,
        )
    return application


def _counts(state: State) -> tuple[Counts, ...]:
    """Return the counts that this call adds to, even if its secret is wrong."""
    application = state.applications.find(_credentials()[0])
    return state.stats.counts(application.client_id if application else None)


def _credentials() -> tuple[str, str]:
    return _basic_credentials() or (
        request.values.get("client_id", ""),
        request.values.get("client_secret", ""),
    )


def _basic_credentials() -> tuple[str, str] | None:
    """Return id and secret from the header; None without one, blanks if it is malformed."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        id, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return id, secret
