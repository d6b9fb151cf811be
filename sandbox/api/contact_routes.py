"""The routes of contacts: sign up, list, delete, resubscribe."""

from collections.abc import Sequence
from typing import Any

from flask import Response, g, request
from werkzeug.exceptions import BadRequest

from sandbox import error_answers
from sandbox.api.contact_json import contact_json, search_status
from sandbox.api.contacts import Contact, iso
from sandbox.api.gateway import bp, calling_account
from sandbox.api.paging import Page, flag, query
from sandbox.api.sample_accounts import Account
from sandbox.api.sign_up_schema import is_uuid, resubscribe_problems, sign_up_problems
from sandbox.calls.stats import Delivery
from sandbox.error_answers import ApiError, json_response
from sandbox.sandbox_state import State, current_state

# The values of ``status``; a query may list several with commas.
_STATUSES = {
    "all",
    "active",
    "deleted",
    "not_set",
    "pending_confirmation",
    "temp_hold",
    "unsubscribed",
}


@bp.post("/contacts/sign_up_form")
def sign_up_form() -> Response:
    """Create or update a contact by its e-mail address."""
    payload = _json_body()
    state, account = current_state(), calling_account()
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
                answer_lost=g.fault_effect.after_work is not None,
            ),
        )
    body = {"contact_id": contact.contact_id, "action": action}
    return json_response(body, 201 if created else 200)


@bp.get("/contacts")
def contacts() -> Response:
    """List contacts: by address, status, list or time of change."""
    state, account, wanted = current_state(), calling_account(), query()
    with state.lock:
        found = _search(state, account, wanted)
        page = Page.of(found, wanted, default=50, most=500)
        include = set(filter(None, wanted.get("include", "").split(",")))
        body: dict[str, Any] = {"contacts": [contact_json(each, include) for each in page.items]}
    if flag(wanted, "include_count"):
        body["contacts_count"] = len(found)
    return json_response(body | page.links())


@bp.delete("/contacts/<contact_id>")
def delete_contact(contact_id: str) -> Response:
    """Delete a contact; a later sign-up brings it back."""
    state = current_state()
    with state.lock:
        state.contacts.delete(_existing_contact(state, contact_id), now=state.now())
    return Response(status=204)


@bp.put("/contacts/resubscribe/<contact_id>")
def resubscribe(contact_id: str) -> Response:
    """Send an unsubscribed contact the one mail in which they can confirm that they return."""
    payload = _json_body()
    problems = resubscribe_problems(payload)
    if problems:
        raise error_answers.invalid(*problems)
    state, account = current_state(), calling_account()
    with state.lock:
        contact = _existing_contact(state, contact_id)
        _check_lists(state, account, payload["list_ids"])
        if contact.permission != "unsubscribed":
            raise error_answers.invalid("The contact is not unsubscribed.")
        if contact.asked_at is not None:
            raise error_answers.asked_already()
        state.contacts.send_confirmation(contact, payload["list_ids"], now=state.now())
        state.stats.confirmation_mails.append(contact.email)
    return json_response({"contact_id": contact.contact_id})


def _json_body() -> dict[str, Any]:
    if request.mimetype != "application/json":
        message = "The content type must be application/json."
        raise ApiError(415, [error_answers.entry("contacts.api.unsupported_media_type", message)])
    try:
        body: dict[str, Any] = request.get_json()
    except BadRequest as error:
        raise error_answers.invalid("The request body is not valid JSON.") from error
    return body


def _check_sign_up(state: State, account: Account, payload: dict[str, Any]) -> None:
    """Raise the API's error unless it would accept the sign-up."""
    rules = state.rules
    problems = sign_up_problems(payload, email_max=rules.email_max)
    if problems:
        raise error_answers.invalid(*problems)
    if payload.get("email_address", "").casefold() in rules.refused_emails:
        raise error_answers.invalid("email_address does not have a valid value")
    for given in payload.get("custom_fields", ()):
        if given["custom_field_id"].lower() not in account.custom_fields:
            raise error_answers.invalid(
                f"custom_field_id {given['custom_field_id']} does not exist"
            )
    _check_lists(state, account, payload["list_memberships"])


def _check_lists(state: State, account: Account, list_ids: Sequence[str]) -> None:
    for list_id in list_ids:
        known = account.lists.get(list_id.lower())
        if known is None or known.deleted_at:
            raise _unknown_list(list_id, state.rules.unknown_list_status)


def _existing_contact(state: State, contact_id: str) -> Contact:
    """Return the account's contact with this id; raise the API's error if there is none."""
    if not is_uuid(contact_id):
        message = "contact_id is in an invalid format."
        raise ApiError(400, [error_answers.entry(error_answers.NOT_FOUND, message)])
    contact = state.contacts.get(contact_id)
    if contact is None or contact.account_id != calling_account().id or contact.deleted_at:
        raise error_answers.not_found()
    return contact


def _unknown_list(list_id: str, status: int) -> ApiError:
    message = f"list_id {list_id} does not exist"
    return error_answers.not_found(message) if status == 404 else error_answers.invalid(message)


def _search(state: State, account: Account, wanted: dict[str, str]) -> list[Contact]:
    """Return the contacts that a query asks for; a query by address reads only that contact."""
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
        raise error_answers.invalid("status does not have a valid value")
    return bool(statuses & {"all", search_status(contact)})
