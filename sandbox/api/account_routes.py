"""The routes of an account: its lists, its custom fields, its summary and its privileges."""

from typing import Any

from flask import Response, g, request

from sandbox import error_answers
from sandbox.api.gateway import bp, calling_account
from sandbox.api.paging import Page, flag, query
from sandbox.api.sample_accounts import PRIVILEGES, Account, ContactList, CustomField
from sandbox.error_answers import json_response
from sandbox.sandbox_state import State, current_state

_ACCOUNT_CREATED_AT = "2024-03-01T09:00:00Z"


@bp.get("/contact_lists")
def contact_lists() -> Response:
    """List the lists, fifty a page."""
    state, account, wanted = current_state(), calling_account(), query()
    with state.lock:
        found = [each for each in account.lists.values() if _list_matches(each, wanted)]
        page = Page.of(found, wanted, default=50, most=1000)
        members = _members(state, account, wanted.get("include_membership_count"))
        body: dict[str, Any] = {"lists": [_list_json(each, members) for each in page.items]}
    if flag(wanted, "include_count"):
        body["lists_count"] = len(found)
    return json_response(body | page.links())


@bp.get("/contact_custom_fields")
def contact_custom_fields() -> Response:
    page = Page.of(list(calling_account().custom_fields.values()), query(), default=50, most=100)
    body = {"custom_fields": [_field_json(each) for each in page.items]}
    return json_response(body | page.links())


@bp.get("/account/summary")
def account_summary() -> Response:
    """Show the account's name, address and owner."""
    account = calling_account()
    owner = account.users[0]
    body: dict[str, Any] = {
        "contact_email": owner.login,
        "contact_phone": account.phone,
        "country_code": "US",
        "encoded_account_id": account.id,
        "first_name": owner.login.partition("@")[0].title(),
        "last_name": "Example",
        "organization_name": account.organization,
        "organization_phone": account.phone,
        "state_code": account.state_code,
        "time_zone_id": "US/Eastern",
        "website": account.website,
    }
    if "physical_address" in request.args.get("extra_fields", "").split(","):
        body["physical_address"] = {
            "address_line1": "1 Market Square",
            "city": account.city,
            "state_code": account.state_code,
            "country_code": "US",
        }
    return json_response(body)


@bp.get("/account/user/privileges")
def user_privileges() -> Response:
    """List the privileges of the connected user; needs no scope and no privilege itself."""
    return json_response(
        [{"privilege_id": PRIVILEGES[name], "privilege_name": name} for name in g.privileges]
    )


def _list_matches(each: ContactList, wanted: dict[str, str]) -> bool:
    if "name" in wanted and each.name != wanted["name"]:
        return False
    status = wanted.get("status", "active")
    return status == "all" or (status == "deleted") == bool(each.deleted_at)


def _members(state: State, account: Account, which: str | None) -> dict[str, int] | None:
    """Return how many contacts each list has; None if the query does not ask for it."""
    if which is None:
        return None
    if which not in ("all", "active"):
        raise error_answers.invalid("include_membership_count does not have a valid value")
    counts = dict.fromkeys(account.lists, 0)
    for contact in state.contacts.of(account.id):
        if which == "all" or contact.permission != "unsubscribed":
            for list_id in contact.list_ids:
                counts[list_id] += 1
    return counts


def _list_json(each: ContactList, members: dict[str, int] | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "list_id": each.list_id,
        "name": each.name,
        "description": each.description,
        "favorite": False,
        "created_at": _ACCOUNT_CREATED_AT,
        "updated_at": each.deleted_at or _ACCOUNT_CREATED_AT,
    }
    if each.deleted_at:
        body["deleted_at"] = each.deleted_at
    if members is not None:
        body["membership_count"] = members[each.list_id]
    return body


def _field_json(each: CustomField) -> dict[str, Any]:
    body: dict[str, Any] = {
        "custom_field_id": each.custom_field_id,
        "label": each.label,
        "name": each.name,
        "type": each.type,
        "version": 1,
        "created_at": _ACCOUNT_CREATED_AT,
        "updated_at": _ACCOUNT_CREATED_AT,
    }
    if each.choices:
        body["choices"] = [
            {"choice_id": number, "choice_label": label, "display_order": number}
            for number, label in enumerate(each.choices, start=1)
        ]
    return body
