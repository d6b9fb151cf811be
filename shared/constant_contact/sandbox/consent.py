"""What the consent page says and asks, for a redirect as for a device."""

from flask import render_template, request
from flask.typing import ResponseReturnValue

from shared.constant_contact.sandbox.accounts import CAMPAIGN_CREATOR, OWNER, Account, User
from shared.constant_contact.sandbox.state import State

SCOPES = {
    "account_read": "See who the account belongs to",
    "account_update": "Change the account's details",
    "contact_data": "Read and change contacts, lists and custom fields",
    "campaign_data": "Read and change campaigns",
    "offline_access": "Stay connected while you are away",
}


def wanted_scopes(text: str) -> tuple[str, ...] | None:
    """Return the scopes named in ``text``; None when there are none, or unknown ones."""
    scopes = tuple(dict.fromkeys(text.split()))
    return scopes if scopes and set(scopes) <= SCOPES.keys() else None


def consent_page(state: State, scopes: tuple[str, ...], goes_to: str | None) -> str:
    """Return the page; ``goes_to`` is the host that the browser is sent back to, if any."""
    return render_template(
        "consent.html",
        client_id=state.config.client_id,
        goes_to=goes_to,
        scopes=[(name, SCOPES[name]) for name in scopes],
        organizations=[each.organization for each in state.accounts.values()],
        roles=(OWNER, CAMPAIGN_CREATOR),
    )


def allowed() -> bool:
    return request.form.get("decision") == "allow"


def who_allowed(state: State) -> tuple[Account, User] | None:
    """Return the account and user chosen on the page; None when they make no sense."""
    for account in state.organizations(request.form.get("organization", "")):
        user = account.user(request.form.get("user", ""))
        if user is not None:
            return account, user
    return None


def error_page(error: str, description: str) -> ResponseReturnValue:
    return render_template("error.html", error=error, description=description), 400
