"""What to say of refusals with each code: the cause, and what to do about it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.domain.form import Form
from shared.domain.refusal import OF_WEBSITES, KeptRefusal, Refusal, RefusalCode, WrongField

MOST_ORIGINS = 3
_LONGEST_ORIGIN = 80
MOST_WEBSITES = 5

Kept = Sequence[KeptRefusal]

_CHECK_THE_INPUTS = "compare the names of the inputs on the website's page with {inputs}"
_CHECK_THE_SCRIPT = (
    "check how the website's page, or the tool that posts, sends the form. Compare it with{script}"
)

_TRY_THE_FIELD = (
    "sign up on the website's page yourself. It may send something else as {field} than visitors"
    " type. Then " + _CHECK_THE_INPUTS
)

# How the reader does what a text says, as the end of a sentence: with commands, or on the pages of
# the console. `{name}` is the form's, `{origins}` are options of a command.
_COMMANDS = {
    "add": "allow it with: relay forms edit {name} {origins}",
    "inputs": "those that this shows: relay snippet {name}",
    "script": ": relay snippet {name} --fetch",
    "open": "open it with: relay forms enable {name}",
    "doctor": "see what is wrong with: relay doctor",
    "lists": "are shown by: relay forms show {name}",
}
_PAGES = {
    "add": "press “Allow this website” on the form's page.",
    "inputs": "those of “What to paste” on the form's page.",
    "script": " “What to paste” on the form's page.",
    "open": "open it on its page.",
    "doctor": "see what the doctor finds.",
    "lists": "are on its page.",
}

# Where the page does not know which website it was.
_BY_EDITING = "press Edit on the form's page, and add it to “Websites that may post here”."

# The cause, as the end of a sentence; what to do, with a full stop unless it ends with a command.
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
        "take it off the website's page, or {open}",
    ),
    RefusalCode.UNAVAILABLE: (
        "they could not be stored, as Redis did not answer and web's disk took none",
        "{doctor}",
    ),
    RefusalCode.REQUIRED: ("a required field was missing", _CHECK_THE_INPUTS),
    RefusalCode.INVALID: ("a field had a wrong value", _CHECK_THE_INPUTS),
    RefusalCode.TOO_LONG: ("a field was too long", _CHECK_THE_INPUTS),
    RefusalCode.UNKNOWN_LIST: (
        "the page names a list that the form does not have",
        "correct `_lists` on the website's page. The form's lists {lists}",
    ),
}
_ADD = "if that is your website, {add}"
_PERHAPS_ADD = (
    "no website was named by several networks yet, so a stranger may have made it up. If it is"
    " your website, {add}"
)
# Of one field, as the visitor's browser sent it.
_OF_A_FIELD = {
    RefusalCode.REQUIRED: "{field} was empty",
    RefusalCode.INVALID: "{field} was wrong",
    RefusalCode.TOO_LONG: "{field} was too long",
    RefusalCode.UNKNOWN_LIST: "the form does not have the list",
}
# Where it helps to know which fields did arrive.
_ABOUT_FIELDS = (RefusalCode.REQUIRED, RefusalCode.INVALID, RefusalCode.TOO_LONG)


def why_refused(refusal: Refusal) -> str:
    """Return why one request was refused, with the fields that were wrong, and no full stop."""
    if refusal.wrong:
        return "; ".join(map(_why_wrong, refusal.wrong))
    if refusal.code in OF_WEBSITES:
        return _of_websites(refusal.code, _origins_refused())
    return _TEXTS[refusal.code][0]


def _why_wrong(wrong: WrongField) -> str:
    if wrong.code == RefusalCode.REQUIRED and not wrong.arrived:
        return f"no field that arrived means {wrong.field}"
    return _OF_A_FIELD[wrong.code].format(field=wrong.field)


def where_from(refusal: Refusal) -> str | None:
    """Return from which page a request came, as far as it is known."""
    if not refusal.hosted:
        return refusal.origin
    return f"{refusal.origin}, by the hosted form" if refusal.origin else "the hosted form"


def cause_of(code: RefusalCode, form: Form, last: Kept, *, beyond: str | None = None) -> str:
    """Return why the form refused, without a full stop; `last` has its last refusals. Nobody gets
    past the field `beyond`."""
    if code in OF_WEBSITES:
        refused = _origins_refused(form.origins, still_refused_origins(form, last) or ())
        return _of_websites(code, refused)
    cause = f"nobody gets past the field {beyond}" if beyond else _TEXTS[code][0]
    fields = _fields(last, code) if code in _ABOUT_FIELDS else ()
    return f"{cause}. These fields arrived: {', '.join(fields)}" if fields else cause


def to_do_about(
    code: RefusalCode,
    form: Form,
    last: Kept,
    *,
    beyond: str | None = None,
    in_console: bool = False,
) -> str:
    """Return what to do about refusals with this code, as a sentence that begins in lower case.

    Nobody gets past the field `beyond`. It has a full stop unless it ends with a command.
    """
    websites = refused_websites(form, last)
    worth_adding = [each.origin for each in websites[:MOST_ORIGINS] if each.from_several]
    origins = " ".join(
        f"--origin {each}" for each in (*form.origins, *(worth_adding or ["ORIGIN"]))
    )
    ways = _PAGES if in_console else _COMMANDS
    told = {what: way.format(name=form.name, origins=origins) for what, way in ways.items()}
    if in_console and not websites:
        told["add"] = _BY_EDITING
    if code in OF_WEBSITES:
        return (_ADD if worth_adding else _PERHAPS_ADD).format(**told)
    return (_TRY_THE_FIELD if beyond else _TEXTS[code][1]).format(**told, field=beyond)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedWebsite:
    """A website that a form refuses, and when it did last. A stranger can make up an `origin`, but
    not for others: `from_several` says that visitors of several networks have sent it. `signups`
    counts what its pages sent among the form's last refusals."""

    origin: str
    at: datetime
    from_several: bool
    signups: int

    @property
    def named_by(self) -> str:
        return "several networks" if self.from_several else "one network"


def refused_websites(form: Form, last: Kept) -> list[RefusedWebsite]:
    """Return the websites that were refused and still are, the newest first, five at most.

    Those of several networks come first.
    """
    found: dict[str, RefusedWebsite] = {}
    for kept in last:
        origin, several = kept.refusal.origin, kept.refusal.from_several
        if origin and kept.refusal.code in OF_WEBSITES:
            newer = found.get(origin)
            found[origin] = RefusedWebsite(
                origin=origin,
                at=newer.at if newer else kept.at,
                from_several=several or (newer is not None and newer.from_several),
                signups=(newer.signups if newer else 0) + (kept.refusal.code == RefusalCode.ORIGIN),
            )
    still = [each for each in found.values() if not form.allows_origin(each.origin)]
    return sorted(still, key=lambda each: not each.from_several)[:MOST_WEBSITES]


def allowed_beside(form: Form, origin: str) -> str | None:
    """Return a website that may post, if `origin` belongs to its domain: for
    ``https://shop.acme.example`` that is ``https://www.acme.example``."""
    host = _host(origin).partition(":")[0]
    domains = {each: _host(each).partition(":")[0].removeprefix("www.") for each in form.origins}
    return next((each for each in domains if f".{host}".endswith(f".{domains[each]}")), None)


def still_refused_origins(form: Form, last: Kept) -> tuple[str, ...] | None:
    """Return the first three of the refused websites, cut to a length that can be read.

    Empty if all may post by now; None if none is known.
    """
    if not any(each.refusal.origin and each.refusal.code in OF_WEBSITES for each in last):
        return None
    still = refused_websites(form, last)[:MOST_ORIGINS]
    return tuple(each.origin[:_LONGEST_ORIGIN] for each in still)


def _of_websites(code: RefusalCode, cause: str) -> str:
    return f"{cause}, so the form was not shown" if code == RefusalCode.NOT_SHOWN else cause


def _origins_refused(own: Sequence[str] = (), origins: Sequence[str] = ()) -> str:
    own_hosts = {_host(origin) for origin in own}
    # With a host that the form has, only the scheme is wrong.
    shown = [each if _host(each) in own_hosts else _host(each) for each in origins]
    if not shown:
        return "the page that posts is not on one of the websites that may post here"
    if len(shown) == 1:
        return f"{shown[0]} is not among the websites that may post here"
    named = f"{', '.join(shown[:-1])} and {shown[-1]}"
    return f"{named} are not among the websites that may post here"


def _host(origin: str) -> str:
    return origin.partition("://")[2] or origin


def _fields(last: Kept, code: RefusalCode) -> tuple[str, ...]:
    """Return the fields that arrived with the newest of the refusals with this code."""
    return next((kept.refusal.fields for kept in last if kept.refusal.code == code), ())
