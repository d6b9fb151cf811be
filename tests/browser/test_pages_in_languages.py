"""Visitors' pages in a real browser: in every language, from right to left, and with large text.

The pages come from an app in this process, which also has a test catalogue from right to left.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from flask import Flask
from playwright.sync_api import Page, Route, expect

from shared.domain.form import ListRef
from shared.infrastructure.settings import Settings
from shared.ledger.stores.registry import Registry
from tests.browser.conftest import NewPage
from tests.support import builders
from tests.support.accessibility import faults_in_both_themes, faults_of
from tests.support.catalogues import write_pseudo_arabic
from tests.support.web_services import change_services, services_of
from web.app import create_app
from web.translations.catalogues import load_translations

SITE = "http://signup.test"
WIDTH = 360
GETS = ("/f/full", "/f/full?email=ada@example.com", "/f/full/thanks", "/f/none", "/")
TYPED = {"email": "ada@example.com", "first_name": "A" * 60, "remarks": "Tea.\n" * 5, "_lists": ""}
POSTS = ("/f/full", "/f/none", "/f/closed", "/f/full/thanks")
POST = """([path, fields]) => {
    const form = document.createElement('form');
    form.method = 'post';
    form.action = path;
    for (const [name, value] of Object.entries(fields)) {
        const area = document.createElement('textarea');
        area.name = name;
        area.value = value;
        form.append(area);
    }
    document.body.append(form);
    form.submit();
}"""

Open = Callable[..., Page]


@pytest.fixture
def app(settings: Settings, redis_client: "redis.Redis", tmp_path: Path) -> Iterator[Flask]:
    lists = (ListRef("1", "1"), ListRef("2", "2"))
    for form in (
        builders.form("full", lists=lists, consent_box="required"),
        builders.form("closed", enabled=False),
    ):
        Registry(redis_client).save_form(form)
    app = create_app(settings)
    write_pseudo_arabic(tmp_path / "translations")
    change_services(app, translations=load_translations(tmp_path / "translations"))
    yield app
    services_of(app).form_tallies.close()


@pytest.fixture
def open_page(app: Flask, new_page: NewPage) -> Open:
    """Open a page of a phone, in a language; its requests go to the app."""

    def answer(route: Route) -> None:
        request = route.request
        with app.test_client().open(
            request.url.removeprefix(SITE),
            method=request.method,
            headers=request.headers,
            data=request.post_data_buffer,
        ) as found:
            route.fulfill(status=found.status_code, headers=dict(found.headers), body=found.data)

    def open_in(language: str, **options: str) -> Page:
        page = new_page(locale=language, viewport={"width": WIDTH, "height": 740}, **options)
        page.route(f"{SITE}/**", answer)
        return page

    return open_in


def post(page: Page, path: str) -> None:
    page.goto(f"{SITE}/f/full")
    with page.expect_navigation():
        page.evaluate(POST, [path, TYPED])
    expect(page.get_by_role("alert")).to_be_visible()


def never_scrolls_sideways(page: Page) -> bool:
    return bool(
        page.evaluate("""() => {
            const page = document.scrollingElement;
            page.scrollLeft = -1000;
            const left = page.scrollLeft;
            page.scrollLeft = 1000;
            return page.scrollWidth <= innerWidth && left === 0 && page.scrollLeft === 0;
        }""")
    )


def test_a_page_runs_from_right_to_left_where_the_language_does(open_page: Open) -> None:
    page = open_page("ar")
    post(page, "/f/full")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    assert never_scrolls_sideways(page)
    for narrow in ("h1", "#summary h2", "#summary li", ".field label", ".tick span"):
        box = page.locator(narrow).first
        assert box.evaluate("each => getComputedStyle(each).textAlign") == "start"
        assert box.evaluate("each => getComputedStyle(each).direction") == "rtl"
    summary = page.locator("#summary")
    assert summary.evaluate("each => getComputedStyle(each).borderRightWidth") == "4px"
    assert summary.evaluate("each => getComputedStyle(each).borderLeftWidth") == "0px"
    tick, text = (page.locator(f".tick {part}").first.bounding_box() for part in ("input", "span"))
    assert tick and text and tick["x"] > text["x"]
    # What was typed in Latin letters still reads from left to right.
    email = page.locator("input[name=email]")
    assert email.evaluate("each => getComputedStyle(each).direction") == "ltr"
    assert faults_of(page) == []


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "ar"])
def test_every_page_fits_a_phone_in_every_language(open_page: Open, language: str) -> None:
    page = open_page(language)
    for path in GETS:
        page.goto(SITE + path)
        assert never_scrolls_sideways(page), path
        assert faults_in_both_themes(page) == [], path
    for path in POSTS:
        post(page, path)
        assert page.locator("html").get_attribute("lang") == language
        assert never_scrolls_sideways(page), path
        assert faults_in_both_themes(page) == [], path


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "de", "ar"])
def test_text_of_twice_the_size_hides_nothing(open_page: Open, language: str) -> None:
    page = open_page(language)
    for path in POSTS:
        post(page, path)
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert never_scrolls_sideways(page), path
        for button in page.get_by_role("button").all():
            assert button.evaluate("each => each.scrollWidth <= each.clientWidth")


@pytest.mark.slow
def test_what_was_typed_can_be_copied_by_keyboard(open_page: Open) -> None:
    page = open_page("de")
    post(page, "/f/none")
    first = page.get_by_label("E-Mail-Adresse")
    expect(first).to_have_value("ada@example.com")
    expect(first).to_have_attribute("readonly", "")
    page.keyboard.press("Tab")
    expect(first).to_be_focused()
    page.keyboard.press("ControlOrMeta+a")
    selected = "(e => e.value.slice(e.selectionStart, e.selectionEnd))(document.activeElement)"
    assert page.evaluate(selected) == "ada@example.com"
    expect(page.locator("form")).to_have_count(0)
