"""Every page of the console on a bad day: accessible in both themes, and not wider than a phone."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.exceptions import HTTPException

from shared.infrastructure.settings import Settings
from tests.pictures import bad_day
from tests.support.accessibility import faults_in_both_themes
from tests.support.relay_up import RelayUp
from web.app import create_app

WIDTHS = (1280, 390)
# Pages that a bad day does not lead to by links: a wizard's steps, and what was made a moment ago.
# And files and parts of pages, which are no pages.
NOT_LINKED = {
    *("console.export_audit", "console.live", "console.charts"),
    *("console.account_now", "console.account_charts"),
    *("console.sign_in", "console.second_step", "console.test"),
    *("console.connected", "console.pending", "console.link", "console.job"),
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def up(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RelayUp]:
    with RelayUp(tmp_path_factory.mktemp("bad-day")) as up:
        up.environ.update(bad_day.SETTINGS)
        up.start()
        page = browser.new_page()
        bad_day.sign_in(up, page)
        bad_day.connect_books(up, page)
        page.close()
        bad_day.play(up)
        yield up


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings)


def pages_of(app: Flask) -> set[str]:
    """Every endpoint of the console that can be asked for without a change."""
    found = (rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ()))
    return {rule.endpoint for rule in found if rule.endpoint.startswith("console.")} - NOT_LINKED


def endpoint_of(app: Flask, url: str) -> str | None:
    try:
        endpoint, _ = app.url_map.bind("").match(urlsplit(url).path)
    except HTTPException:
        return None
    return str(endpoint)


def links_on(page: Page) -> list[str]:
    found: list[str] = page.eval_on_selector_all("a[href]", "all => all.map(each => each.href)")
    return found


def crawl(app: Flask, up: RelayUp, page: Page) -> dict[str, str]:
    """Return an address of each page that links lead to, by its endpoint, and the search's own,
    to which no link leads."""
    begin = f"{up.url}/console/"
    found = {"console.overview": begin, "console.empty_search": f"{begin}search"}
    waiting = [begin]
    while waiting:
        page.goto(waiting.pop())
        for url in links_on(page):
            endpoint = endpoint_of(app, url) if url.startswith(f"{up.url}/console") else None
            if endpoint and endpoint not in found.keys() | NOT_LINKED:
                found[endpoint] = url
                waiting.append(url)
    return found


def opened(browser: Browser, up: RelayUp, width: int, said: list[str]) -> Page:
    """Return a page of somebody who has signed in. `said` gets what the browser complains about."""
    page = browser.new_context(viewport={"width": width, "height": 800}).new_page()
    page.on("console", lambda message: said.append(message.text))
    bad_day.sign_in(up, page)
    return page


def test_every_page_is_accessible_and_fits(app: Flask, up: RelayUp, browser: Browser) -> None:
    wrong: list[str] = []
    pages: dict[str, str] = {}
    for width in WIDTHS:
        page = opened(browser, up, width, wrong)
        pages = pages or crawl(app, up, page)
        for endpoint, url in pages.items():
            page.goto(url)
            wrong += [f"{endpoint}, {width} px, {each}" for each in faults_in_both_themes(page)]
        page.context.close()
    assert not wrong, "\n".join(wrong)
    assert pages_of(app) - set(pages) == set()
