"""What to say of refusals with each code: the cause, and what to do about it. Pure."""

from collections.abc import Sequence

from shared.domain.form import Form
from shared.domain.refusal import KeptRefusal, RefusalCode

MOST_ORIGINS = 3
_LONGEST_ORIGIN = 80

Kept = Sequence[KeptRefusal]

_CHECK_THE_INPUTS = (
    "compare the names of the inputs on the website's page with those that this shows: relay"
    " snippet {name}"
)
_CHECK_THE_SCRIPT = (
    "check how the website's page, or the tool that posts, sends the form. Compare it with: relay"
    " snippet {name} --fetch"
)

# The cause, as the end of a sentence; what to do, with a full stop unless it ends with a command.
# `{name}` is the form's.
_TEXTS = {
    RefusalCode.MALFORMED: ("the request could not be read", _CHECK_THE_SCRIPT),
    RefusalCode.TOO_LARGE: (
        "the request was larger than a sign-up may be",
        "take files and large fields out of the form on the website's page.",
    ),
    RefusalCode.UNSUPPORTED: ("the content type is not supported", _CHECK_THE_SCRIPT),
    RefusalCode.RATE_LIMITED: (
        "too many sign-ups, or requests that were refused, came from one network",
        (
            "if visitors reach web through a proxy, set RELAY_TRUSTED_PROXIES to the number of"
            " proxies. Otherwise they all count as one visitor. RELAY_VISITOR_LIMIT has the limit."
        ),
    ),
    RefusalCode.DISABLED: (
        "the form is closed",
        "take it off the website's page, or open it with: relay forms enable {name}",
    ),
    RefusalCode.UNAVAILABLE: (
        "they could not be stored, as Redis did not answer and web's disk took none",
        "see what is wrong with: relay doctor",
    ),
    RefusalCode.REQUIRED: ("a required field was missing", _CHECK_THE_INPUTS),
    RefusalCode.INVALID: ("a field had a wrong value", _CHECK_THE_INPUTS),
    RefusalCode.TOO_LONG: ("a field was too long", _CHECK_THE_INPUTS),
    RefusalCode.UNKNOWN_LIST: (
        "the page names a list that the form does not have",
        (
            "correct `_lists` on the website's page. The form's lists are shown by: relay forms"
            " show {name}"
        ),
    ),
}
# Where it helps to know which fields did arrive.
_ABOUT_FIELDS = (RefusalCode.REQUIRED, RefusalCode.INVALID, RefusalCode.TOO_LONG)


def cause_of(code: RefusalCode, form: Form, last: Kept) -> str:
    """Return why the form refused, without a full stop; `last` has its last refusals."""
    if code == RefusalCode.ORIGIN:
        return _origins_refused(form, still_refused_origins(form, last) or ())
    cause, _ = _TEXTS[code]
    fields = _fields(last, code) if code in _ABOUT_FIELDS else ()
    return f"{cause}. These fields arrived: {', '.join(fields)}" if fields else cause


def to_do_about(code: RefusalCode, form: Form, last: Kept) -> str:
    """Return what to do about refusals with this code, as a sentence that begins in lower case.

    It has a full stop unless it ends with a command.
    """
    if code == RefusalCode.ORIGIN:
        return _add_origins(form, last)
    return _TEXTS[code][1].format(name=form.name)


def still_refused_origins(form: Form, last: Kept) -> tuple[str, ...] | None:
    """Return the origins that were refused and still are, the newest first, three at most.

    Those of several networks come first. Empty if all are accepted by now; None if none is known.
    """
    refusals = [kept.refusal for kept in last if kept.refusal.code == RefusalCode.ORIGIN]
    refusals.sort(key=lambda each: not each.from_several)
    known = list(dict.fromkeys(each.origin for each in refusals if each.origin))
    if not known:
        return None
    still = [each[:_LONGEST_ORIGIN] for each in known if not form.allows_origin(each)]
    return tuple(still[:MOST_ORIGINS])


def origins_worth_adding(form: Form, last: Kept) -> list[str]:
    """Return the refused origins that several networks have sent. A stranger can make one up, but
    not for others."""
    shared = {kept.refusal.origin for kept in last if kept.refusal.from_several}
    return [each for each in still_refused_origins(form, last) or () if each in shared]


def _add_origins(form: Form, last: Kept) -> str:
    """Return what to do about refused origins."""
    worth_adding = origins_worth_adding(form, last)
    origins = (*form.origins, *(worth_adding or ["ORIGIN"]))
    options = " ".join(f"--origin {each}" for each in origins)
    add = f"add the form anew with --replace, its other options, and {options}"
    if worth_adding:
        return f"if that is your website, {add}"
    return (
        "no origin has come from several networks yet, so a stranger may have made it up. If it is"
        f" your website, {add}"
    )


def _origins_refused(form: Form, origins: Sequence[str]) -> str:
    own_hosts = {_host(origin) for origin in form.origins}
    # With a host that the form has, only the scheme is wrong.
    shown = [each if _host(each) in own_hosts else _host(each) for each in origins]
    if not shown:
        return "the page that posts is not on one of its origins"
    if len(shown) == 1:
        return f"{shown[0]} is not among its origins"
    return f"{', '.join(shown[:-1])} and {shown[-1]} are not among its origins"


def _host(origin: str) -> str:
    return origin.partition("://")[2] or origin


def _fields(last: Kept, code: RefusalCode) -> tuple[str, ...]:
    """Return the fields that arrived with the newest of the refusals with this code."""
    return next((kept.refusal.fields for kept in last if kept.refusal.code == code), ())
