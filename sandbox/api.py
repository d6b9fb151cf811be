"""The V3 API itself: contacts, lists, custom fields and the account.

Every call passes, in this order: the limits of the API key, the faults in force, the
access token with its scope and the user's privileges, and only then the view.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest, HTTPException

from sandbox import errors, gate
from sandbox.accounts import PRIVILEGES, Account, ContactList, CustomField
from sandbox.contacts import Contact, iso
from sandbox.errors import ApiError, json_response
from sandbox.paging import Page, flag, query
from sandbox.state import State, current_state
from sandbox.stats import Delivery
from sandbox.validation import (
    is_uuid,
    resubscribe_problems,
    sign_up_problems,
)

bp = Blueprint("api", __name__, url_prefix="/v3")

# What ``status`` may say, several with commas between.
_STATUSES = {
    "all",
    "active",
    "deleted",
    "not_set",
    "pending_confirmation",
    "temp_hold",
    "unsubscribed",
}
# What a call needs: a scope of the token, and a privilege of the user it belongs to.
_NEEDS: dict[str, tuple[str | None, str | None]] = {
    "api.sign_up_form": ("contact_data", "contacts:write"),
    "api.contacts": ("contact_data", "contacts:read"),
    "api.delete_contact": ("contact_data", "contacts:write"),
    "api.resubscribe": ("contact_data", "contacts:write"),
    "api.contact_lists": ("contact_data", "contacts:lists:read"),
    "api.contact_custom_fields": ("contact_data", "contacts:read"),
    "api.account_summary": ("account_read", "account:read"),
}
_ACCOUNT_CREATED_AT = "2024-03-01T09:00:00Z"


# --- The way in and out of every call


@bp.before_request
def count_and_limit() -> Response | None:
    """Count the call against its key's second and day; refuse it over the limit."""
    state = current_state()
    with state.lock:
        at, rules = state.monotonic(), state.settings
        # Someone has to bear the calls whose token says nothing.
        client_id = state.tokens.client_id_of(_bearer()) or state.applications.first_id
        for counts in state.stats.counts(client_id):
            counts.arrived(at)
        refusal = state.limits[client_id].refusal(
            now=state.now(),
            at=at,
            per_second=rules.requests_per_second,
            per_day=rules.requests_per_day,
            fixed=rules.fixed_window,
        )
        if refusal is None:
            return None
        for counts in state.stats.counts(client_id):
            counts.refusals[refusal] += 1
    return errors.refused(refusal).response()


bp.before_request(gate.meet_fault)


@bp.before_request
def check_token() -> None:
    """Find out who calls, and whether they may."""
    state = current_state()
    with state.lock:
        grant = state.tokens.holder(_bearer())
        if grant is None:
            raise errors.gateway(401)
        account = state.accounts[grant.account_id]
        privileges = account.privileges(state.user(account.id, grant.login))
    scope, privilege = _NEEDS.get(request.endpoint or "", (None, None))
    if (scope and scope not in grant.scopes) or (privilege and privilege not in privileges):
        raise errors.gateway(403)
    g.account, g.privileges = account, privileges


@bp.before_request
def keep_others_off() -> None:
    """Refuse a sign-up while another one for the same address is under way."""
    if request.endpoint != "api.sign_up_form":
        return
    payload = request.get_json(silent=True)
    email = payload.get("email_address") if isinstance(payload, dict) else None
    if not isinstance(email, str):
        return
    state, key = current_state(), (_account().id, email.casefold())
    if not state.begin_change(key):
        with state.lock:
            state.stats.overlapping_same_email += 1
        raise errors.conflict()
    g.changing = key


bp.before_request(gate.meet_latency)

# Flask runs these backwards: the last one registered sees the answer first.
bp.after_request(gate.count_answer)


@bp.after_request
def add_gateway_headers(response: Response) -> Response:
    """Add the ids that Constant Contact's support asks for."""
    for name in ("x-amzn-RequestId", "x-eig-tracking-id"):
        response.headers[name] = secrets.token_hex(16)
    response.headers["x-amz-apigw-id"] = secrets.token_urlsafe(11)
    return response


bp.after_request(gate.lose_answer)


@bp.after_request
def let_others_in(response: Response) -> Response:
    """End the change before a lost answer hangs: by then the work is done."""
    if "changing" in g:
        current_state().end_change(g.pop("changing"))
    return response


@bp.errorhandler(ApiError)
def refused(error: ApiError) -> Response:
    return error.response()


@bp.errorhandler(HTTPException)
def unknown(error: HTTPException) -> Response:
    status = error.code or 500
    return json_response(errors.body_for(status), status)


# --- Contacts


@bp.post("/contacts/sign_up_form")
def sign_up_form() -> Response:
    """Create or update a contact by its e-mail address."""
    payload = _json_body()
    state, account = current_state(), _account()
    with state.lock:
        _check_sign_up(state, account, payload)
        now = state.now()
        contact, created = state.contacts.sign_up(
            account.id, payload, now=now, confirm=account.confirmed_opt_in
        )
        action = "created" if created else "updated"
        state.stats.delivered(
            contact.email,
            Delivery(
                at=now,
                monotonic=state.monotonic(),
                account=account.organization,
                contact_id=contact.contact_id,
                action=action,
                payload=payload,
                answer_lost=g.verdict.after_work is not None,
            ),
        )
    body = {"contact_id": contact.contact_id, "action": action}
    return json_response(body, 201 if created else 200)


@bp.get("/contacts")
def contacts() -> Response:
    """List contacts: by address, status, list or time of change."""
    state, account, wanted = current_state(), _account(), query()
    with state.lock:
        found = _found(state, account, wanted)
        page = Page.of(found, wanted, default=50, most=500)
        include = set(filter(None, wanted.get("include", "").split(",")))
        body: dict[str, Any] = {"contacts": [_contact_json(each, include) for each in page.items]}
    if flag(wanted, "include_count"):
        body["contacts_count"] = len(found)
    return json_response(body | page.links())


@bp.delete("/contacts/<contact_id>")
def delete_contact(contact_id: str) -> Response:
    """Delete a contact; a later sign-up brings it back."""
    state = current_state()
    with state.lock:
        state.contacts.delete(_living(state, contact_id), now=state.now())
    return Response(status=204)


@bp.put("/contacts/resubscribe/<contact_id>")
def resubscribe(contact_id: str) -> Response:
    """Ask an unsubscribed contact, once, by mail; they are put back when they confirm."""
    payload = _json_body()
    problems = resubscribe_problems(payload)
    if problems:
        raise errors.invalid(*problems)
    state, account = current_state(), _account()
    with state.lock:
        contact = _living(state, contact_id)
        _check_lists(state, account, payload["list_ids"])
        if contact.permission != "unsubscribed":
            raise errors.invalid("The contact is not unsubscribed.")
        if contact.asked_at is not None:
            raise errors.asked_already()
        state.contacts.ask(contact, payload["list_ids"], now=state.now())
        state.stats.asked.append(contact.email)
    return json_response({"contact_id": contact.contact_id})


# --- Lists, custom fields, account


@bp.get("/contact_lists")
def contact_lists() -> Response:
    """List the lists, fifty a page."""
    state, account, wanted = current_state(), _account(), query()
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
    page = Page.of(list(_account().custom_fields.values()), query(), default=50, most=100)
    body = {"custom_fields": [_field_json(each) for each in page.items]}
    return json_response(body | page.links())


@bp.get("/account/summary")
def account_summary() -> Response:
    """Say whose account it is."""
    account = _account()
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
    """Say what the connected user may do; needs no scope and no privilege itself."""
    return json_response(
        [{"privilege_id": PRIVILEGES[name], "privilege_name": name} for name in g.privileges]
    )


@bp.route("/", defaults={"rest": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
@bp.route("/<path:rest>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def nothing_here(rest: str) -> Response:
    raise errors.not_found(f"The requested resource was not found: /v3/{rest}")


# --- How things are read and written


def _bearer() -> str:
    """Return the access token of this call; blank without one."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else ""


def _account() -> Account:
    account: Account = g.account
    return account


def _json_body() -> dict[str, Any]:
    if request.mimetype != "application/json":
        message = "The content type must be application/json."
        raise ApiError(415, [errors.entry("contacts.api.unsupported_media_type", message)])
    try:
        body: dict[str, Any] = request.get_json()
    except BadRequest as error:
        raise errors.invalid("The request body is not valid JSON.") from error
    return body


def _check_sign_up(state: State, account: Account, payload: dict[str, Any]) -> None:
    """Raise the error that the API answers with, unless it would take the sign-up."""
    rules = state.settings
    problems = sign_up_problems(payload, email_max=rules.email_max)
    if problems:
        raise errors.invalid(*problems)
    if payload.get("email_address", "").casefold() in rules.refused_emails:
        raise errors.invalid("email_address does not have a valid value")
    for given in payload.get("custom_fields", ()):
        if given["custom_field_id"].lower() not in account.custom_fields:
            raise errors.invalid(f"custom_field_id {given['custom_field_id']} does not exist")
    _check_lists(state, account, payload["list_memberships"])


def _check_lists(state: State, account: Account, list_ids: Sequence[str]) -> None:
    for list_id in list_ids:
        known = account.lists.get(list_id.lower())
        if known is None or known.deleted_at:
            raise _unknown_list(list_id, state.settings.unknown_list_status)


def _living(state: State, contact_id: str) -> Contact:
    """Return the account's contact with this id that is not deleted; raises the error."""
    if not is_uuid(contact_id):
        message = "contact_id is in an invalid format."
        raise ApiError(400, [errors.entry(errors.NOT_FOUND, message)])
    contact = state.contacts.get(contact_id)
    if contact is None or contact.account_id != _account().id or contact.deleted_at:
        raise errors.not_found()
    return contact


def _unknown_list(list_id: str, status: int) -> ApiError:
    message = f"list_id {list_id} does not exist"
    return errors.not_found(message) if status == 404 else errors.invalid(message)


def _found(state: State, account: Account, wanted: dict[str, str]) -> list[Contact]:
    """Return the contacts that a query asks for; by address without a look at the others."""
    if "email" in wanted:
        contact = state.contacts.find(account.id, wanted["email"])
        candidates: Sequence[Contact] = [contact] if contact else []
    else:
        candidates = state.contacts.of(account.id)
    return [each for each in candidates if _matches(each, wanted)]


def _matches(contact: Contact, wanted: dict[str, str]) -> bool:
    if "lists" in wanted and not set(wanted["lists"].lower().split(",")) & set(contact.list_ids):
        return False
    if "updated_after" in wanted and iso(contact.updated_at) <= wanted["updated_after"]:
        return False
    if "status" not in wanted:
        return contact.deleted_at is None
    statuses = set(wanted["status"].split(","))
    if not statuses <= _STATUSES:
        raise errors.invalid("status does not have a valid value")
    return bool(statuses & {"all", _status(contact)})


def _status(contact: Contact) -> str:
    """Return the value of ``status`` that finds this contact and not simply all."""
    if contact.deleted_at:
        return "deleted"
    return "active" if contact.permission in ("explicit", "implicit") else contact.permission


def _contact_json(contact: Contact, include: set[str]) -> dict[str, Any]:
    known = contact.properties
    body: dict[str, Any] = {
        "contact_id": contact.contact_id,
        "email_address": _email_json(contact),
        "create_source": "Contact",
        "update_source": "Contact",
        "created_at": iso(contact.created_at),
        "updated_at": iso(contact.updated_at),
    }
    plain = known.keys() - {"phone_number", "street_address", "sms_channel"}
    body |= {name: known[name] for name in sorted(plain)}
    if contact.deleted_at:
        body["deleted_at"] = iso(contact.deleted_at)
    return body | {name: value for name, value in _parts(contact).items() if name in include}


def _email_json(contact: Contact) -> dict[str, Any]:
    body: dict[str, Any] = {
        "address": contact.email,
        "permission_to_send": contact.permission,
        "created_at": iso(contact.created_at),
        "updated_at": iso(contact.updated_at),
        "confirm_status": contact.confirm_status,
        "opt_in_source": "Contact",
    }
    if contact.opt_in_date:
        body["opt_in_date"] = iso(contact.opt_in_date)
    if contact.opt_out_date:
        body |= {
            "opt_out_source": "Contact",
            "opt_out_date": iso(contact.opt_out_date),
            "opt_out_reason": contact.opt_out_reason,
        }
    return body


def _parts(contact: Contact) -> dict[str, list[Any]]:
    """Return the parts of a contact that are only given on request, with ``include``."""
    known = contact.properties
    phone, street = known.get("phone_number"), known.get("street_address")
    return {
        "custom_fields": [
            {"custom_field_id": each, "value": value}
            for each, value in contact.custom_fields.items()
        ],
        "list_memberships": contact.list_ids,
        "phone_numbers": [{"phone_number": phone, "kind": "other"}] if phone else [],
        "street_addresses": [street] if street else [],
        "taggings": [],
        "notes": [],
    }


def _list_matches(each: ContactList, wanted: dict[str, str]) -> bool:
    if "name" in wanted and each.name != wanted["name"]:
        return False
    status = wanted.get("status", "active")
    return status == "all" or (status == "deleted") == bool(each.deleted_at)


def _members(state: State, account: Account, which: str | None) -> dict[str, int] | None:
    """Return how many contacts each list has; None when nobody asked."""
    if which is None:
        return None
    if which not in ("all", "active"):
        raise errors.invalid("include_membership_count does not have a valid value")
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
