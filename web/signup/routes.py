"""The form routes: ``/f/<form>`` takes sign-ups and shows the hosted form."""

import contextlib
import logging
from dataclasses import replace

from flask import Blueprint, Response, g, jsonify, make_response, render_template, request
from flask.typing import ResponseReturnValue

from shared.domain.errors import (
    InvalidSignup,
    KeyReused,
    LedgerUnavailable,
    Refused,
    VisitorLimited,
)
from shared.domain.field_names import plain_names
from shared.domain.form import Form
from shared.domain.reading.meanings import find_field
from shared.domain.reading.posted_fields import ASKED, LANGUAGE, SOLUTION
from shared.domain.refusal import RefusalCode
from shared.domain.signup import QuarantineReason
from shared.domain.web_addresses import origin_of
from web.request_ids import HEADER, request_id_in
from web.services import services
from web.signup import problems
from web.signup.answer_kind import wants_json
from web.signup.checked_signup import CheckedSignup
from web.signup.cors import AMP_SOURCE, amp_headers, cors_headers, preflight_headers
from web.signup.fast_path import NotStored
from web.signup.form_fields import form_fields
from web.signup.form_page import form_page
from web.signup.origins import Source, first_page, page_at
from web.signup.page_style import page_style
from web.signup.problem_answers import REFUSED_UNREAD, TOO_MANY_REFUSED, answer
from web.signup.problems import FormUnavailable
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.reading.request_body import Posted, read_query
from web.signup.receipt import SITE, receipt
from web.signup.redis_deadline import RedisDeadline
from web.signup.refusals import refusal_of
from web.signup.this_request import (
    allow_form,
    head_here,
    listed,
    posted_here,
    read_posted_here,
    source_here,
    visitor_here,
    way_back,
)
from web.signup.typed_values import shown_name
from web.translations.here import translation_here

log = logging.getLogger(__name__)

bp = Blueprint("forms", __name__)

# Seconds for which a browser may draw a form from what it has. A change is seen as soon.
FIELDS_LIVE = 60
# In the WSGI environment: the sign-up that the fast path has checked, and that was not stored.
NOT_STORED = "relay.not_stored"


@bp.get("/f/<name>", provide_automatic_options=False)
def show(name: str) -> ResponseReturnValue:
    """Show the hosted form. Values in the query fill it in, as a POST of them would.

    A link may do that, and so does a website's form without `method="post"`. Nobody knows which, so
    the page has a word for both. A link cannot give consent, so that box is never ticked.
    """
    form = _find(name, services().deadlines.start())
    g.posted = posted = read_query(head_here())
    source = source_here()
    website_page = listed(source.website_page, form)
    allow_form(form, website_page)
    if g.in_frame and source.website_page and not (website_page or source.ours):
        _count_elsewhere(form, RefusalCode.NOT_SHOWN)
        raise FormUnavailable(problems.wrong_frame(form, source.website_page))
    page = form_page(
        form,
        posted,
        translation_here(),
        time_token=services().time_tokens.make(form.name),
        page=website_page,
        referrer=source.website_page,
    )
    page = replace(page, consented=False)
    filled_in = any(map(find_field, posted))
    shown = make_response(render_template("form.html", page=page, filled_in=filled_in))
    # This page's address holds what somebody typed: no other address may get it.
    if posted.keys() - {LANGUAGE}:
        shown.headers["Referrer-Policy"] = "strict-origin"
    return shown


@bp.get("/f/<name>/thanks")
def thanks(name: str) -> ResponseReturnValue:
    """Thank the visitors of forms without a page of their own."""
    form = _find(name, services().deadlines.start())
    allow_form(form)  # a website may show the form in a frame, and then this page
    return render_template("thanks.html", form=form, website=way_back(form, _page_before(form)))


def _page_before(form: Form) -> str | None:
    """Return the website's page that has led to our thanks page, as far as anything tells it.

    A path in the address counts on the website that the browser names. Without that, an address
    counts on one of the form's origins.
    """
    told, page = request.args.get(SITE, ""), source_here().website_page
    if page is None:
        return listed(page_at(told), form)
    return page_at(f"{origin_of(page)}{told}") if told.startswith("/") else page


@bp.get("/f/<name>/style.css")
def style(name: str) -> Response:
    """Return the colours of the form's pages. Their address names the colours, so a change of them
    is seen at once."""
    form = _find(name, services().deadlines.start())
    found = Response(page_style(form), mimetype="text/css")
    found.headers["Cache-Control"] = "public, max-age=300"
    return found


@bp.get("/f/<name>/challenge", provide_automatic_options=False)
def challenge(name: str) -> ResponseReturnValue:
    """Return a new challenge for the proof of work that the form asks for."""
    form = _find(name, services().deadlines.start())
    if form.captcha == "none":
        raise FormUnavailable(problems.no_proof_of_work())
    return jsonify(services().altcha_challenges.make(form.name))


@bp.get("/f/<name>/fields", provide_automatic_options=False)
def fields(name: str) -> ResponseReturnValue:
    """Describe the form to a script that draws it on a page which may post to it."""
    form = _find(name, services().deadlines.start())
    if not source_here().may_post(form):
        _count_elsewhere(form, RefusalCode.NOT_SHOWN)
        raise FormUnavailable(problems.may_not_draw(form, source_here().origin))
    token, translation = services().time_tokens.make(form.name), translation_here()
    page = form_page(form, {}, translation, time_token=token)
    found = jsonify(form_fields(page, translation))
    found.cache_control.private = True
    found.cache_control.max_age = FIELDS_LIVE
    found.vary.add("Accept-Language")
    return found


@bp.route("/f/<name>/challenge", methods=["OPTIONS"], provide_automatic_options=False)
@bp.route("/f/<name>/fields", methods=["OPTIONS"], provide_automatic_options=False)
def reading_preflight(name: str) -> ResponseReturnValue:
    """Answer a browser whose page sends headers of its own, as monitoring scripts add them."""
    with contextlib.suppress(FormUnavailable, LedgerUnavailable):
        _find(name, services().deadlines.start())
    return "", 204


@bp.route("/f/<name>", methods=["OPTIONS"], provide_automatic_options=False)
def preflight(name: str) -> ResponseReturnValue:
    """Answer a browser that asks whether a page may post here. The POST reports an unknown form.

    If the page may not, the browser sends no POST, so the refusal counts here.
    """
    try:
        form = _find(name, services().deadlines.start())
    except (FormUnavailable, LedgerUnavailable):
        log.debug("preflight for a form that cannot be used")
        return "", 204
    if "access-control-request-method" in head_here().headers and not source_here().may_post(form):
        _count_elsewhere(form, RefusalCode.ORIGIN)
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
        read_posted_here()  # for the error page
        raise
    source = source_here()
    if not source.may_post(form):
        raise FormUnavailable(problems.wrong_origin(form, source.origin))
    posted = read_posted_here()
    source = first_page(source, posted)
    visitor = visitor_here(form, source, posted)
    key = head_here().headers.get("idempotency-key") or None
    intake = services().intake
    signup = intake.check(
        form, posted, visitor, idempotency_key=key, request=request_id_in(request.environ)
    )
    accepted = intake.store(form, signup, visitor, ask=deadline.ask)
    if _asks_for_work(signup, posted):
        return answer(problems.work_missing())
    return _received(form, posted, source, accepted.id)


def _asks_for_work(signup: CheckedSignup, posted: Posted) -> bool:
    """Whether the visitor is asked once more for the proof of work.

    The sign-up came without, from a browser, and is in quarantine for nothing else. The script of a
    website's page may have failed, and nobody would know. Who can do no work is thanked next time.
    """
    if any(posted.get(SOLUTION, ())) or ASKED in posted or wants_json(head_here()):
        return False
    found = signup.submission.quarantine
    return found is not None and found.reasons == (QuarantineReason.CAPTCHA,)


def _refuse_unread(name: str) -> Response:
    """Refuse a sign-up without a look at its body, and count that for its form."""
    with contextlib.suppress(FormUnavailable, LedgerUnavailable):
        _find(name, services().deadlines.start())
    return answer(problems.too_many_refused(request.environ[TOO_MANY_REFUSED]))


def _finish(not_stored: NotStored) -> Response:
    """Answer for a sign-up that the fast path has checked, without asking Redis once more."""
    g.form = form = not_stored.form
    posted = read_posted_here()
    if not isinstance(not_stored.why, LedgerUnavailable):
        raise not_stored.why
    source = first_page(source_here(), posted)
    visitor = visitor_here(form, source, posted)
    accepted = services().intake.store_on_disk(
        form, not_stored.signup, visitor, away=not_stored.why
    )
    return _received(form, posted, source, accepted.id)


@bp.after_app_request
def allow_pages_to_read(response: Response) -> Response:
    """Add the CORS headers to every answer below /f/, also to errors, so that pages can read them.

    Errors that come before any view, such as 405, belong to no blueprint.
    """
    if request.path.startswith("/f/"):
        form, source = g.get("form"), source_here()
        if request.endpoint == "forms.fields" and response.status_code >= 400:
            form = None  # every page may read why it cannot draw the form
        response.vary.add("Origin")
        response.headers.update(cors_headers(form, source))
        if request.method == "OPTIONS":
            may_post = form is not None and source.may_post(form)
            response.headers.update(preflight_headers(head_here().headers, may_post=may_post))
        if amp_source := head_here().arguments().get(AMP_SOURCE):
            response.headers.update(amp_headers(amp_source, form))
    return response


@bp.after_request
def count_refusal(response: Response) -> Response:
    """Count a refused sign-up for its form, whatever has refused it."""
    if response.status_code >= 400 and request.endpoint == "forms.sign_up" and "form" in g:
        form, errors, posted = g.form, g.get("field_errors", ()), posted_here()
        status = response.status_code
        refusal = refusal_of(form, head_here(), source_here(), status, errors, posted)
        services().form_tallies.refused(form, refusal, address=request.remote_addr or "")
    return response


def _received(form: Form, posted: Posted, source: Source, id: str) -> Response:
    public_url = services().settings.public_url
    found = receipt(
        id,
        form,
        posted,
        source=source,
        head=head_here(),
        translations=services().translations,
        public_url=public_url,
    )
    return Response(found.body, found.status, [*found.headers, (HEADER, id)])


# --- errors


@bp.errorhandler(InvalidSignup)
def invalid(error: InvalidSignup) -> ResponseReturnValue:
    typed = (
        value for name, values in posted_here().items() if not _is_ours(name) for value in values
    )
    found = problems.invalid(error, empty=not any(typed), names=_arrived())
    # Our own page has all fields: what is missing there is the visitor's to fill in.
    return answer(replace(found, notes=()) if source_here().own_page else found)


@bp.errorhandler(KeyReused)
def key_reused(_: KeyReused) -> ResponseReturnValue:
    return answer(problems.key_reused())


@bp.errorhandler(VisitorLimited)
def limited(error: VisitorLimited) -> ResponseReturnValue:
    return answer(problems.too_many_signups(error.retry_after))


@bp.errorhandler(LedgerUnavailable)
@bp.errorhandler(Refused)
def unavailable(error: LedgerUnavailable | Refused) -> ResponseReturnValue:
    log.error("sign-up not stored", extra={"cause": str(error)})
    return answer(problems.unavailable(posted=request.method == "POST"))


@bp.errorhandler(UnreadableRequest)
def unreadable(error: UnreadableRequest) -> ResponseReturnValue:
    return answer(problems.unreadable(error))


@bp.errorhandler(FormUnavailable)
def form_unavailable(error: FormUnavailable) -> ResponseReturnValue:
    return answer(error.problem)


# --- the form and the fields of this request


def _find(name: str, deadline: RedisDeadline) -> Form:
    """Return the form, and keep it for this request's answer or error page."""
    form = services().form_cache.find(name.strip(), deadline.ask)
    if form is None:
        raise FormUnavailable(problems.no_such_form(name))
    g.form = form
    if not form.enabled:
        raise FormUnavailable(problems.form_closed(form))
    return form


def _count_elsewhere(form: Form, code: RefusalCode) -> None:
    """Count for the form that a page on an origin which it does not list wants to show it, or to
    post to it. No sign-up has come, nor will one."""
    refusal = replace(refusal_of(form, head_here(), source_here(), 403), code=code)
    address = request.remote_addr or ""
    services().form_tallies.refused(form, refusal, address=address, by_itself=True)


def _arrived() -> tuple[str, ...]:
    """Return the names of the first fields that were posted, fit to be shown."""
    names = plain_names(name for name in posted_here() if not _is_ours(name))
    if wants_json(head_here()):
        return names
    say = translation_here().say
    return tuple(dict.fromkeys(shown_name(name, say) for name in names))


def _is_ours(name: str) -> bool:
    """Whether a posted name is no field of the website's."""
    return name.startswith("_") or name == SOLUTION
