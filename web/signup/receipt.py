"""The answer to a sign-up that is stored: a page to go on to, or JSON."""

import functools
import json
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from werkzeug.urls import iri_to_uri

from shared.domain.form import Form
from shared.domain.reading.posted_fields import instruction
from web.signup.answer_kind import wants_json
from web.signup.cors import AMP_SOURCE
from web.signup.origins import Source
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted

_JSON = json.JSONEncoder(separators=(",", ":"))  # `json.dumps` would make a new one each time

THANKS = "Thank you! Your sign-up has been received."


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back to the visitor, whichever server sends it. `signup` is the id of the sign-up
    that was stored, if the answer is about one."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    signup: str | None = None


def receipt(
    id: str, form: Form, posted: Posted, *, source: Source, head: Head, public_url: str
) -> Answer:
    """Return the answer for the stored sign-up `id`: 303 to the next page, or 202 with JSON."""
    wanted = next(filter(None, instruction(posted, "_next")), None)
    next_page = form.next_page(wanted, posted_from=source.website_page)
    if not wants_json(head):
        location = iri_to_uri(next_page or urlsplit(_thanks_page(public_url, form.name)).path)
        return Answer(303, [("Content-Type", "text/html; charset=utf-8"), ("Location", location)])
    headers = [("Content-Type", "application/json")]
    # AMP pages read no "next": they follow this header, and only to https.
    if next_page and next_page.startswith("https://") and AMP_SOURCE in head.arguments():
        headers.append(("AMP-Redirect-To", next_page))
    content = {
        "ok": True,
        "id": id,
        "status": "queued",
        "next": next_page or _thanks_page(public_url, form.name),
        "message": form.success or THANKS,
    }
    return Answer(202, headers, _JSON.encode(content).encode() + b"\n")


@functools.lru_cache  # to join and quote addresses takes longer than to write the answer
def _thanks_page(public_url: str, form_name: str) -> str:
    return urljoin(public_url, f"{urlsplit(public_url).path}/f/{quote(form_name)}/thanks")
