"""The consent page of the authorization code flow; it sends the browser back with a code."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from sandbox.api.sample_accounts import Account, User
from sandbox.calls import call_hooks
from sandbox.oauth.consent_page import (
    allowed,
    chosen_user,
    consent_page,
    error_page,
    parse_scopes,
    with_session,
)
from sandbox.oauth.registered_applications import is_web_address
from sandbox.sandbox_state import State, current_state

bp = Blueprint("authorize", __name__, url_prefix="/oauth2/default/v1/authorize")
call_hooks.register(bp)


@bp.get("")
def ask() -> ResponseReturnValue:
    """Show the users that can sign in, and which scopes they would allow."""
    state = current_state()
    problem = _invalid_request(state)
    if problem is not None:
        return problem
    return_host = urlsplit(request.args["redirect_uri"]).netloc
    return consent_page(state, request.args["client_id"], _scopes(), return_host)


@bp.post("")
def decide() -> ResponseReturnValue:
    """Send the browser back to the application with a code, or with ``access_denied``."""
    state = current_state()
    problem = _invalid_request(state)
    if problem is not None:
        return problem
    chosen = chosen_user(state)
    if not allowed():
        denied = _redirect_back(
            error="access_denied",
            error_description="The resource owner or authorization server denied the request.",
        )
        return with_session(state, chosen, denied)
    if chosen is None:
        return error_page("invalid_request", "Choose an account and a user.")
    return with_session(state, chosen, _redirect_back(code=_new_code(state, *chosen)))


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
    return parse_scopes(request.args.get("scope", "")) or ()


def _invalid_request(state: State) -> ResponseReturnValue | None:
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
        return _redirect_back(
            error="unsupported_response_type",
            error_description="The response type is not supported by the authorization server.",
        )
    if parse_scopes(request.args.get("scope", "")) is None:
        return _redirect_back(
            error="invalid_scope",
            error_description="One or more scopes are not configured for the authorization server.",
        )
    return None


def _redirect_back(**parameters: str) -> ResponseReturnValue:
    """Redirect to the application with its own ``state``."""
    if "state" in request.args:
        parameters["state"] = request.args["state"]
    address = urlsplit(request.args["redirect_uri"])
    query = urlencode([*parse_qsl(address.query, keep_blank_values=True), *parameters.items()])
    return redirect(urlunsplit(address._replace(query=query)))
