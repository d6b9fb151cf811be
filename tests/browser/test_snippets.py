"""What `relay snippet` prints works on a page of another origin, and in a shell.

The page's policy allows nothing but what the command says.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, FrameLocator, Page, expect

from shared.domain.form import ListRef
from tests.browser.conftest import NewPage, SaveForm
from tests.support.records import all_records
from tests.support.relay_here import relay_here
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from tests.support.website import Website

pytestmark = pytest.mark.slow

LISTS = (ListRef("id-1", "News & more"), ListRef("id-2", "Events"))
THANKS = "Thank you! Your sign-up has been received."
BOTH = pytest.mark.parametrize("has_script", [True, False], ids=["JavaScript", "no JavaScript"])


@dataclass
class Shop:
    """A website, and a way to paste a snippet into its page."""

    web: WebProcess
    valkey: ValkeyServer
    website: Website
    pages: dict[str, str]
    headers: dict[str, str]
    environ: dict[str, str] = field(repr=False)
    violations: list[str] = field(default_factory=list)

    def snippet(self, *options: str) -> dict[str, Any]:
        """Run `relay snippet club` with the options; return what it printed."""
        command = ("snippet", "club", "--json", *options)
        printed: dict[str, Any] = json.loads(relay_here(command, self.environ))
        return printed

    def paste(self, page: Page, *options: str, times: int = 1) -> None:
        printed = self.snippet(*options)
        policy = f"default-src 'none'; {printed['content_security_policy']}"
        self.headers["Content-Security-Policy"] = policy
        self.pages["/"] = f'<html lang="en"><h1>A shop</h1>{printed["snippet"] * times}'
        page.on("console", self._note)
        page.goto(self.website.url)

    def _note(self, said: ConsoleMessage) -> None:
        if "Content Security Policy" in said.text and "favicon" not in said.text:
            self.violations.append(said.text)

    def expect_the_signup(self) -> None:
        [signup] = all_records(self.valkey.client())
        assert signup["state"] == "queued"
        fields = {"email_address": "ada@example.com", "first_name": "Ada"}
        assert signup["contact"]["fields"] == fields
        assert [custom["value"] for custom in signup["contact"]["custom"]] == ["Sacher"]
        assert signup["lists"] == ["id-1"]
        assert signup["contact"]["other"] == {}
        consent = signup["consent"]
        assert (consent["box"], consent["posted"], consent["stated"]) == (True, "yes", True)


@pytest.fixture
def shop(web: WebProcess, redis_server: ValkeyServer, save_form: SaveForm) -> Iterator[Shop]:
    environ = {
        "REDIS_URL": redis_server.url(),
        "RELAY_PUBLIC_URL": web.url,
        "RELAY_SECRET_KEY": "a secret only for tests",
        "RELAY_DATA_DIR": str(web.data_dir),
        "CTCT_CLIENT_ID": "test-key",
        "CTCT_CLIENT_SECRET": "test-secret",
    }
    pages, headers = {"/": ""}, {"Content-Security-Policy": "default-src 'none'"}
    with Website(pages, headers) as website:
        # A new name, as web may keep the form of a known one for two seconds.
        save_form(
            "club",
            title="Join the club",
            lists=LISTS,
            consent_box="required",
            consent_text="Write to me.",
            origins=(website.url,),
        )
        shop = Shop(web, redis_server, website, pages, headers, environ)
        yield shop
        assert shop.violations == []


def fill_in(page: Page | FrameLocator) -> None:
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Favourite cake").fill("Sacher")
    page.get_by_label("Events").uncheck()
    page.get_by_label("Write to me.").check()


def send(page: Page | FrameLocator) -> None:
    page.get_by_role("button", name="Sign up").click()


def expect_our_thanks(page: Page | FrameLocator) -> None:
    expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()


def follow_the_link(page: Page) -> None:
    page.get_by_role("link", name="Join the club").click()
    fill_in(page)
    send(page)
    expect_our_thanks(page)


@BOTH
def test_a_plain_form_posts(shop: Shop, new_page: NewPage, has_script: bool) -> None:
    page = new_page(java_script_enabled=has_script)
    shop.paste(page)
    assert page.locator("[name=_gotcha]").is_hidden()
    fill_in(page)
    send(page)
    expect_our_thanks(page)
    shop.expect_the_signup()


def test_the_form_is_drawn_in_place(shop: Shop, page: Page) -> None:
    shop.paste(page, "--js")
    fill_in(page)
    send(page)
    expect(page.get_by_role("status")).to_have_text(THANKS)
    assert page.url == f"{shop.website.url}/"
    shop.expect_the_signup()


def test_the_form_opens_over_the_page(shop: Shop, page: Page) -> None:
    shop.paste(page, "--popup")
    link = page.get_by_role("link", name="Join the club")
    expect(link).to_have_attribute("aria-haspopup", "dialog")
    link.click()
    expect(page.get_by_role("dialog", name="Join the club")).to_be_visible()
    fill_in(page)
    send(page)
    expect(page.get_by_role("status")).to_have_text(THANKS)
    assert page.url == f"{shop.website.url}/"
    shop.expect_the_signup()


@pytest.mark.parametrize("options", [(), ("--fetch",)], ids=["plain", "fetch"])
@pytest.mark.parametrize("embedded", [False, True], ids=["alone", "embed.js"])
def test_two_copies_on_a_page_are_kept_apart(
    shop: Shop, page: Page, options: tuple[str, ...], embedded: bool
) -> None:
    shop.paste(page, *options, times=2)
    if embedded:
        policy = shop.headers["Content-Security-Policy"]
        for name in ("script-src", "connect-src"):
            known = policy if f"{name} " in policy else f"{policy}; {name} "
            policy = known.replace(f"{name} ", f"{name} {shop.web.url} ")
        shop.headers["Content-Security-Policy"] = policy
        shop.pages["/"] += f'<script src="{shop.web.url}/embed.js"></script>'
        page.goto(shop.website.url)
    second = page.locator("form").nth(1)
    page.get_by_text("First name").nth(1).click()
    expect(second.locator("[name=first_name]")).to_be_focused()
    second.get_by_label("E-mail address").fill("ada@example.com")
    second.get_by_label("First name").fill("A" * 51)
    second.get_by_label("Write to me.").check()
    second.get_by_role("button").click()
    if options or embedded:
        wrong = second.get_by_label("First name")
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(wrong).to_have_accessible_description(re.compile("at most 50 characters"))
        assert page.locator("form").first.locator("[aria-invalid=true]").count() == 0
        wrong.fill("Ada")
        second.get_by_role("button").click()
        expect(second.get_by_role("status")).to_contain_text("Thank you!")
    else:
        expect(page.get_by_role("alert")).to_contain_text("at most 50 characters")


@pytest.mark.parametrize("kind", ["--js", "--popup"])
def test_without_javascript_it_is_a_link(shop: Shop, new_page: NewPage, kind: str) -> None:
    page = new_page(java_script_enabled=False)
    shop.paste(page, kind)
    follow_the_link(page)
    shop.expect_the_signup()


@BOTH
def test_a_frame_has_the_hosted_form(shop: Shop, new_page: NewPage, has_script: bool) -> None:
    page = new_page(java_script_enabled=has_script)
    shop.paste(page, "--iframe")
    frame = page.frame_locator("iframe")
    expect(page.locator("iframe")).to_have_attribute("title", "Join the club")
    fill_in(frame)
    if has_script:
        expect(page.locator("iframe")).not_to_have_css("height", "560px")
    send(frame)
    expect_our_thanks(frame)
    assert page.url == f"{shop.website.url}/"
    shop.expect_the_signup()


def test_without_javascript_the_form_with_a_script_is_a_plain_one(
    shop: Shop, new_page: NewPage
) -> None:
    page = new_page(java_script_enabled=False)
    shop.paste(page, "--fetch")
    fill_in(page)
    send(page)
    expect_our_thanks(page)
    shop.expect_the_signup()


def test_the_script_shows_errors_beside_the_fields_and_then_thanks(shop: Shop, page: Page) -> None:
    shop.paste(page, "--fetch")
    fill_in(page)
    page.get_by_label("First name").fill("A" * 51)
    send(page)
    expect(page.get_by_role("status")).to_have_text("Please check the form.")
    wrong = page.get_by_label("First name")
    expect(wrong).to_have_attribute("aria-invalid", "true")
    expect(wrong).to_have_accessible_description(
        "First name: please use at most 50 characters. You entered 51."
    )
    expect(page.get_by_role("button")).to_be_enabled()

    wrong.fill("Ada")
    send(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you!")
    assert page.locator("[data-error]").count() == 0
    expect(page.get_by_label("E-mail address")).to_have_value("")
    assert page.url == f"{shop.website.url}/"
    shop.expect_the_signup()


def test_the_script_says_when_nothing_was_sent(shop: Shop, page: Page) -> None:
    shop.paste(page, "--fetch")
    fill_in(page)
    page.route("**/f/club", lambda route: route.abort())
    send(page)
    expect(page.get_by_role("status")).to_contain_text("could not be sent")
    expect(page.get_by_role("button")).to_be_enabled()
    expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
    page.unroute("**/f/club")
    send(page)
    expect(page.get_by_role("status")).to_contain_text("Thank you!")
    shop.expect_the_signup()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_command_runs_as_it_is_printed(shop: Shop) -> None:
    command = shop.snippet("--curl")["snippet"]
    ran = subprocess.run(
        ["sh", "-c", command], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(ran.stdout)["status"] == "queued"
    [signup] = all_records(shop.valkey.client())
    assert signup["contact"]["fields"]["email_address"] == "you@example.com"
    assert (signup["lists"], signup["consent"]["box"]) == (["id-1", "id-2"], True)
    assert not signup["consent"]["stated"]  # whoever runs it has shown nothing
