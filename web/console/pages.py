"""All pages of the console, what their templates share, and their error pages."""

import re
import socket
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.exceptions import HTTPException

from shared.accounts.account_state import account_state
from shared.domain.durations import in_words
from shared.domain.errors import LedgerUnavailable, Refused, SpoolRefused
from shared.domain.holds_in_words import would_wait
from shared.domain.masked_email import masked_email
from shared.domain.phrases import counted, without_ids
from shared.domain.refusal_texts import where_from, why_refused
from shared.domain.short_ids import short_id
from shared.domain.state_words import count_words, reason_words, refusal_words, state_words
from shared.infrastructure.stored_records import collecting, left_out
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.registry import reading_names_once
from shared.operations.consent_words import consent_in_words
from shared.operations.operators import Role

# A page's module only has to be imported: its views are on `bp`.
from web.console import (  # noqa: F401
    accounts,
    alerts,
    another_list,
    audit,
    bp,
    connect,
    doctor,
    failed,
    form_editing,
    form_tests,
    form_websites,
    forms,
    guard,
    navigation,
    operator_key,
    operators,
    overview,
    profile,
    quarantine,
    search,
    second_factor,
    second_step,
    sign_in,
    signup_lists,
    signups,
)
from web.console.check_pages import page_for
from web.console.times import times_in
from web.security_headers import ALONE
from web.services import services

_NAME_OR_ID = re.compile(r"[\w.~-]{1,100}", re.ASCII)
WIZARD_STEPS = ("Application", "Log in", "Check", "Form and test")


@bp.context_processor
def template_context() -> dict[str, Any]:
    """Return what base.html and the components need on every page."""
    operator = g.get("operator")
    return {
        "operator": operator,
        "session_name": guard.session_name(),
        "may": lambda role: bool(operator and operator.role.may(Role(role))),
        "csrf_token": guard.csrf_token,
        "csrf_field": _csrf_field,
        "now": utc_now(),
        "page_for": lambda check: page_for(check, operator.role) if operator else None,
        "times_in": lambda sentence: times_in(sentence, utc_now()),
        "moment": _moment,
        "ago": _ago,
        "counted": counted,
        "without_ids": without_ids,
        "in_words": in_words,
        "would_wait": would_wait,
        "state_of": account_state,
        "wizard_steps": WIZARD_STEPS,
        "left_out": _left_out,
        "short_id": short_id,
        "state_words": state_words,
        "count_words": count_words,
        "reason_words": reason_words,
        "refusal_words": refusal_words,
        "consent_in_words": consent_in_words,
        "why_refused": why_refused,
        "where_from": where_from,
        "shown_email": _shown_email,
        "navigation": navigation.groups,
        "is_current": navigation.is_current,
    }


@bp.before_request
def note_what_is_read() -> None:
    """Note which stored records the page leaves out, as nobody can read them, and the names of
    accounts and forms for all parts of a page that changes nothing."""
    g.noting = ExitStack()
    g.unreadable = g.noting.enter_context(collecting())
    if request.method == "GET":
        g.noting.enter_context(reading_names_once())


@bp.teardown_request
def stop_noting(_: BaseException | None) -> None:
    if "noting" in g:
        g.pop("noting").close()


def _left_out() -> str | None:
    """Return what to say of records that this page leaves out, to who is signed in."""
    unreadable = g.get("unreadable")
    return left_out(unreadable) if unreadable and g.get("operator") else None


@bp.url_value_preprocessor
def refuse_sentences(_: str | None, values: dict[str, Any] | None) -> None:
    """Find nothing under what can be no name and no id. Anybody can make such an address, and the
    page would say it."""
    if not all(_NAME_OR_ID.fullmatch(value) for value in (values or {}).values()):
        abort(404)


@bp.after_request
def allow_scripts(response: Response) -> Response:
    """Allow our own scripts on the console's pages. Visitors' pages have no scripts."""
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        + ("; frame-src 'self'" if g.get("frames_own_pages") else "")
    )
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers.update(ALONE)
    return response


@bp.errorhandler(Refused)
def refused(error: Refused) -> ResponseReturnValue:
    return _problem(str(error), 400)


@bp.errorhandler(LedgerUnavailable)
def unavailable(error: LedgerUnavailable) -> ResponseReturnValue:
    """Show what is known while Redis is away; to strangers only that nothing is lost."""
    signed_in = guard.session_name() is not None
    page = render_template(
        "console/redis_away.html",
        problem=error.problem,
        host=socket.gethostname() if signed_in else None,
        accepts=services().can_spool(),
        waiting=_spooled_here(),
    )
    return page, 503


def _spooled_here() -> str | None:
    """Return what waits on this host's disk; None if the disk does not tell."""
    spool = services().spool
    try:
        figures = spool.figures() if spool.exists() else None
    except SpoolRefused:
        return None
    if figures is None or not figures.count:
        return "none"
    oldest = f", the oldest for {in_words(figures.oldest)}" if figures.oldest is not None else ""
    return f"{figures.count:,}{oldest}"


@bp.errorhandler(HTTPException)
def http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    return _problem(_SAID.get(status) or error.description or _NO_ANSWER, status)


_NO_ANSWER = "This request cannot be answered. Nothing was changed."
_SAID = {
    404: "There is no page at this address.",
    405: "This address is for a button of the console, so it shows nothing by itself. Nothing was"
    " changed. Go to the page that has the button.",
    413: "What you sent is too large, so nobody has read it. Nothing was changed. Go back, and send"
    " less at once.",
}
_UNEXPECTED = (
    "Something went wrong on our side. What you wanted to change may be changed or not: look at its"
    " page before you try again. The log of web says what went wrong."
)


def is_console(path: str) -> bool:
    """Whether `path`, as routes have it, is one of the console's, known or not."""
    return path == bp.url_prefix or path.startswith(f"{bp.url_prefix}/")


def error_outside(error: HTTPException) -> Response:
    """Answer a request below /console/ that has reached no view of it. Flask runs nothing of the
    blueprint for such a request."""
    response = allow_scripts(make_response(http_error(error)))
    if allow := error.get_response().headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def unexpected() -> Response:
    """Answer a request below /console/ that failed in a way that nobody expected."""
    return allow_scripts(make_response(_problem(_UNEXPECTED, 500)))


def _problem(sentence: str, status: int) -> ResponseReturnValue:
    guard.note_operator()
    given = {} if request.blueprint == bp.name else template_context()
    page = render_template(
        "console/problem.html",
        sentence=sentence,
        method=request.method,
        page_above=_page_above() if status == 405 else None,
        **given,
    )
    return page, status


def _page_above() -> str | None:
    """Return the page nearest above the address of a button, which leads back to that."""
    routes, path = current_app.create_url_adapter(request), request.path
    while routes and is_console(path := path.rpartition("/")[0]):
        if routes.test(path, method="GET"):
            return quote(request.root_path + path)
    return None


def _csrf_field() -> Markup:
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(guard.csrf_token())


def _shown_email(address: str) -> str:
    """Return the address as this operator may see it: viewers see it masked."""
    return address if g.operator.role.may(Role.OPERATOR) else masked_email(address)


def _moment(given: datetime | str | None) -> datetime | None:
    """Return the time as a `datetime`; it may be stored as text."""
    found = datetime.fromisoformat(given) if isinstance(given, str) else given
    return found.astimezone(UTC) if found else None


def _ago(moment: datetime) -> str:
    """Return the distance to now, such as ``2 h ago`` or ``in 3 d``."""
    span = moment - utc_now()
    if abs(span.total_seconds()) < 1:
        return "just now"
    words = in_words(abs(span))
    return f"in {words}" if span.total_seconds() > 0 else f"{words} ago"
