"""A path in RELAY_PUBLIC_URL, behind proxies that strip it or keep it; and odd spellings."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from werkzeug.test import Client, TestResponse

from shared.domain.form import Form
from shared.infrastructure.settings import Settings
from shared.operations.operators import Role
from tests.architecture.project import ROOT
from tests.support.console_browser import PASSWORD
from tests.support.entrance_client import through_entrance
from tests.support.sandbox_server import SandboxServer
from tests.support.web_services import services_of
from web.app import create_app
from web.public_path import route_path

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SITE = "https://www.example.com"
PREFIX = "/signup"
ROOTS = ("f", "console", "connect", "static", "healthz")
# Whatever an address in a page leads to: another page, a style sheet, a script, a part of a page.
ADDRESS = re.compile(r'\b(?:href|src|action|hx-get|hx-post)="([^"]*)"')


# --- what a path means


@pytest.mark.parametrize(
    ("path", "routed"),
    [
        ("/f/news", "/f/news"),
        ("/f/news/", "/f/news"),
        ("//f//news", "/f/news"),
        ("/F/News", "/f/News"),
        ("/f/news//", "/f/news"),
        ("/F/NEWS/Thanks/", "/f/NEWS/thanks"),
        ("/f/", "/f/"),
        ("/console", "/console"),
        ("/console/", "/console/"),
        ("/console//sign-in", "/console/sign-in"),
        ("/static/theme.css", "/static/theme.css"),
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/signupf/news", "/signupf/news"),
    ],
)
def test_what_a_path_means(path: str, routed: str) -> None:
    assert route_path(path, "", ROOTS) == routed
    assert route_path(path, PREFIX, ROOTS) == routed
    assert route_path(path, "/web/signup", ROOTS) == routed


@pytest.mark.parametrize(
    ("prefix", "path", "routed"),
    [
        ("/signup", "/signup/f/news", "/f/news"),
        ("/signup", "/signup//F/news/", "/f/news"),
        ("/signup", "/signup/console/", "/console/"),
        ("/signup", "/signup/nothing", "/signup/nothing"),
        ("/signup", "/signup", "/"),
        ("/signup", "/signup/", "/"),
        ("/web/signup", "/web/signup/f/news", "/f/news"),
        ("/web/signup", "/web/f/news", "/web/f/news"),
        ("/f", "/f/news", "/f/news"),
        ("/f", "/f/f/news", "/f/news"),
        ("/f", "/f/console/", "/console/"),
    ],
)
def test_what_a_path_means_below_the_public_one(prefix: str, path: str, routed: str) -> None:
    assert route_path(path, prefix, ROOTS) == routed


# --- every page, through both kinds of proxies


class Proxy:
    """Stands between the browser and the app, as `location /signup/` of a web server does."""

    def __init__(self, app: Flask, *, strips: bool) -> None:
        self._app = through_entrance(app)
        self._strips = strips

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        assert path.startswith(f"{PREFIX}/"), f"{path} belongs to another website"
        if self._strips:
            environ["PATH_INFO"] = path.removeprefix(PREFIX)
        return self._app(environ, start_response)


@pytest.fixture
def app(live_settings: Settings, save_form: Callable[..., Form]) -> Flask:
    save_form()
    return create_app(replace(live_settings, public_url=f"{SITE}{PREFIX}"))


@pytest.fixture(params=["stripped", "kept"])
def browser(app: Flask, request: pytest.FixtureRequest) -> Client:
    return Client(Proxy(app, strips=request.param == "stripped"))


def get(browser: Client, path: str, **options: Any) -> TestResponse:
    return browser.get(path, base_url=SITE, **options)


def addresses(page: TestResponse) -> list[str]:
    return [unescape(found) for found in ADDRESS.findall(page.text)]


def sign_in(app: Flask, browser: Client, wanted: str = "") -> TestResponse:
    services_of(app).operators.add("ada", Role.ADMIN, PASSWORD)
    page = get(browser, f"{PREFIX}/console/sign-in", query_string={"next": wanted})
    [action] = [each for each in addresses(page) if each.endswith("/sign-in")]
    sent = {"name": "ada", "password": PASSWORD, "next": wanted}
    return browser.post(action, base_url=SITE, data=sent)


def test_signing_up(browser: Client) -> None:
    page = get(browser, f"{PREFIX}/f/news")
    [action] = [each for each in addresses(page) if "/f/" in each]
    assert action == f"{PREFIX}/f/news"
    data = {"email": "ada@example.com"}
    answer = browser.post(action, base_url=SITE, data=data, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.location) == (303, f"{PREFIX}/f/news/thanks")
    assert "Thank you" in get(browser, answer.location).text
    answer = browser.post(action, base_url=SITE, json=data)
    assert answer.json is not None
    assert answer.json["next"] == f"{SITE}{PREFIX}/f/news/thanks"


@pytest.mark.parametrize(
    ("headers", "leads_to"),
    [
        ({"Origin": SITE, "Referer": f"{SITE}/blog/"}, f"{SITE}/ok"),
        ({"Origin": SITE}, f"{SITE}/ok"),
        ({"Origin": SITE, "Referer": f"{SITE}{PREFIX}/f/news"}, f"{PREFIX}/f/news/thanks"),
        ({}, f"{PREFIX}/f/news/thanks"),
    ],
    ids=["a page beside us", "it says no more", "our own page", "unknown"],
)
def test_a_website_at_the_same_host_gets_its_visitors_back(
    browser: Client, headers: dict[str, str], leads_to: str
) -> None:
    data = {"email": "ada@example.com", "_next": "/ok"}
    answer = browser.post(
        f"{PREFIX}/f/news", base_url=SITE, data=data, headers=headers | {"Accept": "text/html"}
    )
    assert answer.location == leads_to


def test_every_address_on_every_page_is_below_the_path(
    app: Flask, browser: Client, sandbox: SandboxServer
) -> None:
    connecting = services_of(app).accounts.connecting
    connecting.tokens.connect("acme", sandbox.connect(), by="ada")
    link = connecting.browser.make_link(
        "acme", by="ada", asked_by="Studio North", application=None, life=timedelta(days=1)
    )
    sign_in(app, browser)
    seen: set[str] = set()
    url = connecting.browser.links.url(link)
    assert url.startswith(f"{SITE}{PREFIX}/connect/link/")
    open_pages = [url.removeprefix(SITE), f"{PREFIX}/console/", f"{PREFIX}/f/news"]
    open_pages += [f"{PREFIX}/f/none", f"{PREFIX}/console/none", f"{PREFIX}/connect/callback"]
    while open_pages:
        path = open_pages.pop()
        if path in seen or path.endswith(("/sign-out", "/connect/again")):
            continue
        seen.add(path)
        page = get(browser, path)
        assert page.status_code < 300 or page.status_code >= 400, (path, page.location)
        page.close()  # a style sheet is a file
        if page.mimetype != "text/html":
            continue
        for address in addresses(page):
            if not address or address.startswith(("#", "data:", "http")):
                continue
            assert address.startswith(f"{PREFIX}/"), (path, address)
            open_pages.append(address.partition("#")[0])
    for part in ("/static/console.js", "/static/theme.css", "/console/accounts/acme"):
        assert f"{PREFIX}{part}" in seen
    assert len(seen) > 15


def test_the_root_tells_operators_where_the_console_is(browser: Client) -> None:
    root = get(browser, f"{PREFIX}/")
    assert root.status_code == 200
    assert f'href="{PREFIX}/console/"' in root.text


def test_the_console_remembers_where_one_was_going(app: Flask, browser: Client) -> None:
    asked = get(browser, f"{PREFIX}/console/doctor?account=acme")
    assert asked.location == f"{PREFIX}/console/sign-in?next=/console/doctor?account%3Dacme"
    signed_in = sign_in(app, browser, "/console/connect?name=acme")
    assert signed_in.location == f"{PREFIX}/console/connect?name=acme"
    assert "Path=/signup/console;" in f"{signed_in.headers['Set-Cookie']};"
    assert get(browser, signed_in.location).status_code == 200


def test_without_a_proxy_no_path_is_needed(app: Flask) -> None:
    client = app.test_client()
    for path in ("/healthz", "/signup/healthz", "/f/news", "/signup/f/news", "/static/theme.css"):
        with client.get(path) as answer:
            assert answer.status_code == 200, path


# --- odd spellings, without any path


@pytest.mark.parametrize(
    "path", ["/f/news/", "/f//news", "/F/news", "/f/News", "/f/NEWS/", "/f/news%20"]
)
def test_an_odd_spelling_of_a_form_is_no_redirect(
    live_settings: Settings, save_form: Callable[..., Form], path: str
) -> None:
    save_form()
    client = create_app(live_settings).test_client()
    posted = client.post(path, data={"email": "ada@example.com"}, headers={"Accept": "text/html"})
    assert (posted.status_code, posted.location) == (303, "/f/news/thanks")
    assert 'action="/f/news"' in client.get(path).text
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    preflight = client.options(path, headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://a.example"
    assert client.get(f"{path}/thanks").status_code == 200


def test_two_forms_that_differ_by_case_alone_are_told_apart(
    live_settings: Settings, save_form: Callable[..., Form]
) -> None:
    save_form("news", title="The small one")
    save_form("News", title="The large one")
    client = create_app(live_settings).test_client()
    assert "The small one" in client.get("/f/news").text
    assert "The large one" in client.get("/f/News").text
    assert client.get("/f/NEWS").status_code == 404


# --- literal addresses


def test_no_template_names_an_address_by_hand() -> None:
    pages = [*Path(ROOT, "web", "templates").rglob("*.html")]
    assert len(pages) > 10
    for page in pages:
        by_hand = [each for each in ADDRESS.findall(page.read_text()) if each.startswith("/")]
        assert by_hand == [], page
