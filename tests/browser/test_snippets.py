"""What `relay snippet` prints works on a page of another origin, and in a shell."""

import contextlib
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from shared.domain.form import ListRef
from tests.browser.conftest import SaveForm
from tests.support.records import all_records
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

pytestmark = pytest.mark.slow

LISTS = (ListRef("id-1", "News & more"), ListRef("id-2", "Events"))

Snippet = Callable[..., str]


@contextlib.contextmanager
def website(body: str) -> Iterator[str]:
    """Serve a page with `body` on an origin of its own; gives its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = f"<!doctype html><html lang=en><title>A website</title>{body}"
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def snippet(web: WebProcess, redis_server: ValkeyServer) -> Snippet:
    """Run `relay snippet club` with the options; return what it printed."""

    def run(*options: str) -> str:
        environ = {
            "REDIS_URL": redis_server.url(),
            "RELAY_PUBLIC_URL": web.url,
            "RELAY_SECRET_KEY": "a secret only for tests",
            "RELAY_DATA_DIR": str(web.data_dir),
            "CTCT_CLIENT_ID": "test-key",
            "CTCT_CLIENT_SECRET": "test-secret",
        }
        command = [sys.executable, "-m", "relay", "snippet", "club", *options]
        return subprocess.run(
            command, env=environ, check=True, capture_output=True, text=True, timeout=60
        ).stdout

    return run


def signups(server: ValkeyServer) -> list[dict[str, Any]]:
    """Return what was accepted, as the ledger has it."""
    return all_records(server.client())


def fill_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Favourite cake").fill("Sacher")
    page.get_by_label("Events").uncheck()
    page.get_by_label("Write to me.").check()


def expect_the_signup(server: ValkeyServer) -> None:
    [signup] = signups(server)
    assert signup["state"] == "queued"
    assert signup["contact"]["fields"] == {"email_address": "ada@example.com", "first_name": "Ada"}
    assert [custom["value"] for custom in signup["contact"]["custom"]] == ["Sacher"]
    assert signup["lists"] == ["id-1"]
    assert signup["consent"]["box"] is True
    assert signup["contact"]["other"] == {}


@pytest.fixture
def form(save_form: SaveForm) -> None:
    # A new name, as web may keep the form of a known one for two seconds.
    save_form("club", lists=LISTS, consent_box="required", consent_text="Write to me.")


def test_the_form_posts_from_another_site(
    web: WebProcess, form: None, snippet: Snippet, redis_server: ValkeyServer, page: Page
) -> None:
    with website(snippet()) as site:
        page.goto(site)
        assert page.locator("[name=_gotcha]").is_hidden()
        fill_in(page)
        page.get_by_role("button", name="Sign up").click()
        expect(page.get_by_role("heading", name="Thank you!")).to_be_visible()
    expect_the_signup(redis_server)


def test_the_script_shows_errors_beside_the_fields_and_then_thanks(
    web: WebProcess, form: None, snippet: Snippet, redis_server: ValkeyServer, page: Page
) -> None:
    with website(snippet("--fetch")) as site:
        page.goto(site)
        fill_in(page)
        page.get_by_label("First name").fill("A" * 51)
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_have_text("Please check the form.")
        wrong = page.get_by_label("First name")
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(wrong).to_have_accessible_description(
            "First name: please use at most 50 characters. You entered 51."
        )
        expect(page.get_by_role("button")).to_be_enabled()

        wrong.fill("Ada")
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("Thank you!")
        assert page.locator("[data-error]").count() == 0
        expect(page.get_by_label("E-mail address")).to_have_value("")
        assert page.url == site
    expect_the_signup(redis_server)


def test_the_script_says_when_nothing_was_sent(
    web: WebProcess, form: None, snippet: Snippet, redis_server: ValkeyServer, page: Page
) -> None:
    with website(snippet("--fetch")) as site:
        page.goto(site)
        fill_in(page)
        page.route("**/f/club", lambda route: route.abort())
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("could not be sent")
        expect(page.get_by_role("button")).to_be_enabled()
        expect(page.get_by_label("E-mail address")).to_have_value("ada@example.com")
        page.unroute("**/f/club")
        page.get_by_role("button").click()
        expect(page.get_by_role("status")).to_contain_text("Thank you!")
    expect_the_signup(redis_server)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_command_runs_as_it_is_printed(
    web: WebProcess, form: None, snippet: Snippet, redis_server: ValkeyServer
) -> None:
    ran = subprocess.run(
        ["sh", "-c", snippet("--curl")], check=True, capture_output=True, text=True, timeout=60
    )
    assert json.loads(ran.stdout)["status"] == "queued"
    [signup] = signups(redis_server)
    assert signup["contact"]["fields"]["email_address"] == "you@example.com"
    assert (signup["lists"], signup["consent"]["box"]) == (["id-1", "id-2"], True)
