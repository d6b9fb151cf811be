"""The sandbox's own routes: faults, changes from outside, figures. No part of the API.

They ask for no password, so the sandbox belongs on a host's loopback address alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, request

from shared.constant_contact.sandbox import faults
from shared.constant_contact.sandbox.accounts import OWNER, PRIVILEGES, Account
from shared.constant_contact.sandbox.consent import wanted_scopes
from shared.constant_contact.sandbox.contacts import iso
from shared.constant_contact.sandbox.errors import json_response
from shared.constant_contact.sandbox.state import State, current_state

DEFAULT_SCOPE = "account_read contact_data offline_access"

bp = Blueprint("control", __name__, url_prefix="/sandbox")

Action = Callable[[State, Any, list[Account]], None]


class ControlError(Exception):
    """The control call makes no sense; nothing more of it was done."""


@bp.errorhandler(ControlError)
def senseless(error: ControlError) -> Response:
    return json_response({"ok": False, "error": str(error)}, 400)


@bp.post("/control")
def control() -> Response:
    """Do everything the JSON object asks for, in the order of `ACTIONS`; then set its fault.

    ``organization`` narrows revoke, unsubscribe, delete_list and privileges to one account.
    """
    wanted = _body()
    known = ACTIONS.keys() | faults.KEYS | {"organization", "clear"}
    if unknown := sorted(wanted.keys() - known):
        raise ControlError(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    state = current_state()
    with state.lock:
        accounts = _accounts(state, wanted.get("organization"))
        if wanted.get("clear"):
            state.faults.clear()
        for name, act in ACTIONS.items():
            if name in wanted:
                act(state, wanted[name], accounts)
        fault = {name: value for name, value in wanted.items() if name in faults.KEYS}
        if fault:
            _add_fault(state, fault)
        return json_response({"ok": True} | _in_force(state))


@bp.get("/control")
def in_force() -> Response:
    """Show the settings and faults in force."""
    state = current_state()
    with state.lock:
        return json_response(_in_force(state))


@bp.get("/stats")
def stats() -> Response:
    """Show every count; ``?deliveries=0`` leaves the single deliveries out."""
    state = current_state()
    with state.lock:
        figures = state.stats.as_json(with_deliveries=request.args.get("deliveries") != "0")
        figures["requests_today"] = state.limits.day.used(state.clock.now())
    return json_response(figures)


@bp.get("/contacts")
def contacts() -> Response:
    """Show all contacts of all accounts, with the names of their lists and fields.

    Unlike the API's own route this costs nothing of the limits.
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
    """Return a token set, as if a user had just allowed it in the browser.

    Earlier token sets go on working, unless ``replace`` is true.
    """
    wanted = {"organization": None, "user": OWNER, "scope": DEFAULT_SCOPE, "replace": False}
    wanted |= _body()
    state = current_state()
    with state.lock:
        account = _accounts(state, wanted["organization"])[0]
        user = account.user(str(wanted["user"]))
        if user is None:
            raise ControlError(f"no such user: {wanted['user']}")
        scopes = wanted_scopes(str(wanted["scope"]))
        if scopes is None:
            raise ControlError(f"no scope, or an unknown one: {wanted['scope']}")
        grant = state.tokens.authorize(
            account.id, user.login, scopes, supersede=bool(wanted["replace"])
        )
        tokens = state.tokens.issue(grant, seconds=state.settings.access_token_seconds)
    return json_response(tokens.as_json())


@bp.post("/reset")
def reset() -> Response:
    """Forget everything and start afresh, with the settings of the start."""
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


def _add_fault(state: State, spec: dict[str, Any]) -> None:
    try:
        state.faults.add(spec)
    except (TypeError, ValueError) as error:
        raise ControlError(str(error)) from error


def _in_force(state: State) -> dict[str, Any]:
    rules = asdict(state.settings)
    rules["refused_emails"] = sorted(rules["refused_emails"])
    return {"settings": rules, "faults": state.faults.as_json()}


# --- What can be asked for, one function each: (state, value, accounts)


def _rates(state: State, value: Any, _accounts: list[Account]) -> None:
    """``{"requests_per_second", "requests_per_day", "token_requests_per_second", "window"}``"""
    if not isinstance(value, dict):
        raise ControlError("rates must be an object")
    for name, rate in value.items():
        if name == "window" and rate in ("rolling", "fixed"):
            state.settings.fixed_window = rate == "fixed"
        elif name in _RATES and type(rate) is int and rate >= 0:
            setattr(state.settings, name, rate)
        else:
            raise ControlError(f"rates: {name} cannot be {rate!r}")


def _used_today(state: State, value: Any, _accounts: list[Account]) -> None:
    state.limits.day.set_used(state.clock.now(), _whole("used_today", value))


def _revoke(state: State, value: Any, accounts: list[Account]) -> None:
    """``"access"``, ``"refresh"`` or ``"all"``"""
    if value not in ("access", "refresh", "all"):
        raise ControlError('revoke must be "access", "refresh" or "all"')
    ids = [account.id for account in accounts]
    state.tokens.revoke(ids, access=value != "refresh", refresh=value != "access")


def _unsubscribe(state: State, value: Any, accounts: list[Account]) -> None:
    found = list(state.contacts.everywhere(str(value), [each.id for each in accounts]))
    if not found:
        raise ControlError("no contact has this address")
    for contact in found:
        state.contacts.unsubscribe(contact, now=state.clock.now())


def _delete_list(state: State, value: Any, accounts: list[Account]) -> None:
    if not state.delete_list(str(value), accounts):
        raise ControlError(f"no such list: {value}")


def _privileges(_state: State, value: Any, accounts: list[Account]) -> None:
    """``{"remove": ["contacts:write"]}``, or ``"restore"``"""
    removed = value.get("remove", []) if isinstance(value, dict) else []
    if value != "restore" and not (removed and set(removed) <= PRIVILEGES.keys()):
        raise ControlError('privileges must be "restore" or {"remove": [some of their names]}')
    for account in accounts:
        if value == "restore":
            account.removed_privileges.clear()
        account.removed_privileges |= set(removed)


def _refuse_email(state: State, value: Any, _accounts: list[Account]) -> None:
    """One address or a list of them, in place of those refused so far."""
    refused: Iterable[Any] = [value] if isinstance(value, str) else value
    state.settings.refused_emails = {str(each).casefold() for each in refused or ()}


def _whole_setting(name: str) -> Action:
    def act(state: State, value: Any, _accounts: list[Account]) -> None:
        setattr(state.settings, name, _whole(name, value))

    return act


def _switch(name: str) -> Action:
    def act(state: State, value: Any, _accounts: list[Account]) -> None:
        if not isinstance(value, bool):
            raise ControlError(f"{name} must be true or false")
        setattr(state.settings, name, value)

    return act


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ControlError(f"{name} must be a whole number")
    return value


_RATES = ("requests_per_second", "requests_per_day", "token_requests_per_second")

ACTIONS: dict[str, Action] = {
    "rates": _rates,
    "used_today": _used_today,
    "revoke": _revoke,
    "unsubscribe": _unsubscribe,
    "delete_list": _delete_list,
    "privileges": _privileges,
    "refuse_email": _refuse_email,
    "email_max": _whole_setting("email_max"),
    "unknown_list_status": _whole_setting("unknown_list_status"),
    "access_token_seconds": _whole_setting("access_token_seconds"),
    "rotating": _switch("rotating"),
    "reuse_revokes": _switch("reuse_revokes"),
    "confirmed_opt_in": _switch("confirmed_opt_in"),
}
