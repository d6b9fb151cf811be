"""The consent page of the authorization code flow; it sends the browser back with a code."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from sandbox.api.sample_accounts import Account, User
from sandbox.calls import call_hooks
from sandbox.oauth.consent_page import (
    allowed,
    consent_page,
    error_page,
    signed_in_as,
    wanted_scopes,
    who_decided,
)
from sandbox.oauth.registered_applications import is_web_address
from sandbox.sandbox_state import State, current_state

bp = Blueprint("authorize", __name__, url_prefix="/oauth2/default/v1/authorize")
call_hooks.guard(bp)


@bp.get("")
def ask() -> ResponseReturnValue:
    """Show who can sign in and which scopes they would allow."""
    state = current_state()
    problem = _problem(state)
    if problem is not None:
        return problem
    goes_to = urlsplit(request.args["redirect_uri"]).netloc
    return consent_page(state, request.args["client_id"], _scopes(), goes_to)


@bp.post("")
def decide() -> ResponseReturnValue:
    """Send the browser back to the application with a code, or with ``access_denied``."""
    state = current_state()
    problem = _problem(state)
    if problem is not None:
        return problem
    who = who_decided(state)
    if not allowed():
        denied = _back(
            error="access_denied",
            error_description="The resource owner or authorization server denied the request.",
        )
        return signed_in_as(state, who, denied)
    if who is None:
        return error_page("invalid_request", "Choose an account and who signs in.")
    return signed_in_as(state, who, _back(code=_new_code(state, *who)))


def _new_code(state: State, account: Account, user: User) -> str:
    with state.lock:
        return state.codes.issue(
            request.args["client_id"],
            account.id,
            user.login,
            _scopes(),
            request.args["redirect_uri"],
        )


def _scopes() -> tuple[str, ...]:
    return wanted_scopes(request.args.get("scope", "")) or ()


def _problem(state: State) -> ResponseReturnValue | None:
    """Return the answer to an invalid authorization request; None if it is valid.

    A page here reports an unknown client or redirect URI: sending the browser to an address that
    may be forged would help an attacker. Every other error goes back to the application.
    """
    with state.lock:
        application = state.applications.find(request.args.get("client_id", ""))
    if application is None:
        return error_page("invalid_client", "Invalid value for 'client_id' parameter.")
    redirect_uri = request.args.get("redirect_uri", "")
    if not is_web_address(redirect_uri):
        return error_page(
            "invalid_request", "The 'redirect_uri' parameter must be an absolute web address."
        )
    if not application.may_send_back_to(redirect_uri):
        return error_page(
            "invalid_request",
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.",
        )
    if request.args.get("response_type") != "code":
        return _back(
            error="unsupported_response_type",
            error_description="The response type is not supported by the authorization server.",
        )
    if wanted_scopes(request.args.get("scope", "")) is None:
        return _back(
            error="invalid_scope",
            error_description="One or more scopes are not configured for the authorization server.",
        )
    return None


def _back(**parameters: str) -> ResponseReturnValue:
    """Redirect to the application with its own ``state``."""
    if "state" in request.args:
        parameters["state"] = request.args["state"]
    address = urlsplit(request.args["redirect_uri"])
    query = urlencode([*parse_qsl(address.query, keep_blank_values=True), *parameters.items()])
    return redirect(urlunsplit(address._replace(query=query)))
