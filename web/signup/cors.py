"""CORS: which pages may read our answers, errors included, and what their scripts may send.

Nothing that we answer here depends on cookies. So every page that may post may also send its
visitors' cookies along, as AMP pages and `credentials: "include"` do, and read the answer.
"""

import re
from collections.abc import Mapping
from itertools import islice

from shared.domain.form import Form
from web.signup.origins import Source, web_origin

# A page's address here, for AMP: https://amp.dev/documentation/guides-and-tutorials/learn/amp-caches-and-cors/amp-cors-requests
AMP_SOURCE = "__amp_source_origin"
_AMP_ALLOWED = "AMP-Access-Control-Allow-Source-Origin"

_EXPOSED = f"Retry-After, X-Request-Id, AMP-Redirect-To, {_AMP_ALLOWED}"
_OURS = ("Accept", "Content-Type", "X-Requested-With", "Idempotency-Key")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")  # RFC 9110, 5.6.2
_MOST_HEADERS = 50


def cors_headers(form: Form | None, source: Source) -> dict[str, str]:
    """Return the headers that let the form's pages read an answer. Everybody may read of no form.

    A page that may not read the answer gets the name of one that may: browsers show both.
    """
    headers = {"Access-Control-Expose-Headers": _EXPOSED}
    if source.origin is None:
        return headers | {"Access-Control-Allow-Origin": "*"}
    if form and not source.may_post(form):
        return headers | {"Access-Control-Allow-Origin": form.origins[0]}
    return headers | {
        "Access-Control-Allow-Origin": source.origin,
        # Browsers refuse `*` for these requests, and nothing shows beforehand which ones they are.
        "Access-Control-Allow-Credentials": "true",
    }


def preflight_headers(asked: Mapping[str, str], *, may_post: bool) -> dict[str, str]:
    """Return what a browser may send that asks with these headers.

    A page that may post may also do it from the internet into the private network we are in.
    """
    headers = {
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": ", ".join(_allowed(asked)),
        "Access-Control-Max-Age": "86400",
    }
    if may_post and asked.get("access-control-request-private-network") == "true":
        headers["Access-Control-Allow-Private-Network"] = "true"
    return headers


def amp_headers(amp_source: str, form: Form | None) -> dict[str, str]:
    """Return what older AMP pages need to read an answer; `amp_source` is what the page claims."""
    origin = web_origin(amp_source)
    if origin and (form is None or form.allows_origin(origin)):
        return {_AMP_ALLOWED: origin}
    return {}


def _allowed(asked: Mapping[str, str]) -> list[str]:
    """Return the headers that a script may send: all that it asks for, spelt as it does, and ours.

    Monitoring scripts add headers to every request; we ignore them.
    """
    names = asked.get("access-control-request-headers", "").split(",")
    valid = (name for each in names if _TOKEN.fullmatch(name := each.strip()))
    granted = list(islice(dict.fromkeys(valid), _MOST_HEADERS))
    known = {name.lower() for name in granted}
    return granted + [name for name in _OURS if name.lower() not in known]
