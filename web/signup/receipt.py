"""The answer to a sign-up that is stored: a page to go on to, or JSON."""

import functools
import re
from typing import NamedTuple, Protocol
from urllib.parse import quote, urlencode, urljoin, urlsplit

import orjson
from werkzeug.urls import iri_to_uri

from shared.domain.form import Form
from shared.domain.reading.posted_fields import LANGUAGE, instruction
from shared.domain.web_addresses import origin_of, split_address
from web.signup.answer_kind import wants_json
from web.signup.cors import AMP_SOURCE
from web.signup.origins import Source
from web.signup.reading.head import Head
from web.signup.reading.request_body import Posted
from web.translations.catalogues import Translation, Translations

# In the address of the thanks page: the website's page to which it leads back, or its path.
SITE = "_site"
_LONGEST_PATH = 500
_AT = re.compile("@|%40", re.IGNORECASE)


class BodyParts(Protocol):
    """What follows of an answer, made part by part. Whoever takes it closes it."""

    def __next__(self) -> bytes: ...
    def close(self) -> None: ...


class HttpAnswer(NamedTuple):
    """What goes back to the visitor, whichever server sends it. `signup` is the id of the sign-up
    that was stored, if the answer is about one. `rest` follows `body`, if it is a large file."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""
    signup: str | None = None
    rest: BodyParts | None = None


def receipt(
    id: str,
    form: Form,
    posted: Posted,
    *,
    source: Source,
    head: Head,
    translations: Translations,
    public_url: str,
) -> HttpAnswer:
    """Return the answer for the stored sign-up `id`: 303 to the next page, or 202 with JSON."""
    wanted = next(filter(None, instruction(posted, "_next")), None)
    next_page = form.next_page(wanted, posted_from=source.website_page)
    language = _in_language(form, posted, head, translations)
    thanks = _thanks_page(public_url, form.name)
    if not wants_json(head):
        ours = _with_query(thanks, language | _way_back(form, source))
        location = iri_to_uri(next_page or ours.removeprefix(_origin(public_url)))
        return HttpAnswer(
            303, [("Content-Type", "text/html; charset=utf-8"), ("Location", location)]
        )
    headers = [("Content-Type", "application/json")]
    # AMP pages read no "next": they follow this header, and only to https.
    if next_page and next_page.startswith("https://") and AMP_SOURCE in head.arguments():
        headers.append(("AMP-Redirect-To", next_page))
    content = {
        "ok": True,
        "id": id,
        "status": "queued",
        "next": next_page or _with_query(thanks, language),
        "message": _translation(form, posted, head, translations).say(form.shown_success),
    }
    return HttpAnswer(202, headers, orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE))


def _translation(form: Form, posted: Posted, head: Head, translations: Translations) -> Translation:
    browser = head.headers.get("accept-language", "")
    return translations.choose(form.language, *posted.get(LANGUAGE, ()), browser)


def _in_language(
    form: Form, posted: Posted, head: Head, translations: Translations
) -> dict[str, str]:
    """Return what the address of our thanks page needs to be in the language of the page that
    posted, if the browser would choose another one."""
    if LANGUAGE not in posted:
        return {}
    shown = _translation(form, posted, head, translations)
    chosen = shown is _translation(form, {}, head, translations)
    return {} if chosen else {LANGUAGE: shown.language}


def _way_back(form: Form, source: Source) -> dict[str, str]:
    """Return what the address of our thanks page needs to lead back to the website's page.

    Anybody can make up such an address. The browser tells the website, so a path is enough, and
    leads nowhere else. After our own page has posted, it tells ours. Then the origin is there, too,
    if it is one of the form's.
    """
    if not source.website_page:
        return {}
    site, path = origin_of(source.website_page), _told_path(source.website_page)
    if source.ours:
        return {SITE: f"{site}{path}"} if site in form.origins else {}
    return {SITE: path} if path else {}


def _told_path(page: str) -> str:
    """Return the page's path as our addresses may have it: without what may be an e-mail address,
    and "" for the home page."""
    path = split_address(page).path
    return "" if path == "/" or _AT.search(path) or len(path) > _LONGEST_PATH else path


def _with_query(address: str, query: dict[str, str]) -> str:
    return f"{address}?{urlencode(query)}" if query else address


# To join and quote addresses takes longer than to write the answer.


@functools.lru_cache
def _thanks_page(public_url: str, form_name: str) -> str:
    return urljoin(public_url, f"{urlsplit(public_url).path}/f/{quote(form_name)}/thanks")


@functools.lru_cache
def _origin(public_url: str) -> str:
    return urljoin(public_url, "/").removesuffix("/")
