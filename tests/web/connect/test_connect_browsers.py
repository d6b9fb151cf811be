"""A login ends in the browser that began it, and in no other."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from shared.accounts.connect_request import ConnectRequest
from shared.accounts.connecting import Connecting
from shared.domain.errors import Refused
from shared.infrastructure.settings import Settings
from tests.support.console_browser import SignedIn
from tests.support.sandbox_server import SandboxServer
from tests.support.web_services import services_of
from web.app import create_app

pytestmark = pytest.mark.usefixtures("no_pace")

OTHER = "Blue Door Books"
LOG_IN = "/console/connect/acme/log-in"

# Begins a login; returns its browser and the address of the login.
Begin = Callable[[], tuple[FlaskClient, str]]


@pytest.fixture
def app(live_settings: Settings, redis_client: "redis.Redis") -> Flask:
    return create_app(live_settings)


@pytest.fixture
def connecting(app: Flask) -> Connecting:
    return services_of(app).accounts.connecting


@pytest.fixture
def operator(app: Flask) -> SignedIn:
    return SignedIn(app)


@pytest.fixture(params=["console", "link"])
def begin(request: pytest.FixtureRequest, app: Flask, operator: SignedIn) -> Begin:
    """Begin in the console, or with a client's link."""

    def in_console() -> tuple[FlaskClient, str]:
        return operator.client, _login_in(operator.post(LOG_IN).text)

    def by_link() -> tuple[FlaskClient, str]:
        browser = app.test_client()
        link = _new_link(services_of(app).accounts.connecting)
        return browser, _login_in(browser.post(link).text)

    return in_console if request.param == "console" else by_link


def _new_link(connecting: Connecting) -> str:
    link = connecting.browser.make_link("acme", by="ada", asked_by="Studio North")
    return urlsplit(connecting.browser.links.url(link)).path


def _login_in(page: str) -> str:
    [url] = re.findall(r'href="([^"]+/authorize[^"]+)"', page)
    return unescape(url)


def _back(sandbox: SandboxServer, login: str, **who: object) -> str:
    """Log in; return the path to which the browser is sent."""
    address = urlsplit(sandbox.authorize(login, **who))  # type: ignore[arg-type]
    return f"{address.path}?{address.query}"


def _with_state_of(login: str, path: str) -> str:
    """Put the state of one login in place of another's, as somebody would who has seen it."""
    state, other = (parse_qs(urlsplit(each).query)["state"][0] for each in (login, path))
    return path.replace(other, state)


def test_somebody_who_has_seen_the_state_cannot_bring_a_login_of_their_own(
    begin: Begin, app: Flask, connecting: Connecting, sandbox: SandboxServer
) -> None:
    browser, login = begin()
    theirs = connecting.browser.start("elsewhere", by="mallory").url
    forged = _with_state_of(login, _back(sandbox, theirs, organization=OTHER))
    refused = app.test_client().get(forged)

    assert refused.status_code == 400
    assert "<h1>Begin again in this browser</h1>" in refused.text
    assert sandbox.stats()["token_calls"] == 0
    assert connecting.connector.registry.accounts() == []
    # The login goes on where it began, and works.
    assert browser.get(_back(sandbox, login)).status_code in (200, 303)
    account = connecting.connector.registry.account("acme")
    assert account is not None
    assert account.organization == "Acme Bakery"


def test_somebody_who_has_seen_the_state_cannot_end_the_login_with_an_error(
    begin: Begin, app: Flask, sandbox: SandboxServer
) -> None:
    browser, login = begin()
    [state] = parse_qs(urlsplit(login).query)["state"]

    refused = app.test_client().get(f"/connect/callback?error=access_denied&state={state}")

    assert "Begin again in this browser" in refused.text
    assert browser.get(_back(sandbox, login)).status_code in (200, 303)


def test_a_browser_that_began_another_login_is_another_browser(
    begin: Begin, app: Flask, operator: SignedIn, sandbox: SandboxServer
) -> None:
    _, login = begin()
    elsewhere = SignedIn(app, name="elsewhere")
    elsewhere.post(LOG_IN)

    assert elsewhere.get(_back(sandbox, login)).status_code == 400


def test_logins_in_two_tabs_both_end(
    operator: SignedIn, connecting: Connecting, sandbox: SandboxServer
) -> None:
    first = _login_in(operator.post(LOG_IN).text)
    second = _login_in(operator.post("/console/connect/books/log-in").text)

    for login, organization in ((first, "Acme Bakery"), (second, OTHER)):
        back = _back(sandbox, login, organization=organization)
        assert "/console/connect/done/" in str(operator.get(back).location)

    names = [account.organization for account in connecting.connector.registry.accounts()]
    assert names == ["Acme Bakery", OTHER]


def test_of_two_callbacks_at_the_same_moment_one_connects(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    login = connecting.browser.start("acme", by="ada", browser_key="key").url
    back = parse_qs(urlsplit(_back(sandbox, login)).query)
    store, both_have_looked = connecting.browser.store, threading.Barrier(2)
    waiting = store.waiting

    def wait_for_the_other(state: str) -> ConnectRequest | None:
        found = waiting(state)
        both_have_looked.wait(timeout=10)
        return found

    store.waiting = wait_for_the_other  # type: ignore[method-assign]

    def finish(_: int) -> str:
        try:
            [state], [code] = back["state"], back["code"]
            return connecting.browser.finish(state, code, browser_key="key").account.name
        except Refused as error:
            return str(error)

    with ThreadPoolExecutor(2) as threads:
        connected, refused = sorted(threads.map(finish, range(2)), key=len)

    assert connected == "acme"
    assert "used already" in refused
    assert sandbox.stats()["token_calls"] == 2  # the code, and the refresh that proves it


def test_the_address_of_the_command_line_ends_in_any_browser(
    app: Flask, connecting: Connecting, sandbox: SandboxServer
) -> None:
    login = connecting.browser.start("acme", by="ada").url

    assert app.test_client().get(_back(sandbox, login)).status_code == 200


def test_an_operator_in_another_browser_is_led_to_begin_again(
    app: Flask, operator: SignedIn, sandbox: SandboxServer
) -> None:
    login = _login_in(operator.post(LOG_IN).text)
    elsewhere = SignedIn(app, name="elsewhere")

    page = elsewhere.get(_back(sandbox, login)).text

    assert f'<a href="{LOG_IN}">' in page
    again = _login_in(elsewhere.post(LOG_IN).text)
    assert "/done/" in str(elsewhere.get(_back(sandbox, again)).location)


def test_a_stranger_with_the_state_of_a_failed_login_learns_no_link_that_works(
    app: Flask, connecting: Connecting, sandbox: SandboxServer
) -> None:
    client, link = app.test_client(), _new_link(connecting)
    back = _back(sandbox, _login_in(client.post(link).text), allow=False)
    client.get(back)

    assert app.test_client().get(back).status_code == 400
    assert client.get(back).location == link


@pytest.mark.parametrize(
    ("public_url", "name", "attributes"),
    [
        pytest.param("http://127.0.0.1:8080", "relay_connect_", {"Path=/connect"}, id="http"),
        pytest.param(
            "https://signup.example.com",
            "__Host-relay_connect_",
            {"Path=/", "Secure"},
            id="https at a host of our own",
        ),
        pytest.param(
            "https://example.com/signup",
            "relay_connect_",
            {"Path=/signup/connect", "Secure"},
            id="https below a path",
        ),
    ],
)
def test_only_our_pages_get_the_cookie(
    live_settings: Settings,
    redis_client: "redis.Redis",
    public_url: str,
    name: str,
    attributes: set[str],
) -> None:
    app = create_app(replace(live_settings, public_url=public_url))
    link = _new_link(services_of(app).accounts.connecting)

    [cookie] = app.test_client().post(link).headers.getlist("Set-Cookie")

    pair, *found = cookie.split("; ")
    assert re.fullmatch(rf"{name}[0-9a-f]{{16}}=[\w-]{{32}}", pair)
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=900", *attributes} <= set(found)
    assert ("Secure" in found) == public_url.startswith("https")
