"""Web with some forms, and a website with pages of its own that has `/embed.js` on them."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import requests
from playwright.sync_api import Page, Route

from shared.domain.form import ListRef
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

LISTS = (ListRef("id-1", "News"), ListRef("id-2", "Events"))
# Keeps which forms the page has asked for.
NOTE_ASKED = """
    window.asked = [];
    const ask = fetch;
    window.fetch = (url, how) => {
        if (String(url).endsWith("/fields")) asked.push(url);
        return ask(url, how);
    };
"""
# A page that is higher than any screen.
LONG = "<p>Once upon a time</p>" * 100


@dataclass
class DrawingSite:
    """`headers` are those of every page of the website. They forbid all that embed.js does not
    need."""

    relay: str
    website: Website
    valkey: ValkeyServer
    pages: dict[str, str]
    headers: dict[str, str]

    @property
    def origin(self) -> str:
        return self.website.url

    def forbid_all_else(self) -> None:
        self.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src {self.relay}; connect-src {self.relay};"
            f" frame-src {self.relay}; require-trusted-types-for 'script'"
        )

    def save_form(self, name: str, **fields: Any) -> None:
        Registry(self.valkey.client()).save_form(builders.form(name, **fields))

    def show(
        self,
        page: Page,
        content: str,
        *,
        script: bool = True,
        html: str = 'lang="en"',
        until: Literal["commit", "load"] = "load",
    ) -> None:
        """Open a page with the content; `html` are attributes of the whole page."""
        loads = f'<script src="{self.relay}/embed.js" defer></script>' if script else ""
        phone = '<meta name="viewport" content="width=device-width,initial-scale=1">'
        self.pages["/"] = f"<html {html}>{phone}{loads}<main><h1>A shop</h1>{content}</main>"
        page.goto(f"{self.origin}/", wait_until=until)

    def link(self, form: str = "news", attributes: str = "") -> str:
        return f'<a href="{self.relay}/f/{form}" {attributes}>Get our news</a>'

    def drawn(self, form: str = "news", after: str = "") -> str:
        """Return an element in which the form is drawn."""
        return f'<div data-relay-form="{form}">{self.link(form)}</div>{after}'

    def popup(self, when: str, form: str = "news") -> str:
        return self.link(form, f'data-relay-popup="{when}"')

    def await_answer(self, name: str, status: int) -> None:
        """Wait until web knows a change of the form: its page has this status then."""
        page = f"{self.relay}/f/{name}"
        eventually(lambda: requests.get(page, timeout=5).status_code == status, what="the change")

    def signup(self, email: str) -> dict[str, Any]:
        """Return the only sign-up of the address."""
        with self.valkey.client() as client:
            records = all_records(client)
        [found] = [each for each in records if email in str(each["contact"])]
        return found


def answer_in_arabic(page: Page) -> None:
    """Say of each form that it reads from right to left."""

    def answer(route: Route) -> None:
        found = route.fetch()
        route.fulfill(response=found, json={**found.json(), "language": "ar", "direction": "rtl"})

    page.route("**/fields", answer)


@contextmanager
def drawing_site(folder: Path) -> Iterator[DrawingSite]:
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyServer(folder / "valkey"))
        unlimited = {"RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0"}
        web = WebProcess(valkey, folder / "relay", unlimited)
        pages: dict[str, str] = {}
        headers = {"X-Website": "theirs"}
        website = stack.enter_context(Website(pages, headers))
        site = DrawingSite(web.url, website, valkey, pages, headers)
        site.save_form("news")
        site.save_form(
            "club",
            title="Join the club",
            lists=LISTS,
            consent_box="required",
            consent_text="Write to me.",
            origins=(site.origin,),
        )
        site.save_form("elsewhere", origins=("https://else.example",))
        site.save_form("closed", enabled=False)
        stack.enter_context(web)
        site.forbid_all_else()
        yield site
