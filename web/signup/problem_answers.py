"""The answer to a request that failed: JSON for scripts, or a page that keeps what was typed."""

import contextlib
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from typing import Any

from flask import Response, g, make_response, render_template, request, url_for

from shared.domain.errors import FieldError
from shared.domain.form import Form
from shared.domain.reading.meanings import find_field
from shared.domain.reading.posted_fields import ASKED
from shared.domain.reading.posted_names import posted_name
from shared.domain.texts import Say, Text, sentences
from web.own_hosts import CHECKED
from web.services import services
from web.signup.answer_kind import wants_json
from web.signup.form_page import form_page
from web.signup.origins import first_page
from web.signup.problems import (
    REFUSED_TOO_OFTEN,
    Problem,
    files_are_not_kept,
    method_is_missing,
    whole_seconds,
)
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.reading.pairs import is_file_note
from web.signup.reading.request_body import Posted, read_posted, read_query
from web.signup.refused_requests import COUNTED
from web.signup.this_request import (
    allow_form,
    body_here,
    head_here,
    posted_here,
    source_here,
    visitor_here,
    way_back,
)
from web.signup.typed_values import MOST_SORTED, Typed, as_it_came, typed_values
from web.translations.here import translation_here

log = logging.getLogger(__name__)

# In the WSGI environment: for how long too many requests of the visitor to this form were refused,
# and whether this one must be refused unread for it.
TOO_MANY_REFUSED = "relay.too_many_refused"
REFUSED_UNREAD = "relay.refused_unread"
# A form that may take the sign-up after all is shown again, filled in. With 200, it asks for the
# proof of work.
_MAY_WORK_AGAIN = frozenset({200, 422, 429, 500, 503})


def answer(problem: Problem) -> Response:
    """Return the answer. If too many of the visitor's requests were refused, it is a 429 that still
    says what is wrong."""
    wait: timedelta | None = request.environ.get(TOO_MANY_REFUSED)
    limited = bool(wait) and problem.status in COUNTED
    if wait and limited:
        problem = replace(problem, status=429, retry_after=whole_seconds(wait))
    g.field_errors = problem.errors if problem.status == 422 else ()
    if wants_json(head_here()):
        response = _json(problem, limited=limited)
    else:
        response = make_response(_page(problem), problem.status)
    if problem.retry_after is not None:
        response.headers["Retry-After"] = str(problem.retry_after)
    return response


def _json(problem: Problem, *, limited: bool) -> Response:
    if problem.status != 500:  # what was posted may be the cause
        _read_for_language()
    say = translation_here().say
    text = problem.script or problem.message
    listed = [_listed_error(each, say) for each in problem.errors]
    error = say(sentences([text, REFUSED_TOO_OFTEN]) if limited else text)
    return make_response({"ok": False, "error": error, "errors": listed}, problem.status)


def _read_for_language() -> None:
    """Read what was posted for the answer alone, unless it must not be read, or cannot be: it may
    name the page's language."""
    unread = "posted" not in g and not request.environ.get(REFUSED_UNREAD)
    if unread and _is_sign_up():
        with contextlib.suppress(UnreadableRequest):
            g.shown = read_posted(head_here(), body_here())


def _listed_error(error: FieldError, say: Say) -> dict[str, str]:
    """Return the error for a script, with the posted `name` where the field has another one."""
    listed = {"field": error.field, "code": error.code, "message": say(error.text)}
    name = posted_name(error.field, posted_here(), g.form) if "form" in g else None
    return listed if name in (None, error.field) else {**listed, "name": str(name)}


def told_of(error: Exception) -> dict[str, str]:
    """Return what a log may tell: the message may quote what a visitor typed, type and place do
    not."""
    frames = traceback.extract_tb(error.__traceback__)
    place = " < ".join(f"{frame.filename}:{frame.lineno}" for frame in reversed(frames[-6:]))
    return {"error": type(error).__name__, "place": place}


def _page(problem: Problem) -> str:
    try:
        return _page_with_posted(problem)
    except Exception as error:  # noqa: BLE001 - what was posted may be the cause of all this
        log.error("an error page cannot show what was posted", extra=told_of(error))
        return _render("problem.html", problem, typed=(), is_sign_up=_is_sign_up())


def _page_with_posted(problem: Problem) -> str:
    if _can_be_sent_again(problem):
        return _filled_in_form(problem)
    form: Form | None = g.get("form")
    shown: dict[str, Any] = {"is_sign_up": _is_sign_up()}
    if form:
        allow_form(form)  # a website may show the form in a frame, and then this page
    shown["typed"] = _typed(form or _unknown_form()) if _is_sign_up() else ()
    if form:
        page = first_page(source_here(), _posted_or_shown()).website_page
        shown["website"] = way_back(form, page)
        if problem.status == 403 and g.in_frame:
            # Browsers would show nothing. This page has nothing to press but a link.
            g.framed_by = filter(None, (*form.origins, source_here().website_page))
            shown["alone"] = url_for("forms.show", name=form.name)
    return _render("problem.html", problem, **shown)


def _posted_or_shown() -> Posted:
    """Return what was posted, also if it was read for this answer alone."""
    found: Posted = g.get("posted") or g.get("shown", {})
    return found


def _is_sign_up() -> bool:
    """Whether a visitor has sent something, to whatever address."""
    if request.path.split("/")[1] in CHECKED:
        return False
    return request.method == "POST" or _is_in_address()


def _is_in_address() -> bool:
    """Whether the address of a form has fields, as one without `method="post"` sends them."""
    if request.method != "GET" or not request.path.startswith("/f/"):
        return False
    return any(map(find_field, islice(read_query(head_here()), MOST_SORTED)))


def _can_be_sent_again(problem: Problem) -> bool:
    is_form = request.endpoint == "forms.sign_up" and "posted" in g
    return is_form and problem.status in _MAY_WORK_AGAIN


def _filled_in_form(problem: Problem) -> str:
    form: Form = g.get("form") or _unknown_form()
    source = first_page(source_here(), posted_here())
    allow_form(form, source.website_page)
    campaign = visitor_here(form, source, posted_here()).campaign  # this page's address has none
    posted = {name: [value] for name, value in campaign.items()} | posted_here()
    page = form_page(
        form,
        posted,
        translation_here(),
        time_token=services().time_tokens.kept(form.name, posted),
        page=source.website_page,
        errors=problem.errors,
    )
    if problem.status == 200:
        page = replace(page, hidden=(*page.hidden, (ASKED, "yes")))
    return _render("form.html", problem, page=page, website=way_back(form, source.website_page))


def _unknown_form() -> Form:
    """Return a form for the error page while the real one is unknown."""
    name = (request.view_args or {}).get("name", "")
    return Form(name=name, account="", lists=(), consent_text="")


def _render(template: str, problem: Problem, **more: Any) -> str:
    say = translation_here().say
    return render_template(
        template,
        status=problem.status,
        heading=say(problem.heading) if problem.heading else None,
        message=say(problem.message),
        advice=say(problem.advice),
        notes=[say(note) for note in (*problem.notes, *_more_notes())],
        **more,
    )


def _more_notes() -> Iterator[Text]:
    """Yield what may be wrong on the website besides."""
    if any(is_file_note(each) for values in _posted_or_shown().values() for each in values):
        yield files_are_not_kept()
    if _is_in_address():
        yield method_is_missing()


def _typed(form: Form) -> tuple[Typed, ...]:
    """Return what was typed; nothing if it must not be read, or is too large."""
    if request.environ.get(REFUSED_UNREAD):
        return ()
    body = b""
    with contextlib.suppress(UnreadableRequest):
        body = body_here()
        g.shown = read_posted(head_here(), body)
        return typed_values(g.shown, form, translation_here().say)
    return as_it_came(body, translation_here().say)
