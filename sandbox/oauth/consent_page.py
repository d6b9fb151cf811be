"""The consent page and its form, for the authorization code flow and the device flow."""

from urllib.parse import urlencode

from flask import Response, make_response, render_template, request
from flask.typing import ResponseReturnValue

from sandbox.api.sample_accounts import CAMPAIGN_CREATOR, OWNER, Account, User
from sandbox.oauth.browser_sessions import COOKIE
from sandbox.sandbox_state import State

SCOPES = {
    "account_read": "See who the account belongs to",
    "account_update": "Change the account's details",
    "contact_data": "Read and change contacts, lists and custom fields",
    "campaign_data": "Read and change campaigns",
    "offline_access": "Stay connected while you are away",
}


def parse_scopes(text: str) -> tuple[str, ...] | None:
    """Return the scopes named in ``text``; None when there are none, or unknown ones."""
    scopes = tuple(dict.fromkeys(text.split()))
    return scopes if scopes and set(scopes) <= SCOPES.keys() else None


def consent_page(
    state: State, client_id: str, scopes: tuple[str, ...], return_host: str | None
) -> str:
    """Return the page; ``return_host`` is the host that the browser returns to, if any.

    The page asks a signed-in browser for the account only with ``prompt=login``.
    """
    must_sign_in = "login" in request.args.get("prompt", "").split()
    return render_template(
        "consent.html",
        client_id=client_id,
        return_host=return_host,
        must_sign_in=must_sign_in,
        signed_in=None if must_sign_in else _signed_in(state),
        sign_in_again=_sign_in_again(),
        scopes=[(name, SCOPES[name]) for name in scopes],
        organizations=[each.organization for each in state.accounts.values()],
        roles=(OWNER, CAMPAIGN_CREATOR),
    )


def allowed() -> bool:
    return request.form.get("decision") == "allow"


def chosen_user(state: State) -> tuple[Account, User] | None:
    """Return the account and user chosen on the page; None if they do not exist."""
    for account in state.organizations(request.form.get("organization", "")):
        user = account.user(request.form.get("user", ""))
        if user is not None:
            return account, user
    return None


def with_session(
    state: State, chosen: tuple[Account, User] | None, answer: ResponseReturnValue
) -> Response:
    """Return the answer with a session for the user who signed in on the page, if any."""
    response = make_response(answer)
    if chosen is not None:
        account, user = chosen
        with state.lock:
            session = state.sessions.begin(account.id, user.login)
        response.set_cookie(COOKIE, session, httponly=True, samesite="Lax")
    return response


def error_page(error: str, description: str) -> ResponseReturnValue:
    return render_template("error.html", error=error, description=description), 400


def _signed_in(state: State) -> tuple[str, str] | None:
    """Return the organization and login of the browser's session, if it has one."""
    with state.lock:
        found = state.sessions.user_of(request.cookies.get(COOKIE, ""))
        return found and (state.accounts[found[0]].organization, found[1])


def _sign_in_again() -> str:
    """Return the address of this page with ``prompt=login``."""
    asked = [(name, value) for name, value in request.args.items() if name != "prompt"]
    return f"{request.path}?{urlencode([*asked, ('prompt', 'login')])}"
