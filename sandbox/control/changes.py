"""The changes that ``POST /sandbox/control`` can make, one function for each key.

Each function gets ``(state, value, target)``; the caller holds the state's lock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any, get_args

from sandbox.api.contacts import Contact
from sandbox.api.sample_accounts import PRIVILEGES, Account
from sandbox.oauth.registered_applications import Application, is_web_address
from sandbox.rules import Jwks
from sandbox.sandbox_state import State


class ControlError(Exception):
    """The control call is invalid; the rest of it was not carried out."""


@dataclass(frozen=True, slots=True)
class Target:
    """The accounts and applications that a change applies to: those named, or all."""

    accounts: list[Account]
    applications: list[Application]


Action = Callable[[State, Any, Target], None]


def _applications(state: State, value: Any, _target: Target) -> None:
    """``[{"client_id", "client_secret", "redirect_uris", "rotating"}]``"""
    if not isinstance(value, list):
        raise ControlError("applications must be a list")
    for application in [_application(state, each) for each in value]:
        state.applications.register(application)


def _application(state: State, wanted: Any) -> Application:
    """Return the application as described; a known one keeps what is left out."""
    known = ("client_id", "client_secret", "redirect_uris", "rotating")
    if not isinstance(wanted, dict) or wanted.keys() - set(known):
        raise ControlError(f"an application is an object with {', '.join(known)}")
    changed = {name: _field(name, value) for name, value in wanted.items()}
    present = state.applications.find(changed.get("client_id", ""))
    if present is not None:
        return replace(present, **changed)
    if not {"client_id", "client_secret"} <= changed.keys():
        raise ControlError("a new application needs client_id and client_secret")
    return Application(**changed)


def _field(name: str, value: Any) -> Any:
    """Return the field's value as stored. It may be a secret, so no error repeats it."""
    match name, value:
        case (("client_id" | "client_secret"), str()) if value:
            return value
        case "redirect_uris", None:
            return None
        case "redirect_uris", list() if all(is_web_address(str(each)) for each in value):
            return tuple(value)
        case "rotating", (bool() | None):
            return value
        case _:
            raise ControlError(f"this cannot be the {name} of an application")


def _rates(state: State, value: Any, _target: Target) -> None:
    """``{"requests_per_second", "requests_per_day", "token_requests_per_second", "window"}``"""
    if not isinstance(value, dict):
        raise ControlError("rates must be an object")
    for name, rate in value.items():
        if name == "window" and rate in ("rolling", "fixed"):
            state.rules.fixed_window = rate == "fixed"
        elif name in _RATES and type(rate) is int and rate >= 0:
            setattr(state.rules, name, rate)
        else:
            raise ControlError(f"rates: {name} cannot be {rate!r}")


def _used_today(state: State, value: Any, target: Target) -> None:
    used = _whole("used_today", value)
    for application in target.applications:
        state.limits[application.client_id].day.set_used(state.now(), used)


def _revoke(state: State, value: Any, target: Target) -> None:
    """``"access"``, ``"refresh"`` or ``"all"``"""
    if value not in ("access", "refresh", "all"):
        raise ControlError('revoke must be "access", "refresh" or "all"')
    state.tokens.revoke(
        {each.id for each in target.accounts},
        {each.client_id for each in target.applications},
        access=value != "refresh",
        refresh=value != "access",
    )


def _unsubscribe(state: State, value: Any, target: Target) -> None:
    """An address, or ``{"email", "at"}`` with the time of opting out in seconds since 1970."""
    wanted = value if isinstance(value, dict) else {"email": value}
    at = _number("unsubscribe", wanted["at"]) if "at" in wanted else state.now()
    for contact in _with_address(state, wanted.get("email"), target):
        state.contacts.unsubscribe(contact, now=at)


def _confirm(state: State, value: Any, target: Target) -> None:
    """The address of a contact who got a confirmation mail."""
    for contact in _with_address(state, value, target):
        if not contact.may_confirm:
            raise ControlError("this contact has no confirmation mail to answer")
        state.contacts.confirm(contact, now=state.now())


def _with_address(state: State, email: object, target: Target) -> list[Contact]:
    found = list(state.contacts.with_address(str(email), [each.id for each in target.accounts]))
    if not found:
        raise ControlError("no contact has this address")
    return found


def _delete_list(state: State, value: Any, target: Target) -> None:
    if not state.delete_list(str(value), target.accounts):
        raise ControlError(f"no such list: {value}")


def _privileges(_state: State, value: Any, target: Target) -> None:
    """``{"remove": ["contacts:write"]}``, or ``"restore"``"""
    removed = value.get("remove", []) if isinstance(value, dict) else []
    if value != "restore" and not (removed and set(removed) <= PRIVILEGES.keys()):
        raise ControlError('privileges must be "restore" or {"remove": [some of their names]}')
    for account in target.accounts:
        if value == "restore":
            account.removed_privileges.clear()
        account.removed_privileges |= set(removed)


def _refuse_email(state: State, value: Any, _target: Target) -> None:
    """One address or a list of them; they replace those refused so far."""
    refused: Iterable[Any] = [value] if isinstance(value, str) else value
    state.rules.refused_emails = {str(each).casefold() for each in refused or ()}


def _lists(state: State, value: Any, target: Target) -> None:
    """The number of lists of each account."""
    count = _whole("lists", value)
    for account in target.accounts:
        state.set_lists(account, count)


def _confirmed_opt_in(_state: State, value: Any, target: Target) -> None:
    on = _true_or_false("confirmed_opt_in", value)
    for account in target.accounts:
        account.confirmed_opt_in = on


def _jwks(state: State, value: Any, _target: Target) -> None:
    """``"on"``, ``"off"`` or ``"wrong_key"``"""
    if value not in get_args(Jwks):
        raise ControlError(f"jwks must be one of: {', '.join(get_args(Jwks))}")
    state.rules.jwks = value


def _clock_offset(state: State, value: Any, _target: Target) -> None:
    state.rules.clock_offset_seconds = _number("clock_offset_seconds", value)


def _device_interval(state: State, value: Any, _target: Target) -> None:
    interval = _number("device_interval_seconds", value)
    if interval < 0:
        raise ControlError("device_interval_seconds must not be negative")
    state.rules.device_interval_seconds = interval


def _whole_setting(name: str) -> Action:
    def act(state: State, value: Any, _target: Target) -> None:
        setattr(state.rules, name, _whole(name, value))

    return act


def _switch(name: str) -> Action:
    def act(state: State, value: Any, _target: Target) -> None:
        setattr(state.rules, name, _true_or_false(name, value))

    return act


def _whole(name: str, value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ControlError(f"{name} must be a whole number")
    return value


def _number(name: str, value: Any) -> float:
    if type(value) not in (int, float) or not isfinite(value):
        raise ControlError(f"{name} must be a number")
    number: float = value
    return number


def _true_or_false(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ControlError(f"{name} must be true or false")
    return value


_RATES = ("requests_per_second", "requests_per_day", "token_requests_per_second")

# In the order in which a control call carries them out.
ACTIONS: dict[str, Action] = {
    "applications": _applications,
    "rates": _rates,
    "used_today": _used_today,
    "revoke": _revoke,
    "unsubscribe": _unsubscribe,
    "confirm": _confirm,
    "lists": _lists,
    "delete_list": _delete_list,
    "privileges": _privileges,
    "refuse_email": _refuse_email,
    "email_max": _whole_setting("email_max"),
    "unknown_list_status": _whole_setting("unknown_list_status"),
    "access_token_seconds": _whole_setting("access_token_seconds"),
    "rotating": _switch("rotating"),
    "reuse_revokes": _switch("reuse_revokes"),
    "confirmed_opt_in": _confirmed_opt_in,
    "device_refresh": _switch("device_refresh"),
    "device_interval_seconds": _device_interval,
    "jwks": _jwks,
    "clock_offset_seconds": _clock_offset,
}
