"""Why a sign-up is refused, in the words of those who read it.

A visitor reads what happened and what to do. The website's owner reads, apart from that, which
mistake on the website may be the cause. A script gets one text.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from werkzeug.exceptions import HTTPException

from shared.domain.errors import FieldError, InvalidSignup
from shared.domain.fields import EMAIL
from shared.domain.form import Form
from shared.domain.phrases import shortened
from shared.domain.texts import Text, lazy_gettext, lazy_ngettext, sentences
from web.signup.reading.body_kind import UnreadableRequest
from web.signup.refusals import shown_origin

RETRY_AFTER_SECONDS = 5
_GO_BACK = lazy_gettext("Use your browser's Back button to return to what you typed.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An answer that is no success. Scripts are told `script`, and the message where that is None.

    `heading` is of the page where no other try helps. `advice` says how a visitor gets back to
    what was typed, if the page cannot show it.
    """

    status: int
    message: Text | str
    heading: Text | None = None
    notes: tuple[Text, ...] = ()
    script: Text | None = None
    advice: Text = _GO_BACK
    errors: tuple[FieldError, ...] = ()
    retry_after: int | None = None


class FormUnavailable(Exception):
    """The form accepts no sign-up from here: 403, 404 or 410."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem.message))
        self.problem = problem


# --- the form


def no_such_form(name: str) -> Problem:
    advice = lazy_gettext("If this is your website, check the address in the form's action.")
    found = lazy_gettext("The form “%(name)s” does not exist here.", name=shortened(name))
    return Problem(
        status=404,
        message=lazy_gettext("This form does not exist here. Please tell the website's owner."),
        notes=(
            advice,
            lazy_gettext(
                "It ends with /f/ and the form's name, as the console and relay snippet show it."
            ),
        ),
        script=sentences([found, advice]),
    )


def no_proof_of_work() -> Problem:
    return Problem(status=404, message=lazy_gettext("This form asks for no proof of work."))


def form_closed(form: Form) -> Problem:
    return Problem(
        status=410,
        heading=lazy_gettext("This form is closed"),
        message=lazy_gettext("It accepts no more sign-ups."),
        script=lazy_gettext("This form is closed. It accepts no more sign-ups."),
        notes=(
            lazy_gettext(
                "Open the form again in the console, or with: relay forms enable %(form)s",
                form=form.name,
            ),
        ),
    )


def wrong_origin(form: Form, origin: str | None) -> Problem:
    """Return the problem of a page on `origin` that posts."""
    found = lazy_gettext(
        "This form accepts sign-ups from %(accepted)s only. This one came from %(origin)s.",
        accepted=_listed(form.origins),
        origin=shortened(origin or ""),
    )
    to_do = _to_allow(form, origin)
    return Problem(
        status=403,
        message=lazy_gettext(
            "This form does not accept sign-ups from the page that you came from. Please tell the"
            " website's owner."
        ),
        notes=(found, to_do),
        script=sentences([found, to_do]),
    )


def may_not_draw(form: Form, origin: str | None) -> Problem:
    """Return the problem of a page on `origin` whose script wants to draw the form."""
    message = lazy_gettext(
        "Only pages of %(accepted)s may draw this form. This page is of %(origin)s.",
        accepted=_listed(form.origins),
        origin=shortened(origin or ""),
    )
    to_do = _to_allow(form, origin)
    return Problem(status=403, message=message, notes=(to_do,), script=sentences([message, to_do]))


def wrong_frame(form: Form, page: str) -> Problem:
    """Return the problem of a website's page that shows the form in a frame, and may not."""
    return Problem(
        status=403,
        message=lazy_gettext("This website may not show the form in a frame."),
        notes=(_to_allow(form, page),),
    )


def _to_allow(form: Form, page: str | None) -> Text:
    """Return how the form's owner allows the origin of the page. A stranger may have made it up, so
    it is in the command only if no shell reads anything else in it."""
    origin = shown_origin(page or "")
    if origin is None:
        return lazy_gettext("If that page is yours, add its origin to the form.")
    origins = " ".join(f"--origin {each}" for each in (*form.origins, origin))
    return lazy_gettext(
        "If that page is yours, add its origin to the form: in the console, in “Websites that may"
        " post here” on the form's Edit page, or with: relay forms edit %(form)s %(origins)s",
        form=form.name,
        origins=origins,
    )


def _listed(names: Sequence[str]) -> Text | str:
    both: Text | str = names[0]
    for other in names[1:]:
        both = lazy_gettext("%(names)s and %(other)s", names=both, other=other)
    return both


# --- what was posted


def invalid(error: InvalidSignup, *, empty: bool, names: Sequence[str]) -> Problem:
    """Return the problem of wrong fields. `names` are those that arrived, `empty` says that they
    had no values."""
    message, note = sentences([each.text for each in error.errors]), None
    if empty and all(each.code == "required" for each in error.errors):
        message = lazy_gettext("The form was empty. Please fill it in.")
        note = lazy_gettext("Inputs need a name attribute.")
    elif error.missing_field:
        note = _missing(error.missing_field, ", ".join(names))
    return Problem(
        status=422,
        message=message,
        notes=(note,) if note else (),
        script=_with_note(message, note) if note else None,
        errors=tuple(error.errors),
    )


def _missing(field: str, names: str) -> Text:
    if field == EMAIL.name:
        return lazy_gettext(
            "No field is named like an e-mail address. These fields arrived: %(names)s.",
            names=names,
        )
    return lazy_gettext(
        "No field is named like the consent box. These fields arrived: %(names)s.", names=names
    )


def _with_note(message: Text, note: Text) -> Text:
    return lazy_gettext(
        "%(message)s (For the website's owner: %(note)s)", message=message, note=note
    )


def key_reused() -> Problem:
    message = lazy_gettext("This Idempotency-Key has already been used for another sign-up.")
    return Problem(status=422, message=message)


def unreadable(error: UnreadableRequest) -> Problem:
    if error.status == 413:
        return _too_large_with_files(error.message) if error.may_have_files else _too_large(error)
    return Problem(
        status=error.status,
        message=lazy_gettext("We could not read your sign-up. Please send it again."),
        notes=(error.message,),
        script=error.message,
    )


def _too_large(error: UnreadableRequest) -> Problem:
    return Problem(
        status=413,
        message=error.message,
        advice=lazy_gettext(
            "Use your browser's Back button to return to what you typed. Then shorten long texts."
        ),
    )


def _too_large_with_files(message: Text) -> Problem:
    return Problem(
        status=413,
        message=message,
        notes=(files_are_not_kept(),),
        advice=lazy_gettext(
            "Use your browser's Back button to return to what you typed. Then shorten long texts,"
            " and leave out files."
        ),
    )


def method_is_missing() -> Text:
    return lazy_gettext(
        'Add method="post" to the form. Without it, browsers put into the address what visitors'
        " type, and sign nobody up."
    )


def files_are_not_kept() -> Text:
    return lazy_gettext('Files are not kept. Remove inputs with type="file" from the form.')


def work_missing() -> Problem:
    """Return what to ask of somebody whose sign-up came without the proof of work. It is stored, in
    quarantine, so this is no refusal."""
    return Problem(
        status=200,
        message=lazy_gettext(
            "We could not check that you are not a robot. Please press the button once more."
        ),
        notes=(
            lazy_gettext(
                "The form asks for a proof of work, and this sign-up came without it, so it is in"
                " quarantine. The page needs the box and its script, as relay snippet prints them,"
                " and JavaScript."
            ),
        ),
    )


# --- limits and outages


def too_many_signups(wait: timedelta) -> Problem:
    came = lazy_gettext("Too many sign-ups came from your network.")
    return _limited(came, wait)


def too_many_refused(wait: timedelta) -> Problem:
    """Return the problem of a request that is refused unread."""
    return _limited(REFUSED_TOO_OFTEN, wait)


REFUSED_TOO_OFTEN = lazy_gettext("Too many requests from your network could not be accepted.")


def _limited(why: Text, wait: timedelta) -> Problem:
    return Problem(
        status=429,
        message=sentences([why, _try_again_in(wait)]),
        notes=(
            lazy_gettext(
                "Do many visitors see this? Then all of them seem to have the address of a proxy:"
                " check RELAY_TRUSTED_PROXIES."
            ),
        ),
        retry_after=whole_seconds(wait),
    )


def whole_seconds(wait: timedelta) -> int:
    return max(1, math.ceil(wait.total_seconds()))


def _try_again_in(wait: timedelta) -> Text:
    seconds = whole_seconds(wait)
    if seconds <= 90:
        return lazy_ngettext(
            "Please try again in %(count)s second.",
            "Please try again in %(count)s seconds.",
            seconds,
        )
    minutes = math.ceil(seconds / 60)
    if minutes <= 90:
        return lazy_ngettext(
            "Please try again in %(count)s minute.",
            "Please try again in %(count)s minutes.",
            minutes,
        )
    return lazy_ngettext(
        "Please try again in %(count)s hour.",
        "Please try again in %(count)s hours.",
        math.ceil(minutes / 60),
    )


def unavailable(*, posted: bool) -> Problem:
    """Return the problem while neither Redis nor the disk can do their part."""
    message = lazy_gettext(
        "This page is not available right now. Please reload it in a few seconds."
    )
    if posted:
        message = lazy_gettext(
            "We could not store your sign-up. Please try again in a few seconds."
        )
    return Problem(
        status=503,
        message=message,
        notes=(lazy_gettext("The command relay doctor says why."),),
        retry_after=RETRY_AFTER_SECONDS,
    )


# --- requests that match no route, or fail in a way that nobody expected

_ACTION = lazy_gettext(
    'A form needs method="post". The address in its action ends with /f/ and the form\'s name.'
)
_NO_PAGE = Problem(
    status=404, message=lazy_gettext("There is no page at this address."), notes=(_ACTION,)
)
_WRONG_METHOD = Problem(
    status=405,
    message=lazy_gettext("This address does not support this kind of request."),
    notes=(_ACTION,),
)
_TOO_LARGE = Problem(status=413, message=lazy_gettext("This request is too large."))
_OTHER = lazy_gettext("This request cannot be answered.")
UNEXPECTED = Problem(
    status=500,
    message=lazy_gettext(
        "Something went wrong on our side. Your sign-up may not be stored. Please send it again;"
        " sending twice does no harm."
    ),
)


def http_problem(error: HTTPException) -> Problem:
    status = error.code or 500
    known = {each.status: each for each in (_NO_PAGE, _WRONG_METHOD, _TOO_LARGE, UNEXPECTED)}
    return known.get(status) or Problem(status=status, message=error.description or _OTHER)
