"""A website whose pages load `/embed.js`, and have forms that post to a web process."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from playwright.sync_api import Page, Request, expect

from tests.support.records import all_records
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

FIELDS = """<p><label for="e">EMAIL</label> <input id="e" name="EMAIL" type="email" required></p>
<p><label>FNAME <input name="FNAME"></label></p>
<p><label>Cake <textarea name="favourite_cake"></textarea></label></p>
<button>Join</button>"""
THANKS = "Thank you! Your sign-up has been received."


@dataclass
class EmbedSite:
    """`relay` is where its pages reach the web process. `posts` are their requests to forms, once
    `watch` was called."""

    web: WebProcess
    valkey: ValkeyServer
    website: Website
    pages: dict[str, str]
    relay: str
    posts: list[Request] = field(default_factory=list)

    def show(
        self, page: Page, fields: str = FIELDS, *, attributes: str = "", more: str = ""
    ) -> None:
        """Open a page with a form of these fields and further attributes, and `more` after it."""
        action = f'action="{self.relay}/f/news"'
        self.show_page(page, f'<form {action} method="post" {attributes}>{fields}</form>{more}')

    def show_page(self, page: Page, content: str, *, path: str = "/", lang: str = "en") -> None:
        script = f'<script src="{self.relay}/embed.js" defer></script>'
        head = f'<html lang="{lang}"><head><meta name="viewport" content="width=device-width">'
        body = f"<body><main><h1>Shop</h1>{content}</main></body></html>"
        self.pages[path] = f"{head}<title>Shop</title>{script}</head>{body}"
        self.watch(page)
        page.goto(f"{self.website.url}{path}")

    def watch(self, page: Page) -> None:
        self.posts.clear()
        page.on("request", self._note)

    def _note(self, request: Request) -> None:
        if request.method == "POST" and "/f/" in request.url and request not in self.posts:
            self.posts.append(request)

    def keys(self) -> set[str]:
        """Return the Idempotency-Keys of the posts."""
        return {each.headers["idempotency-key"] for each in self.posts}

    def posted(self) -> dict[str, list[str]]:
        """Return the fields of the last post."""
        return parse_qs(self.posts[-1].post_data or "", keep_blank_values=True)

    def records(self) -> list[dict[str, Any]]:
        with self.valkey.client() as client:
            return all_records(client)


@contextmanager
def embed_site(
    web: WebProcess,
    valkey: ValkeyServer,
    headers: Mapping[str, str] | None = None,
    *,
    relay: str | None = None,
) -> Iterator[EmbedSite]:
    pages = {"/thanks": "<h1>Welcome</h1>"}
    with Website(pages, headers) as website:
        yield EmbedSite(web, valkey, website, pages, relay or web.url)


def fill_in(page: Page, email: str = "ada@example.com", name: str = "Ada") -> None:
    page.get_by_label("EMAIL").fill(email)
    page.get_by_label("FNAME").fill(name)


def join(page: Page, email: str = "ada@example.com", name: str = "Ada") -> None:
    fill_in(page, email, name)
    page.get_by_role("button", name="Join").click()


def expect_thanks(page: Page) -> None:
    expect(page.get_by_role("status")).to_have_text(THANKS)


def kept(page: Page) -> list[dict[str, Any]]:
    """Return what the tab keeps."""
    found: list[dict[str, Any]] = page.evaluate("Object.values(sessionStorage).map(JSON.parse)")
    return found
