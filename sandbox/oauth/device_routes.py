"""The device flow: a program without a browser shows a code, a person enters it elsewhere."""

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.calls import call_hooks
from sandbox.error_answers import OAuthError, json_response
from sandbox.oauth.consent_page import (
    allowed,
    chosen_user,
    consent_page,
    error_page,
    parse_scopes,
    with_session,
)
from sandbox.oauth.device_codes import DEVICE_SECONDS
from sandbox.sandbox_state import current_state

bp = Blueprint("device", __name__)
call_hooks.register(bp)


@bp.errorhandler(OAuthError)
def refused(error: OAuthError) -> Response:
    return error.response()


@bp.post("/oauth2/default/v1/device/authorize")
def begin() -> Response:
    """Issue a code for the device to poll with, and one for the person to enter."""
    state = current_state()
    with state.lock:
        application = state.applications.find(request.values.get("client_id", ""))
    if application is None:
        raise OAuthError("invalid_client", "Invalid value for 'client_id' parameter.", status=401)
    if request.values.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "The response type is not supported.")
    scopes = parse_scopes(request.values.get("scope", ""))
    if scopes is None:
        raise OAuthError("invalid_scope", "One or more scopes are not configured.")
    with state.lock:
        interval = state.rules.device_interval_seconds
        device_code, user_code = state.devices.begin(
            application.client_id, scopes, interval=interval
        )
    page = f"{request.host_url}activate"
    return json_response(
        {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={user_code}",
            "expires_in": DEVICE_SECONDS,
            "interval": interval,
        }
    )


@bp.get("/activate")
def ask() -> ResponseReturnValue:
    """Ask for the code; with a known code, ask for consent."""
    state = current_state()
    user_code = request.args.get("user_code")
    if user_code is None:
        return render_template("activate.html")
    with state.lock:
        asked = state.devices.request_of(user_code)
    if asked is None:
        return _unknown_code()
    return consent_page(state, *asked, return_host=None)


@bp.post("/activate")
def decide() -> ResponseReturnValue:
    """Record the decision for the device; the person can close the page."""
    state = current_state()
    chosen = chosen_user(state)
    if allowed() and chosen is None:
        return error_page("invalid_request", "Choose an account and a user.")
    account_id, login = (chosen[0].id, chosen[1].login) if chosen and allowed() else (None, None)
    with state.lock:
        known = state.devices.decide(request.args.get("user_code", ""), account_id, login)
    if not known:
        return _unknown_code()
    return with_session(state, chosen, render_template("done.html", connected=login is not None))


def _unknown_code() -> ResponseReturnValue:
    return error_page("invalid_request", "This code is unknown or has expired.")
