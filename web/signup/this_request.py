"""What the views know of the request that is being answered: read once, and kept for its answer."""

from flask import g, request

from shared.domain.form import Form
from shared.domain.web_addresses import origin_of
from web.services import services
from web.signup.flask_request import arrived_body, check_whole, head_of
from web.signup.origins import Source, source_of
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted, read_posted
from web.signup.visitors import Visitor, visitor_of

# In the address of a hosted form that the console frames, without scripts.
PREVIEW = "_preview"


def head_here() -> Head:
    if "head" not in g:
        g.head = head_of(request)
    head: Head = g.head
    return head


def source_here() -> Source:
    if "source" not in g:
        g.source = source_of(head_here(), services().settings.public_url)
    source: Source = g.source
    return source


def body_here() -> bytes:
    """Return what has arrived of the body. Raises `UnreadableRequest` if it is too large."""
    if "body" not in g:
        g.body = arrived_body(request)
    body: bytes = g.body
    return body


def read_posted_here() -> Posted:
    """Read the posted fields. Raises `UnreadableRequest`."""
    check_whole(request, body_here())
    g.posted = posted = read_posted(head_here(), body_here())
    return posted


def posted_here() -> Posted:
    """Return the posted fields, if they were read."""
    posted: Posted = g.get("posted", {})
    return posted


def listed(page: str | None, form: Form) -> str | None:
    """Return `page` if it is on one of the form's origins.

    Any page can link to us. Our form must not lead its visitors back there.
    """
    return page if page and form.origins and form.allows_origin(origin_of(page)) else None


def way_back(form: Form, page: str | None) -> str | None:
    """Return `page`, a website's that sent the visitor here, if this page may lead back there.

    It may if that website may post to the form: a redirect would lead there, too. A form in a frame
    needs no way back, as the website is around it.
    """
    may_lead = page and not g.in_frame and form.allows_origin(origin_of(page))
    return page if may_lead else None


def allow_form(form: Form, posted_from: str | None = None) -> None:
    """Tell the security headers where this page's form may lead, and who may frame it.

    In a website's frame, the page has a script that tells the website its height. Browsers too old
    to say that they load a frame get none, and the frame can be scrolled.
    """
    g.form_targets = [address for address in (*form.origins, form.redirect, posted_from) if address]
    g.framed_by = form.origins
    g.has_captcha = form.captcha != "none"
    head = head_here()
    g.in_frame = head.headers.get("sec-fetch-dest") == "iframe" and PREVIEW not in head.arguments()


def visitor_here(form: Form, source: Source, posted: Posted) -> Visitor:
    return visitor_of(form, head_here(), source, posted, address=request.remote_addr or "")
