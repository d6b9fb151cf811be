"""``/api/v1/signups…``: looking at sign-ups, and what an operator does with one."""

from typing import Any

from shared.operations.operators import Role
from shared.operations.signup_documents import (
    event_documents,
    signup_details,
    signup_outlook,
    signup_summary,
    without_person,
)
from web.api import bp
from web.api.endpoint import endpoint
from web.api.filters import QuerySchema, SearchSchema, signup_filter
from web.api.guard import caller
from web.api.signup_schemas import CorrectionsSchema, PageOfSignupsSchema, SignupSchema
from web.services import services

# A sign-up whose state does not allow it is a conflict.
_OF_ONE = (404, 409)


@bp.get("/signups")
@endpoint(Role.VIEWER, query=QuerySchema(), answer=PageOfSignupsSchema())
def list_signups(query: dict[str, Any]) -> dict[str, Any]:
    """List sign-ups, the last received first."""
    return _page(query)


@bp.post("/signups/search")
@endpoint(Role.VIEWER, body=SearchSchema(), answer=PageOfSignupsSchema())
def search_signups(body: dict[str, Any]) -> dict[str, Any]:
    """List sign-ups, also those of one e-mail address."""
    return _page(body)


@bp.get("/signups/<id>")
@endpoint(Role.VIEWER, answer=SignupSchema(), refusals=_OF_ONE)
def show_signup(id: str) -> dict[str, Any]:
    """Return one sign-up with what was typed, the consent, and its history."""
    return _document(id)


@bp.patch("/signups/<id>")
@endpoint(Role.OPERATOR, body=CorrectionsSchema(), answer=SignupSchema(), refusals=_OF_ONE)
def correct_signup(id: str, body: dict[str, str | None]) -> dict[str, Any]:
    """Correct fields of a dead letter or quarantined sign-up. It is not sent by that."""
    changes = {name: value or "" for name, value in body.items()}
    services().operations.dead_letters.edit(id, changes)
    return _document(id)


@bp.post("/signups/<id>/retry")
@endpoint(Role.OPERATOR, answer=SignupSchema(), refusals=_OF_ONE)
def retry_signup(id: str) -> dict[str, Any]:
    """Send a dead letter again, now."""
    services().operations.one_signup.retry(id)
    return _document(id)


@bp.post("/signups/<id>/discard")
@endpoint(Role.OPERATOR, answer=SignupSchema(), refusals=_OF_ONE)
def discard_signup(id: str) -> dict[str, Any]:
    """Discard a dead letter or quarantined sign-up."""
    one_signup = services().operations.one_signup
    one_signup.finder.one(id)  # raises for one that nobody can read: it could not be answered
    one_signup.discard(id, "")
    return _document(id)


@bp.post("/signups/<id>/deliver")
@endpoint(Role.OPERATOR, answer=SignupSchema(), refusals=_OF_ONE)
def deliver_signup(id: str) -> dict[str, Any]:
    """Deliver a quarantined sign-up anyway."""
    services().operations.one_signup.deliver(id)
    return _document(id)


def _page(sent: dict[str, Any]) -> dict[str, Any]:
    lists = services().operations.lists
    page = lists.page(signup_filter(sent), cursor=sent.get("cursor"), limit=sent["limit"])
    found = [_for_caller(signup_summary(signup)) for signup in page.signups]
    return {"signups": found, "next": page.next}


def _document(id: str) -> dict[str, Any]:
    found = services().operations.one_signup.look(id)
    return _for_caller(
        {
            **signup_summary(found.signup),
            **signup_details(found.signup),
            **signup_outlook(found),
            "history": event_documents(found.history),
        }
    )


def _for_caller(document: dict[str, Any]) -> dict[str, Any]:
    return document if caller().role.may(Role.OPERATOR) else without_person(document)
