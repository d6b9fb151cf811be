"""A real Chromium, and a web process of its own with a Redis that a test may stop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from shared.domain.form import Form
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.embed_site import EmbedSite, embed_site
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

CHROMIUM = "/usr/bin/chromium"  # where it is missing, the tests fail: `make chromium` installs it
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Chromium trusts 127.0.0.1 over http as it trusts https. These hosts it does not.
    "--host-resolver-rules=MAP *.test 127.0.0.1",
]

# Milliseconds for what a page does and shows. Much of it waits for a machine that does more than
# one test, and a proof of work takes several times as long for who is unlucky.
PATIENCE = 20_000
expect.set_options(timeout=PATIENCE)

NewPage = Callable[..., Page]
SaveForm = Callable[..., Form]


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    """For all tests here, and no others: while it runs, its thread can run no other event loop."""
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """One browser, in which each page has a context of its own."""
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Open a page in a context of its own, such as `new_page(java_script_enabled=False)`."""
    contexts = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


@pytest.fixture(scope="module")
def redis_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def web_of_module(
    redis_of_module: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebProcess]:
    """A web process with the form `news`, for all tests of a module that can share one."""
    Registry(redis_of_module.client()).save_form(builders.form())
    unlimited = {"RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0"}
    with WebProcess(redis_of_module, tmp_path_factory.mktemp("relay"), unlimited) as web:
        yield web


@pytest.fixture
def no_signups(redis_of_module: ValkeyServer) -> None:
    with redis_of_module.client() as client:
        for key in client.scan_iter("relay:{acme}:*"):
            client.delete(key)


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def save_form(redis_server: ValkeyServer) -> SaveForm:
    def save(name: str = "news", **fields: Any) -> Form:
        form = builders.form(name, **fields)
        Registry(redis_server.client()).save_form(form)
        return form

    return save


@pytest.fixture
def web(redis_server: ValkeyServer, save_form: SaveForm, tmp_path: Path) -> Iterator[WebProcess]:
    """A web process with the form `news`."""
    save_form()
    with WebProcess(redis_server, tmp_path / "relay") as web:
        yield web


@pytest.fixture
def web_without_spool(
    redis_server: ValkeyServer, save_form: SaveForm, tmp_path: Path
) -> Iterator[WebProcess]:
    """The same, but nothing is kept on its disk."""
    save_form()
    without = {"RELAY_SPOOL_BYTES": "0"}
    with WebProcess(redis_server, tmp_path / "relay", without) as web:
        yield web


@pytest.fixture
def site(web: WebProcess, redis_server: ValkeyServer) -> Iterator[EmbedSite]:
    """A website on another origin, whose pages load `/embed.js`."""
    with embed_site(web, redis_server) as site:
        yield site
