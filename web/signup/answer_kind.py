"""Which kind of answer a request gets: JSON for scripts, pages and redirects for browsers."""

from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from shared.domain.remembering import remembered
from web.signup.cors import AMP_SOURCE
from web.signup.reading.body_kind import ContentType
from web.signup.reading.head import LONGEST_READ, LONGEST_USUAL, Head


def wants_json(head: Head) -> bool:
    """Whether the answer should be JSON rather than a page or a redirect."""
    if head.headers.get("x-requested-with", "").lower() == "xmlhttprequest":
        return True
    arguments = head.arguments()
    if arguments.get("format") == "json" or AMP_SOURCE in arguments:
        return True
    prefers_json = _prefers_json(head.headers.get("accept", "")[:LONGEST_READ])
    if prefers_json is not None:
        return prefers_json
    # Neither is preferred: curl and scripts send */*, but a form prefers a page. A page's script
    # cannot follow a redirect to another site, so it gets JSON. Anything else gets JSON for JSON.
    return _is_script_of_page(head) or _is_scripts_body(head.content_type)


@remembered(longest=LONGEST_USUAL)  # few kinds of browsers send most of what comes
def _prefers_json(accept: str) -> bool | None:
    """Whether JSON is preferred to a page; None if neither is."""
    accepted = parse_accept_header(accept, MIMEAccept)
    json_quality, html_quality = accepted["application/json"], accepted["text/html"]
    return None if json_quality == html_quality else bool(json_quality > html_quality)


def _is_scripts_body(header: ContentType) -> bool:
    """Whether scripts send such a body. To avoid a preflight, some call their JSON text/plain."""
    return header.is_json or header.mimetype == "text/plain"


def _is_script_of_page(head: Head) -> bool:
    """Whether a script on a page sent a request that prefers no kind of answer.

    Older browsers, and all of them over http, do not say so. But only browsers send an Origin.
    """
    mode = head.headers.get("sec-fetch-mode")
    return mode != "navigate" if mode else "origin" in head.headers
