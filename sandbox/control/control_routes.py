"""The sandbox's own routes under /sandbox: control calls, figures, contacts, ready tokens.

They need no password, so bind the sandbox to a loopback address only.
"""

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, request

from sandbox.api.contacts import iso
from sandbox.api.sample_accounts import OWNER, Account
from sandbox.calls import faults
from sandbox.control.changes import ACTIONS, ControlError, Target
from sandbox.error_answers import json_response
from sandbox.oauth.consent_page import parse_scopes
from sandbox.oauth.registered_applications import Application
from sandbox.sandbox_state import State, current_state

DEFAULT_SCOPE = "account_read contact_data offline_access"

bp = Blueprint("control", __name__, url_prefix="/sandbox")


@bp.errorhandler(ControlError)
def invalid(error: ControlError) -> Response:
    return json_response({"ok": False, "error": str(error)}, 400)


@bp.post("/control")
def control() -> Response:
    """Make the changes in the JSON object, in the order of `ACTIONS`; then set its fault.

    ``organization`` limits changes of accounts to one account; ``application`` (an API key)
    limits revoke and used_today to one application.
    """
    wanted = _body()
    known = ACTIONS.keys() | faults.KEYS | {"organization", "application", "clear"}
    if unknown := sorted(wanted.keys() - known):
        raise ControlError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    state = current_state()
    with state.lock:
        target = Target(
            _accounts(state, wanted.get("organization")),
            _registered(state, wanted.get("application")),
        )
        if wanted.get("clear"):
            state.faults.clear()
        for name, act in ACTIONS.items():
            if name in wanted:
                act(state, wanted[name], target)
        fault = {name: value for name, value in wanted.items() if name in faults.KEYS}
        if fault:
            _add_fault(state, fault)
        return json_response({"ok": True} | _in_force(state))


@bp.get("/control")
def in_force() -> Response:
    """Show the rules, applications, accounts and faults in force."""
    state = current_state()
    with state.lock:
        return json_response(_in_force(state))


@bp.get("/stats")
def stats() -> Response:
    """Show every count; ``?deliveries=0`` omits the list of deliveries."""
    state = current_state()
    with state.lock:
        figures = state.stats.as_json(with_deliveries=request.args.get("deliveries") != "0")
        figures["requests_today"] = sum(
            limits.day.used(state.now()) for limits in state.limits.values()
        )
        figures["applications"] = {
            each.client_id: _figures(state, each.client_id) for each in state.applications
        }
    return json_response(figures)


def _figures(state: State, client_id: str) -> dict[str, Any]:
    _, own = state.stats.counts(client_id)
    used = state.limits[client_id].day.used(state.now())
    return own.as_json() | {"requests_today": used}


@bp.get("/contacts")
def contacts() -> Response:
    """Show all contacts of all accounts, with the names of their lists and fields.

    Unlike the API's route, this does not count towards the limits.
    """
    state = current_state()
    with state.lock:
        return json_response(
            [
                {
                    "organization": account.organization,
                    "contact_id": contact.contact_id,
                    "email": contact.email,
                    "permission": contact.permission,
                    "lists": [account.lists[each].name for each in contact.list_ids],
                    "custom_fields": {
                        account.custom_fields[each].name: value
                        for each, value in contact.custom_fields.items()
                    },
                    "created_at": iso(contact.created_at),
                    "updated_at": iso(contact.updated_at),
                    "deleted": contact.deleted_at is not None,
                }
                | contact.properties
                for account in state.accounts.values()
                for contact in state.contacts.of(account.id)
            ]
        )


@bp.post("/connect")
def connect() -> Response:
    """Return a token set, as if a user had just consented in the browser.

    Earlier token sets continue to work, unless ``replace`` is true.
    """
    wanted = {
        "application": None,
        "organization": None,
        "user": OWNER,
        "scope": DEFAULT_SCOPE,
        "replace": False,
    } | _body()
    state = current_state()
    with state.lock:
        application = _registered(state, wanted["application"])[0]
        account = _accounts(state, wanted["organization"])[0]
        user = account.user(str(wanted["user"]))
        if user is None:
            raise ControlError(f"no such user: {wanted['user']}")
        scopes = parse_scopes(str(wanted["scope"]))
        if scopes is None:
            raise ControlError(f"no scope, or an unknown one: {wanted['scope']}")
        grant = state.tokens.authorize(
            application.client_id,
            account.id,
            user.login,
            scopes,
            revoke_earlier=bool(wanted["replace"]),
        )
        tokens = state.tokens.issue(grant, seconds=state.rules.access_token_seconds)
    return json_response(tokens.as_json())


@bp.post("/reset")
def reset() -> Response:
    """Forget everything and start again with the options of the start."""
    current_state().reset()
    return json_response({"ok": True})


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True) if request.get_data() else {}
    if not isinstance(body, dict):
        raise ControlError("the body must be a JSON object")
    return body


def _accounts(state: State, organization: object) -> list[Account]:
    accounts = state.organizations(None if organization is None else str(organization))
    if not accounts:
        raise ControlError(f"no such organization: {organization}")
    return accounts


def _registered(state: State, client_id: object) -> list[Application]:
    """Return the application with this API key; for None all of them, the first one first."""
    found = [each for each in state.applications if client_id in (None, each.client_id)]
    if not found:
        raise ControlError("no such application")
    return found


def _add_fault(state: State, spec: dict[str, Any]) -> None:
    try:
        state.faults.add(spec)
    except (TypeError, ValueError) as error:
        raise ControlError(str(error)) from error


def _in_force(state: State) -> dict[str, Any]:
    rules = asdict(state.rules)
    rules["refused_emails"] = sorted(rules["refused_emails"])
    return {
        "settings": rules,
        "applications": [_application_json(each) for each in state.applications],
        "accounts": [_account_json(each) for each in state.accounts.values()],
        "faults": state.faults.as_json(),
    }


def _application_json(application: Application) -> dict[str, Any]:
    """Return an application without its secret."""
    return {
        "client_id": application.client_id,
        "redirect_uris": application.redirect_uris,
        "rotating": application.rotating,
    }


def _account_json(account: Account) -> dict[str, Any]:
    return {
        "organization": account.organization,
        "lists": sum(each.deleted_at is None for each in account.lists.values()),
        "confirmed_opt_in": account.confirmed_opt_in,
        "removed_privileges": sorted(account.removed_privileges),
    }
