"""Every page of the console that links lead to, on data that strangers and operators made up.

The links are followed from the overview on, so a new page is looked at by itself.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.domain.account import HoldReason
from shared.domain.audit import Action, Actor, Via
from shared.domain.form import CustomField, ListRef
from shared.domain.signup import Consent, Contact, CustomValue, DeathReason
from shared.infrastructure.email_syntax import check_email
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.refusals import refused_tally
from tests.support.signups import Made
from tests.support.web_services import services_of

# Opens a tag, wherever it is not escaped: in text, and in an attribute with either quote.
EVIL = "'\"><x-evil>"
EMAIL = "grazyna.zielinska@personal.example"
# Of a visitor, but for the last; viewers see nothing of it.
PERSONAL = {
    "e-mail": EMAIL,
    "first name": "Grazyna",
    "last name": "Zielinska",
    "phone": "+1 555 0100 777",
    "custom field": "marzipan",
    "other field": "left-handed",
    "network address": "203.0.113.77",
    "address of the page": "visitor-number-17",
    "the account's contact": "owner@acme.example",
}
# What a viewer's pages may post, with what is below the second.
OF_VIEWERS = ("/console/sign-out", "/console/profile", "/console/search")
MOST_PAGES = 400
# What pages read from their address, and what a stranger's link may have there.
PARAMETERS = (
    *("account", "action", "actor", "copy", "cursor", "deploy", "format", "form", "group", "key"),
    *("name", "next", "page", "period", "q", "reason", "refused", "since", "state", "target"),
    *("until", "words"),
)
SENTENCE = "Your account is suspended, write to help at evil.example"
WILD = (SENTENCE, "-1", "9" * 40, "\0", EVIL, "2026-99-99", "\u0661", "\U0001f600")
# The first wrong one of several hides the others.
QUERIES = [
    *(dict.fromkeys(PARAMETERS, value) for value in WILD),
    *({name: SENTENCE} for name in ("copy", "cursor", "form", "group", "reason", "words")),
    *({"since": when} for when in ("0001-01-01", "9999-12-31T23:59:59-23:59")),
    *({"until": when} for when in ("0001-01-01", "9999-12-31T23:59:59-23:59")),
]


# A report is copied to somebody in another zone.
SHOW_UTC = ("time", "textarea")
BARE_TIME = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z| UTC)")


class Html(HTMLParser):
    """What matters of a page: its tags and text, its links, and what its forms post where."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.posts: list[str] = []
        self.fields: set[str] = set()
        self.text = ""
        self.outside_times = ""
        self._inside: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        if tag in SHOW_UTC:
            self._inside.append(tag)
        self.attributes |= found.keys()
        if tag == "a" or "hx-get" in found:
            self.links += [url for name in ("href", "hx-get") if (url := found.get(name))]
        if tag == "form" and found.get("method") == "post":
            self.posts.append(found.get("action") or "")
        if tag in ("input", "select", "textarea", "button") and (name := found.get("name")):
            self.fields.add(name)
        self.posts += [url for name in ("formaction", "hx-post") if (url := found.get(name))]

    def handle_endtag(self, tag: str) -> None:
        if tag in SHOW_UTC:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        self.text += data
        if not self._inside:
            self.outside_times += data


@dataclass(frozen=True, slots=True)
class Visited:
    """A page, and the one whose link led there."""

    url: str
    answer: TestResponse
    came_from: str
    html: Html = field(init=False)

    def __post_init__(self) -> None:
        is_page = self.answer.mimetype == "text/html"
        object.__setattr__(self, "html", Html(self.answer.text if is_page else ""))

    def __str__(self) -> str:
        return f"{self.url} (linked from {self.came_from})"


def visit_all(browser: SignedIn, filled: "Filled") -> Iterator[Visited]:
    """Follow the links from the overview and from each sign-up, a few queries of each path."""
    starts = ["/console/", *(f"/console/signups/{id}" for id in filled.ids)]
    waiting, seen, of_path = [(url, "") for url in starts], set(starts), dict[str, int]()
    while waiting:
        url, came_from = waiting.pop(0)
        visited = Visited(url, browser.get(url), came_from)
        yield visited
        assert len(seen) < MOST_PAGES
        for link in visited.html.links:
            found = urljoin(url, link).partition("#")[0]
            path = urlsplit(found).path
            if path.startswith("/console") and found not in seen and of_path.get(path, 0) < 4:
                of_path[path] = of_path.get(path, 0) + 1
                seen.add(found)
                waiting.append((found, url))


class Filled:
    """A console with something on every page, made up by somebody who means ill if `evil`."""

    def __init__(self, app: Flask, client: "redis.Redis", *, evil: bool) -> None:
        self.text = EVIL if evil else "plain"
        self.ids: list[str] = []
        self._client = client
        self._ledger = Ledger(client)
        finder = services_of(app).operations.one_signup.finder
        self._made = Made(
            self._ledger, lambda email: finder.fingerprints().person(check_email(email))
        )
        self._set_up()
        self._sign_ups()
        self._ledger.hold("acme", HoldReason.PAUSED, by="olga", note=self.text)
        self._audit()

    def go_wrong(self) -> None:
        """Bring what sentences with times in them are about: holds, a release, refused sign-ups."""
        self._ledger.hold_quota("acme", jitter=0, note="429")
        self._ledger.hold("acme", HoldReason.OUTAGE, by="answer", first_probe=timedelta(hours=1))
        self._ledger.release("acme", by="olga")
        all_refused = replace(
            refused_tally(required=40),
            faults=40,
            streak={"required": 40},
            streak_began_ago=timedelta(hours=2),
        )
        FormCounts(self._client).add("web", 1, [all_refused])

    def _set_up(self) -> None:
        registry, text = Registry(self._client), self.text
        registry.save_account(
            builders.account(
                organization=text,
                contact_email=PERSONAL["the account's contact"],
                login=PERSONAL["the account's contact"] + text,
                connected_by=text,
            )
        )
        registry.save_form(
            builders.form(
                title=text,
                consent_text=text,
                lists=(ListRef(builders.LIST_ID, text),),
                custom_fields=(CustomField("7f1d1c1e-0000-4000-8000-000000000001", "cake", text),),
                origins=("https://acme.example",),
            )
        )

    def _sign_ups(self) -> None:
        made, text = self._made, self.text
        contact = Contact(
            fields={
                "email_address": EMAIL,
                "first_name": f"Grazyna {text}",
                "last_name": "Zielinska",
                "phone_number": "+1 555 0100 777",
            },
            custom=(CustomValue("7f1d1c1e-0000-4000-8000-000000000001", "cake", "marzipan"),),
            other={f"hand {text}": f"left-handed {text}"},
            typed={"first_name": f"grazyna {text}"},
        )
        consent = Consent(
            text=text,
            version="1",
            box=None,
            address=PERSONAL["network address"],
            page=f"https://acme.example/join?who=visitor-number-17&x={text}",
        )
        of: dict[str, Any] = {"contact": contact, "consent": consent}
        self.ids = [
            *(
                made.dead(EMAIL, reason=reason, message=text, error_key=text, **of)
                for reason in DeathReason
                if reason != DeathReason.UNREADABLE
            ),
            made.delivered(EMAIL, **of),
            made.discarded(EMAIL, **of),
            made.retrying(EMAIL, message=text, **of),
            made.queued(EMAIL, **of),
            *(made.quarantined(EMAIL, signal, **of) for signal in ("honeypot", "links_in_name")),
        ]

    def _audit(self) -> None:
        trail, text = AuditTrail(self._client), self.text
        who = Actor(text, Via.CLI)
        trail.add(Action.HOLD, who=who, account="acme", target=text, reason=text)
        trail.add(Action.BACKUP, who=who, **{text: text})
        trail.add(Action.CONNECT, who=who, account="acme", organization=text)


# Admins see the most pages, so the other roles' walks may wait for the slow tests.
each_role = pytest.mark.parametrize(
    "role",
    [
        Role.ADMIN,
        pytest.param(Role.OPERATOR, marks=pytest.mark.slow),
        pytest.param(Role.VIEWER, marks=pytest.mark.slow),
    ],
)


@pytest.fixture
def people(app: Flask) -> dict[Role, SignedIn]:
    return {role: SignedIn(app, role) for role in Role}


@each_role
def test_nothing_that_somebody_made_up_is_markup_and_no_link_is_dead_or_names_a_person(
    app: Flask,
    redis_client: "redis.Redis",
    people: dict[Role, SignedIn],
    caplog: pytest.LogCaptureFixture,
    role: Role,
) -> None:
    caplog.set_level(logging.DEBUG)
    seen = 0
    for page in visit_all(people[role], Filled(app, redis_client, evil=True)):
        seen += 1
        assert page.answer.status_code < 400, page
        assert "x-evil" not in page.html.tags, page
        assert not [name for name in page.html.attributes if name.startswith("on")], page
        assert "style" not in page.html.attributes | page.html.tags, page
        assert not [url for url in page.html.links if url.lower().startswith("javascript:")], page
        assert page.answer.headers["Cache-Control"] == "no-store", page
        for url in (*page.html.links, *page.html.posts, page.answer.location or ""):
            assert "grazyna" not in unquote(url).lower(), page
    assert seen > 10
    for question in (EMAIL, EMAIL.upper(), f"{EMAIL} "):
        found = people[role].post("/console/search", q=question)
        assert "grazyna" not in unquote(found.location or "").lower()
    assert "grazyna" not in caplog.text.lower()


def test_viewers_see_nothing_of_a_person_and_no_buttons(
    app: Flask, redis_client: "redis.Redis", people: dict[Role, SignedIn]
) -> None:
    viewer = people[Role.VIEWER]
    for page in visit_all(viewer, Filled(app, redis_client, evil=False)):
        shown = json.dumps(page.answer.text, ensure_ascii=False).lower()
        for what, value in PERSONAL.items():
            assert value.lower() not in shown, (what, str(page))
        assert not [url for url in page.html.posts if not url.startswith(OF_VIEWERS)], page
    for path in ("failed", "waiting", "quarantine", "delivered", "discarded"):
        by_address = viewer.get(f"/console/{path}?email=nobody@personal.example").text
        assert "nobody@" not in by_address
        assert by_address.count("<tr") == viewer.get(f"/console/{path}").text.count("<tr"), path
    shown = viewer.post("/console/search", q=EMAIL).text
    assert shown.count(EMAIL) <= 2, "what was typed, in the field and as the heading"
    assert "Zielinska" not in shown


def test_every_time_on_a_page_is_one_that_the_reader_sees_in_their_zone(
    app: Flask, redis_client: "redis.Redis", people: dict[Role, SignedIn]
) -> None:
    filled = Filled(app, redis_client, evil=False)
    filled.go_wrong()
    told = ""
    for page in visit_all(people[Role.ADMIN], filled):
        assert not BARE_TIME.search(page.html.outside_times), page
        told += page.html.text
    for sentence in ("deliveries resume at 00:00 UTC", "Released at ", "refused since 2"):
        assert sentence in told, sentence


@pytest.mark.slow
def test_no_address_has_a_page_fail_or_say_what_a_stranger_wrote(
    app: Flask, redis_client: "redis.Redis", people: dict[Role, SignedIn]
) -> None:
    admin = people[Role.ADMIN]
    filled = Filled(app, redis_client, evil=False)
    paths = {urlsplit(page.url).path for page in visit_all(admin, filled)}
    for path in sorted(paths):
        for query in QUERIES:
            answer = admin.get(path, query_string=query)
            assert answer.status_code < 500, (path, query)
            found = Html(answer.text)
            assert "x-evil" not in found.tags, (path, query)
            assert "suspended" not in found.text, (path, query)


@pytest.mark.slow
def test_nothing_that_is_posted_has_a_page_fail_or_is_markup(
    app: Flask, redis_client: "redis.Redis", people: dict[Role, SignedIn]
) -> None:
    admin = people[Role.ADMIN]
    pages = list(visit_all(admin, Filled(app, redis_client, evil=False)))
    posts = {path: page.html.fields for page in pages for path in page.html.posts}
    ending = {"/console/sign-out", "/console/operators/admin/sessions"}
    for value in ("", EVIL, "9" * 40, "\0", "x" * 5000):
        for path in sorted(posts.keys() - ending):
            fields = dict.fromkeys(posts[path] - {"csrf_token"}, value)
            answer = admin.post(path, **fields)
            assert answer.status_code < 500, (path, value)
            assert "x-evil" not in Html(answer.text).tags, path
    assert len(posts) > 20
