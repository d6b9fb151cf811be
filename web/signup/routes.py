"""The form routes: ``/f/<form>`` takes sign-ups and shows the hosted form."""

import logging
import math

from flask import Blueprint, Response, current_app, g, make_response, render_template, request
from flask.typing import ResponseReturnValue

from shared.domain.errors import (
    FieldError,
    InvalidSignup,
    KeyReused,
    LedgerUnavailable,
    Refused,
    VisitorLimited,
)
from shared.domain.form import Form
from shared.domain.posted_fields import instruction
from shared.infrastructure.settings import Settings
from web.signup.form_cache import FormCache
from web.signup.form_page import form_page
from web.signup.intake import Intake, Receipt, Visit
from web.signup.origins import Source, cors_headers, first_page, source_of
from web.signup.reading import Posted, Unreadable, read_posted, wants_json
from web.signup.redis_deadline import Allowance, RedisDeadline

log = logging.getLogger(__name__)

bp = Blueprint("forms", __name__)

THANKS = "Thank you! Your sign-up has been received."
RETRY_AFTER_SECONDS = 5


class _Closed(Exception):
    """The form does not take this sign-up whatever is in it: 403, 404 or 410."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@bp.get("/f/<name>", provide_automatic_options=False)
def show(name: str) -> ResponseReturnValue:
    """Show the hosted form."""
    form = _find(name, _budget().allowance())
    _allow_form(form)
    return render_template("form.html", page=form_page(form, {}))


@bp.get("/f/<name>/thanks")
def thanks(name: str) -> ResponseReturnValue:
    """Thank those whose form names no page of its own."""
    return render_template("thanks.html", form=_find(name, _budget().allowance()))


@bp.route("/f/<name>", methods=["OPTIONS"], provide_automatic_options=False)
def preflight(name: str) -> ResponseReturnValue:
    """Answer a browser that asks whether a page may post here; an unknown form is told later."""
    try:
        _find(name, _budget().allowance())
    except (_Closed, LedgerUnavailable):
        log.debug("preflight for a form that cannot be used")
    return "", 204


@bp.post("/f/<name>", provide_automatic_options=False)
def sign_up(name: str) -> ResponseReturnValue:
    """Store a sign-up, then answer: 303 to the next page, or 202 where JSON is wanted.

    By then it is safe, whatever becomes of the delivery. After a 503 it may or may not be
    stored, and sending it again is right in both cases.
    """
    allowance = _budget().allowance()
    try:
        form = _find(name, allowance)
    except LedgerUnavailable:
        g.posted = read_posted(request)  # kept on the error page
        raise
    source = _source()
    if not source.may_post(form):
        raise _Closed(403, _origin_refused(form, source))
    g.posted = posted = read_posted(request)
    source = first_page(source, posted)
    receipt = _intake().accept(
        form,
        posted,
        Visit(address=request.remote_addr or "", page=source.page),
        idempotency_key=request.headers.get("Idempotency-Key") or None,
        ask=allowance.ask,
    )
    return _received(form, posted, source, receipt)


@bp.after_request
def allow_pages_to_read(response: Response) -> Response:
    """Add the CORS headers, to errors too: what went wrong is what a page needs to read."""
    if request.endpoint in ("forms.sign_up", "forms.preflight"):
        preflight = request.method == "OPTIONS"
        headers = cors_headers(g.get("form"), _source(), preflight=preflight)
        response.headers.update(headers)
    return response


def _received(form: Form, posted: Posted, source: Source, receipt: Receipt) -> ResponseReturnValue:
    wanted = next(iter(instruction(posted, "_next")), None)
    next_page = form.next_page(wanted, posted_from=source.page_origin)
    thanks_page = f"/f/{form.name}/thanks"
    if not wants_json(request):
        return "", 303, {"Location": next_page or thanks_page}
    answer = {
        "ok": True,
        "id": receipt.id,
        "status": "queued",
        "next": next_page or f"{_settings().public_url}{thanks_page}",
        "message": THANKS,
    }
    return answer, 202


# --- errors


@bp.errorhandler(InvalidSignup)
def invalid(error: InvalidSignup) -> ResponseReturnValue:
    message = " ".join(each.message for each in error.errors)
    if not any(_typed()) and all(each.code == "required" for each in error.errors):
        message = "Nothing was filled in. If it was, the inputs of the form need a name attribute."
    return _problem(422, message, errors=error.errors)


@bp.errorhandler(KeyReused)
def key_reused(_: KeyReused) -> ResponseReturnValue:
    return _problem(422, "This Idempotency-Key has already been used for another sign-up.")


@bp.errorhandler(VisitorLimited)
def limited(error: VisitorLimited) -> ResponseReturnValue:
    seconds = max(1, math.ceil(error.retry_after.total_seconds()))
    message = "Too many sign-ups came from your network. Please wait a little and press again."
    return _problem(429, message, retry_after=seconds)


@bp.errorhandler(LedgerUnavailable)
@bp.errorhandler(Refused)
def unavailable(error: LedgerUnavailable | Refused) -> ResponseReturnValue:
    log.error("sign-up not stored", extra={"cause": str(error)})
    message = "This page cannot be shown just now. Please reload it in a few seconds."
    if request.method == "POST":
        message = "Your sign-up could not be stored just now. Please press again in a few seconds."
    return _problem(503, message, retry_after=RETRY_AFTER_SECONDS)


@bp.errorhandler(Unreadable)
@bp.errorhandler(_Closed)
def closed(error: Unreadable | _Closed) -> ResponseReturnValue:
    return _problem(error.status, error.message)


def _problem(
    status: int,
    message: str,
    *,
    errors: list[FieldError] | None = None,
    retry_after: int | None = None,
) -> Response:
    """Return the error as JSON, or as a page that keeps what was typed."""
    errors = errors or []
    if wants_json(request):
        listed = [{"field": e.field, "code": e.code, "message": e.message} for e in errors]
        response = make_response({"ok": False, "error": message, "errors": listed}, status)
    else:
        response = make_response(_problem_page(status, message, errors), status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _problem_page(status: int, message: str, errors: list[FieldError]) -> str:
    form: Form | None = g.get("form") or (_unknown_form() if "posted" in g else None)
    if form is None or request.method != "POST" or status not in (422, 429, 503):
        return render_template("problem.html", status=status, message=message)
    source = first_page(_source(), _posted())
    _allow_form(form, source.page_origin)
    page = form_page(form, _posted(), page=source.page, errors=errors)
    return render_template("form.html", page=page, status=status, message=message)


def _origin_refused(form: Form, source: Source) -> str:
    accepted = " and ".join(form.origins)
    return f"This form takes sign-ups from {accepted}, and this one came from {source.origin}."


# --- what the request is about


def _find(name: str, allowance: Allowance) -> Form:
    """Return the form, remembered for whoever answers this request, also with an error."""
    forms: FormCache = current_app.extensions["forms"]
    form = forms.find(name, allowance.ask)
    if form is None:
        message = f"There is no form “{name}” here. Please check the address in the form's action."
        raise _Closed(404, message)
    g.form = form
    if not form.enabled:
        raise _Closed(410, "This form is closed and takes no more sign-ups.")
    return form


def _unknown_form() -> Form:
    """Return a form that keeps what was posted to one that cannot be looked up just now."""
    name = (request.view_args or {}).get("name", "")
    return Form(name=name, account="", lists=(), consent_text="")


def _allow_form(form: Form, posted_from: str | None = None) -> None:
    """Say for the security headers where the form of this page leads, and who may frame it."""
    g.form_targets = [address for address in (*form.origins, form.redirect, posted_from) if address]
    g.framed_by = form.origins


def _source() -> Source:
    return source_of(request, _settings().public_url)


def _posted() -> Posted:
    posted: Posted = g.get("posted", {})
    return posted


def _typed() -> list[str]:
    return [v for name, values in _posted().items() if not name.startswith("_") for v in values]


def _budget() -> RedisDeadline:
    budget: RedisDeadline = current_app.extensions["budget"]
    return budget


def _intake() -> Intake:
    intake: Intake = current_app.extensions["intake"]
    return intake


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
