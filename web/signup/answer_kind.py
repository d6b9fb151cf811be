"""Which kind of answer a request gets: JSON for scripts, pages and redirects for browsers."""

from flask import Request

from web.signup.cors import AMP_SOURCE
from web.signup.reading.body_kind import ContentType
from web.signup.reading.request_body import content_type_of


def wants_json(request: Request) -> bool:
    """Whether the answer should be JSON rather than a page or a redirect."""
    if request.headers.get("X-Requested-With", "").lower() == "xmlhttprequest":
        return True
    if request.args.get("format") == "json" or AMP_SOURCE in request.args:
        return True
    accepted = request.accept_mimetypes
    json_quality, html_quality = accepted["application/json"], accepted["text/html"]
    if json_quality != html_quality:
        return bool(json_quality > html_quality)
    # Neither is preferred: curl and scripts send */*, but a form prefers a page. A page's script
    # cannot follow a redirect to another site, so it gets JSON. Anything else gets JSON for JSON.
    return _is_script_of_page(request) or _is_scripts_body(content_type_of(request))


def _is_scripts_body(header: ContentType) -> bool:
    """Whether scripts send such a body. To avoid a preflight, some call their JSON text/plain."""
    return header.is_json or header.mimetype == "text/plain"


def _is_script_of_page(request: Request) -> bool:
    """Whether a script on a page sent a request that prefers no kind of answer.

    Older browsers, and all of them over http, do not say so. But only browsers send an Origin.
    """
    mode = request.headers.get("Sec-Fetch-Mode")
    return mode != "navigate" if mode else "Origin" in request.headers
