"""The form routes: ``/f/<form>`` takes sign-ups and shows the hosted form."""

import contextlib
import logging
import math
from dataclasses import replace
from datetime import timedelta

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from shared.domain.errors import (
    FieldError,
    InvalidSignup,
    KeyReused,
    LedgerUnavailable,
    Refused,
    VisitorLimited,
)
from shared.domain.field_names import one_word, plain_names
from shared.domain.form import Form
from shared.domain.phrases import shortened
from shared.domain.reading.meanings import find_field
from shared.domain.reading.posted_fields import SOLUTION
from shared.domain.reading.posted_names import posted_name
from shared.domain.web_addresses import origin_of
from web.request_ids import HEADER, request_id_in
from web.services import services
from web.signup.answer_kind import wants_json
from web.signup.cors import AMP_SOURCE, amp_headers, cors_headers, preflight_headers
from web.signup.fast_path import NotStored
from web.signup.flask_request import body_of, head_of
from web.signup.form_fields import form_fields
from web.signup.form_page import form_page
from web.signup.form_style import form_style
from web.signup.origins import Source, first_page, source_of
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted, read_posted, read_query
from web.signup.receipt import receipt
from web.signup.redis_deadline import RedisDeadline
from web.signup.refusals import refusal_of
from web.signup.refused_requests import COUNTED
from web.signup.visitors import Visitor, visitor_of

log = logging.getLogger(__name__)

bp = Blueprint("forms", __name__)

RETRY_AFTER_SECONDS = 5
# Seconds for which a browser may draw a form from what it has. A change is seen as soon.
FIELDS_LIVE = 60
# In the WSGI environment: the sign-up that the fast path has checked, and that was not stored.
NOT_STORED = "relay.not_stored"
# And for how long too many requests of the visitor to this form were refused, and whether this one
# must be refused unread for it.
TOO_MANY_REFUSED = "relay.too_many_refused"
REFUSED_UNREAD = "relay.refused_unread"
# In the address of a hosted form that the console frames, without scripts.
PREVIEW = "_preview"
_TOO_MANY = "Too many requests from your network could not be accepted."


class _FormUnavailable(Exception):
    """The form accepts no sign-up from here: 403, 404 or 410."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@bp.get("/f/<name>", provide_automatic_options=False)
def show(name: str) -> ResponseReturnValue:
    """Show the hosted form. Values in the query fill it in, as a POST of them would.

    A link may do that, and so does a website's form without `method="post"`. Nobody knows which, so
    the page has a word for both. A link cannot give consent, so that box is never ticked.
    """
    form = _find(name, services().deadlines.start())
    posted = read_query(_head())
    website_page = _listed(_source().website_page, form)
    _allow_form(form, website_page)
    page = form_page(
        form,
        posted,
        time_token=services().time_tokens.make(form.name),
        page=website_page,
        referrer=_source().website_page,
    )
    page = replace(page, consented=False)
    filled_in = any(map(find_field, posted))
    answer = make_response(render_template("form.html", page=page, filled_in=filled_in))
    if posted:  # this page's address holds what somebody typed: no other address may get it
        answer.headers["Referrer-Policy"] = "strict-origin"
    return answer


@bp.get("/f/<name>/thanks")
def thanks(name: str) -> ResponseReturnValue:
    """Thank the visitors of forms without a page of their own."""
    form = _find(name, services().deadlines.start())
    _allow_form(form)  # a website may show the form in a frame, and then this page
    return render_template("thanks.html", form=form)


@bp.get("/f/<name>/style.css")
def style(name: str) -> Response:
    """Return the colours of the form's pages. Their address names the colours, so a change of them
    is seen at once."""
    form = _find(name, services().deadlines.start())
    answer = Response(form_style(form), mimetype="text/css")
    answer.headers["Cache-Control"] = "public, max-age=300"
    return answer


@bp.get("/f/<name>/challenge", provide_automatic_options=False)
def challenge(name: str) -> ResponseReturnValue:
    """Return a new challenge for the proof of work that the form asks for."""
    form = _find(name, services().deadlines.start())
    if form.captcha == "none":
        raise _FormUnavailable(404, "This form asks for no proof of work.")
    return jsonify(services().altcha_challenges.make(form.name))


@bp.get("/f/<name>/fields", provide_automatic_options=False)
def fields(name: str) -> ResponseReturnValue:
    """Describe the form to a script that draws it on a page which may post to it."""
    form = _find(name, services().deadlines.start())
    if not _source().may_post(form):
        raise _FormUnavailable(403, _origin_refused(form, _source()))
    token = services().time_tokens.make(form.name)
    answer = jsonify(form_fields(form_page(form, {}, time_token=token)))
    answer.cache_control.private = True
    answer.cache_control.max_age = FIELDS_LIVE
    answer.vary.add("Accept-Language")
    return answer


@bp.route("/f/<name>/challenge", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/f/<name>/fields", methods=["OPTIONS"], provide_automatic_options=False)
def reading_preflight(name: str) -> ResponseReturnValue:
    """Answer a browser whose page sends headers of its own, as monitoring scripts add them."""
    with contextlib.suppress(_FormUnavailable, LedgerUnavailable):
        _find(name, services().deadlines.start())
    return "", 204


@bp.route("/f/<name>", methods=["OPTIONS"], provide_automatic_options=False)
def preflight(name: str) -> ResponseReturnValue:
    """Answer a browser that asks whether a page may post here. The POST reports an unknown form.

    If the page may not, the browser sends no POST, so the refusal counts here.
    """
    try:
        form = _find(name, services().deadlines.start())
    except (_FormUnavailable, LedgerUnavailable):
        log.debug("preflight for a form that cannot be used")
        return "", 204
    if "access-control-request-method" in _head().headers and not _source().may_post(form):
        refusal = refusal_of(_head(), 403, (), ())
        address = request.remote_addr or ""
        services().form_tallies.refused(form, refusal, address=address, preflight=True)
    return "", 204


@bp.post("/f/<name>", provide_automatic_options=False)
def sign_up(name: str) -> ResponseReturnValue:
    """Store a sign-up, then answer: 303 to the next page, or 202 if JSON is wanted.

    The answer says only that the sign-up is stored; delivery follows. After a 503 it may or may not
    be stored, and sending it again is safe in both cases.
    """
    if request.environ.get(REFUSED_UNREAD):
        return _refuse_unread(name)
    if not_stored := request.environ.get(NOT_STORED):
        return _finish(not_stored)
    deadline = services().deadlines.start()
    try:
        form = _find(name, deadline)
    except LedgerUnavailable:
        g.posted = read_posted(_head(), body_of(request))  # for the error page
        raise
    source = _source()
    if not source.may_post(form):
        raise _FormUnavailable(403, _origin_refused(form, source))
    g.posted = posted = read_posted(_head(), body_of(request))
    source = first_page(source, posted)
    visitor = _visitor(form, source, posted)
    key = _head().headers.get("idempotency-key") or None
    intake = services().intake
    entry = intake.check(
        form, posted, visitor, idempotency_key=key, request=request_id_in(request.environ)
    )
    accepted = intake.store(form, entry, visitor, ask=deadline.ask)
    return _received(form, posted, source, accepted.id)


def _refuse_unread(name: str) -> Response:
    """Refuse a sign-up without a look at its body, and count that for its form."""
    with contextlib.suppress(_FormUnavailable, LedgerUnavailable):
        _find(name, services().deadlines.start())
    wait = _whole_seconds(request.environ[TOO_MANY_REFUSED])
    return _problem(429, f"{_TOO_MANY} Please wait a moment and try again.", retry_after=wait)


def _finish(not_stored: NotStored) -> Response:
    """Answer for a sign-up that the fast path has checked, without asking Redis once more."""
    g.form = form = not_stored.form
    g.posted = posted = read_posted(_head(), body_of(request))
    if not isinstance(not_stored.why, LedgerUnavailable):
        raise not_stored.why
    source = first_page(_source(), posted)
    visitor = _visitor(form, source, posted)
    accepted = services().intake.store_on_disk(form, not_stored.entry, visitor, away=not_stored.why)
    return _received(form, posted, source, accepted.id)


@bp.after_app_request
def allow_pages_to_read(response: Response) -> Response:
    """Add the CORS headers to every answer below /f/, also to errors, so that pages can read them.

    Errors that come before any view, such as 405, belong to no blueprint.
    """
    if request.path.startswith("/f/"):
        form, source = g.get("form"), _source()
        response.vary.add("Origin")
        response.headers.update(cors_headers(form, source))
        if request.method == "OPTIONS":
            may_post = form is not None and source.may_post(form)
            response.headers.update(preflight_headers(_head().headers, may_post=may_post))
        if amp_source := _head().arguments().get(AMP_SOURCE):
            response.headers.update(amp_headers(amp_source, form))
    return response


@bp.after_request
def count_refusal(response: Response) -> Response:
    """Count a refused sign-up for its form, whatever has refused it."""
    if response.status_code >= 400 and request.endpoint == "forms.sign_up" and "form" in g:
        errors = g.get("field_errors", ())
        refusal = refusal_of(_head(), response.status_code, errors, _posted())
        services().form_tallies.refused(g.form, refusal, address=request.remote_addr or "")
    return response


def _received(form: Form, posted: Posted, source: Source, id: str) -> Response:
    public_url = services().settings.public_url
    answer = receipt(id, form, posted, source=source, head=_head(), public_url=public_url)
    return Response(answer.body, answer.status, [*answer.headers, (HEADER, id)])


# --- errors


@bp.errorhandler(InvalidSignup)
def invalid(error: InvalidSignup) -> ResponseReturnValue:
    message = " ".join(each.message for each in error.errors)
    if not any(_typed()) and all(each.code == "required" for each in error.errors):
        message = "The form was empty. Please fill it in."
        g.note = "For the website's owner: inputs need a name attribute."
    elif error.missing_field:
        g.note = (
            f"For the website's owner: no field is named like {error.missing_field}. These fields"
            f" arrived: {', '.join(_arrived())}."
        )
    return _problem(422, message, errors=error.errors)


@bp.errorhandler(KeyReused)
def key_reused(_: KeyReused) -> ResponseReturnValue:
    return _problem(422, "This Idempotency-Key has already been used for another sign-up.")


@bp.errorhandler(VisitorLimited)
def limited(error: VisitorLimited) -> ResponseReturnValue:
    message = "Too many sign-ups came from your network. Please wait a moment and try again."
    return _problem(429, message, retry_after=_whole_seconds(error.retry_after))


def _whole_seconds(wait: timedelta) -> int:
    return max(1, math.ceil(wait.total_seconds()))


@bp.errorhandler(LedgerUnavailable)
@bp.errorhandler(Refused)
def unavailable(error: LedgerUnavailable | Refused) -> ResponseReturnValue:
    log.error("sign-up not stored", extra={"cause": str(error)})
    message = "This page is not available right now. Please reload it in a few seconds."
    if request.method == "POST":
        message = "We could not store your sign-up. Please try again in a few seconds."
    return _problem(503, message, retry_after=RETRY_AFTER_SECONDS)


@bp.errorhandler(UnreadableRequest)
@bp.errorhandler(_FormUnavailable)
def closed(error: UnreadableRequest | _FormUnavailable) -> ResponseReturnValue:
    return _problem(error.status, error.message)


def _problem(
    status: int,
    message: str,
    *,
    errors: list[FieldError] | None = None,
    retry_after: int | None = None,
) -> Response:
    """Return the error as JSON, or as a page that keeps what the visitor typed.

    If too many of the visitor's requests were refused, it is a 429 that still says what is wrong.
    """
    errors = errors or []
    wait = request.environ.get(TOO_MANY_REFUSED)
    if wait and status in COUNTED:
        status, retry_after = 429, _whole_seconds(wait)
        message = f"{message} {_TOO_MANY}" if wants_json(_head()) else message
    g.field_errors = errors if status == 422 else []
    if wants_json(_head()):
        listed = [_listed_error(error) for error in errors]
        text = f"{message} ({g.note})" if "note" in g else message
        response = make_response({"ok": False, "error": text, "errors": listed}, status)
    else:
        response = make_response(_problem_page(status, message, errors), status)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def _listed_error(error: FieldError) -> dict[str, str]:
    """Return the error for a script, with the posted `name` where the field has another one."""
    listed = {"field": error.field, "code": error.code, "message": error.message}
    name = posted_name(error.field, _posted(), g.form) if "form" in g else None
    return listed if name in (None, error.field) else {**listed, "name": str(name)}


def _problem_page(status: int, message: str, errors: list[FieldError]) -> str:
    form: Form | None = g.get("form") or (_unknown_form() if "posted" in g else None)
    unread = "posted" not in g
    if form is None or request.method != "POST" or unread or status not in (422, 429, 503):
        return render_template("problem.html", status=status, message=message)
    source = first_page(_source(), _posted())
    _allow_form(form, source.website_page)
    campaign = _visitor(form, source, _posted()).campaign  # this page's address has none
    posted = {name: [value] for name, value in campaign.items()} | _posted()
    token = services().time_tokens.kept(form.name, posted)
    page = form_page(form, posted, time_token=token, page=source.website_page, errors=errors)
    return render_template("form.html", page=page, status=status, message=message)


def _origin_refused(form: Form, source: Source) -> str:
    accepted = " and ".join(form.origins)
    this_one = shortened(source.origin or "")
    return f"This form accepts sign-ups from {accepted} only. This one came from {this_one}."


# --- the form and the fields of this request


def _find(name: str, deadline: RedisDeadline) -> Form:
    """Return the form, and keep it for this request's answer or error page."""
    form = services().form_cache.find(name.strip(), deadline.ask)
    if form is None:
        which = f"The form “{shortened(name)}”" if wants_json(_head()) else "This form"
        advice = "If this is your website, check the address in the form's action."
        raise _FormUnavailable(404, f"{which} does not exist here. {advice}")
    g.form = form
    if not form.enabled:
        raise _FormUnavailable(410, "This form is closed. It accepts no more sign-ups.")
    return form


def _unknown_form() -> Form:
    """Return a form for the error page while Redis is away and the real form is unknown."""
    name = (request.view_args or {}).get("name", "")
    return Form(name=name, account="", lists=(), consent_text="")


def _listed(page: str | None, form: Form) -> str | None:
    """Return `page` if it is on one of the form's origins.

    Any page can link to us. Our form must not lead its visitors back there.
    """
    return page if page and form.origins and form.allows_origin(origin_of(page)) else None


def _allow_form(form: Form, posted_from: str | None = None) -> None:
    """Tell the security headers where this page's form may lead, and who may frame it.

    In a website's frame, the page has a script that tells the website its height. Browsers too old
    to say that they load a frame get none, and the frame can be scrolled.
    """
    g.form_targets = [address for address in (*form.origins, form.redirect, posted_from) if address]
    g.framed_by = form.origins
    g.has_captcha = form.captcha != "none"
    head = _head()
    g.in_frame = head.headers.get("sec-fetch-dest") == "iframe" and PREVIEW not in head.arguments()


def _head() -> Head:
    """Return the head of this request, read once."""
    if "head" not in g:
        g.head = head_of(request)
    head: Head = g.head
    return head


def _source() -> Source:
    """Return where this request comes from, and keep it for the CORS headers."""
    if "source" not in g:
        g.source = source_of(_head(), services().settings.public_url)
    source: Source = g.source
    return source


def _visitor(form: Form, source: Source, posted: Posted) -> Visitor:
    return visitor_of(form, _head(), source, posted, address=request.remote_addr or "")


def _posted() -> Posted:
    posted: Posted = g.get("posted", {})
    return posted


def _arrived() -> tuple[str, ...]:
    """Return the names of the first fields that were posted, fit to be shown.

    Any page can post any names. On a page of ours, none may look like a sentence of ours.
    """
    names = plain_names(name for name in _posted() if not _is_ours(name))
    return names if wants_json(_head()) else tuple(dict.fromkeys(map(one_word, names)))


def _typed() -> list[str]:
    return [v for name, values in _posted().items() if not _is_ours(name) for v in values]


def _is_ours(name: str) -> bool:
    """Whether a posted name is no field of the website's."""
    return name.startswith("_") or name == SOLUTION
