"""The gateway in front of the V3 API: what every call passes before and after its route.

In this order: the limits of the API key, the faults in force, the access token with its scope
and the user's privileges. Then the route in `contact_routes` or `account_routes` answers.
"""

import secrets

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import HTTPException

from sandbox import error_answers
from sandbox.api.sample_accounts import Account
from sandbox.calls import call_hooks
from sandbox.error_answers import ApiError, json_response
from sandbox.sandbox_state import current_state

bp = Blueprint("api", __name__, url_prefix="/v3")

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
# What a call needs: a scope of the token, and a privilege of its user.
_NEEDS: dict[str, tuple[str | None, str | None]] = {
    "api.sign_up_form": ("contact_data", "contacts:write"),
    "api.contacts": ("contact_data", "contacts:read"),
    "api.delete_contact": ("contact_data", "contacts:write"),
    "api.resubscribe": ("contact_data", "contacts:write"),
    "api.contact_lists": ("contact_data", "contacts:lists:read"),
    "api.contact_custom_fields": ("contact_data", "contacts:read"),
    "api.account_summary": ("account_read", "account:read"),
}


def calling_account() -> Account:
    """Return the account that the access token of this call belongs to."""
    account: Account = g.account
    return account


@bp.before_request
def count_and_limit() -> Response | None:
    """Count the call for its key's second and day; refuse it over the limit."""
    state = current_state()
    with state.lock:
        at, rules = state.monotonic(), state.rules
        # A call with an unknown token has no key of its own, so the first application pays.
        client_id = state.tokens.client_id_of(_bearer()) or state.applications.first_id
        for counts in state.stats.counts(client_id):
            counts.count_call(at)
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
    return error_answers.refused(refusal).response()


bp.before_request(call_hooks.apply_fault)


@bp.before_request
def check_token() -> None:
    """Find out who calls, and refuse the call if its token does not allow it."""
    state = current_state()
    with state.lock:
        grant = state.tokens.holder(_bearer())
        if grant is None:
            raise error_answers.gateway(401)
        account = state.accounts[grant.account_id]
        privileges = account.privileges(state.user(account.id, grant.login))
    scope, privilege = _NEEDS.get(request.endpoint or "", (None, None))
    if (scope and scope not in grant.scopes) or (privilege and privilege not in privileges):
        raise error_answers.gateway(403)
    g.account, g.privileges = account, privileges


@bp.before_request
def refuse_overlap() -> None:
    """Refuse a sign-up while another call changes the contact with the same address."""
    if request.endpoint != "api.sign_up_form":
        return
    payload = request.get_json(silent=True)
    email = payload.get("email_address") if isinstance(payload, dict) else None
    if not isinstance(email, str):
        return
    state, key = current_state(), (calling_account().id, email.casefold())
    if not state.begin_change(key):
        with state.lock:
            state.stats.overlapping_same_email += 1
        raise error_answers.conflict()
    g.changing = key


bp.before_request(call_hooks.apply_latency)

# Flask runs these in reverse: the last one registered sees the answer first.
bp.after_request(call_hooks.count_answer)


@bp.after_request
def add_gateway_headers(response: Response) -> Response:
    """Add the ids that Constant Contact's support asks for."""
    for name in ("x-amzn-RequestId", "x-eig-tracking-id"):
        response.headers[name] = secrets.token_hex(16)
    response.headers["x-amz-apigw-id"] = secrets.token_urlsafe(11)
    return response


bp.after_request(call_hooks.replace_answer)


@bp.after_request
def end_change(response: Response) -> Response:
    """Let others change the contact. The work is done, even if a lost answer still hangs."""
    if "changing" in g:
        current_state().end_change(g.pop("changing"))
    return response


@bp.errorhandler(ApiError)
def refused(error: ApiError) -> Response:
    return error.response()


@bp.errorhandler(HTTPException)
def unknown(error: HTTPException) -> Response:
    status = error.code or 500
    return json_response(error_answers.body_for(status), status)


@bp.route("/", defaults={"rest": ""}, methods=_METHODS)
@bp.route("/<path:rest>", methods=_METHODS)
def unknown_path(rest: str) -> Response:
    raise error_answers.not_found(f"The requested resource was not found: /v3/{rest}")


def _bearer() -> str:
    """Return the access token of this call; blank without one."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else ""
