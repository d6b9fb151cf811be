"""The console's pages of errors: also where a request reaches no view of it."""

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.operations.operators import Role
from tests.support.console_browser import SignedIn
from tests.support.console_scene import ConsoleScene, text
from tests.web.console.test_console_guard import path_of, rules

MENU, BUTTON_PAGE = '<nav id="navigation"', "Go to the page with the button"


@pytest.fixture
def browser(app: Flask, redis_client: "redis.Redis") -> SignedIn:
    return ConsoleScene(app, redis_client, Role.ADMIN).browser


def test_the_address_of_each_button_leads_back_to_its_page(app: Flask, browser: SignedIn) -> None:
    routes = app.url_map.bind("localhost")
    paths = {path_of(rule) for rule in rules(app)}
    buttons = {path for path in paths if not routes.test(path, method="GET")}
    assert {"/console/sign-out", "/console/failed/confirm"} < buttons
    for path in buttons:
        answer = browser.get(path)
        page = text(answer, 405)
        assert MENU in page and BUTTON_PAGE in page, path
        assert "POST" in answer.headers["Allow"], path
        assert "script-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "above"),
    [
        ("/console/failed/confirm", "/console/failed"),
        ("/console/forms/news/open", "/console/forms/news"),
        ("/console/failed/jobs/x/cancel", "/console/failed/jobs/x"),
        ("/console/sign-out", "/console"),
    ],
)
def test_it_is_the_page_nearest_above(browser: SignedIn, path: str, above: str) -> None:
    assert f'href="{above}">{BUTTON_PAGE}' in browser.get(path).text


@pytest.mark.parametrize("path", ["/console/nothing", "/console/forms/news/nothing"])
def test_an_address_without_a_page_has_the_menu(browser: SignedIn, path: str) -> None:
    page = text(browser.get(path), 404)
    assert MENU in page and "There is no page at this address." in page


def test_strangers_get_no_menu_and_the_way_to_sign_in(client: FlaskClient) -> None:
    for path, status in (("/console/nothing", 404), ("/console/failed/confirm", 405)):
        page = text(client.get(path), status)
        assert MENU not in page and 'href="/console/sign-in"' in page
        assert "website" not in page


def test_a_large_body_gets_a_page_of_the_console(browser: SignedIn) -> None:
    page = text(browser.post("/console/search", q="x" * 70_000), 413)
    assert MENU in page and "too large" in page


def test_a_fault_of_ours_gets_a_page_of_the_console(
    app: Flask, browser: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError

    monkeypatch.setitem(app.view_functions, "console.doctor", fail)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    page = text(browser.get("/console/doctor"), 500)
    assert "went wrong on our side" in page and "Your sign-up" not in page
