"""The name in `Host`: which names open the operators' pages, and that nothing is built from it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from shared.infrastructure.settings import Settings, parse_bind
from tests.support.console_browser import SignedIn
from web.app import create_app
from web.own_hosts import is_ours

PUBLIC = "https://Signup.example.com"
EVIL = {"Host": "evil.example"}
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}


@pytest.mark.parametrize(
    ("bind", "ours", "others"),
    [
        pytest.param(
            "127.0.0.1:8080",
            [
                *("signup.example.com", "SIGNUP.example.com", "signup.example.com."),
                *("signup.example.com:443", "signup.example.com.:8443", "signup.example.com:"),
                *("localhost", "LocalHost:8080", "localhost.", "relay.localhost:1"),
                *("127.0.0.1", "127.0.0.1:9999", "127.1.2.3", "[::1]", "[::1]:8080"),
                *("[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]:80"),
            ],
            [
                *("", "evil.example", "evil.example:8080", "signup.example.com.evil.example"),
                *("evilsignup.example.com", "example.com", "signup.example.com..", "."),
                *("localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost"),
                *("evil.example@127.0.0.1", "127.0.0.1@evil.example", "127.0.0.1/evil"),
                *("127.0.0.1,evil.example", "127.0.0.1 evil.example", "localhost\tx"),
                *("[::1", "::1", "[::1]evil.example", "[evil.example]", "localhost:x"),
                *("192.0.2.7", "192.0.2.7:8080", "[2001:db8::7]", "\xfcber.example"),
                *("\u017fignup.example.com", "localho\u017ft"),
            ],
            id="loopback",
        ),
        pytest.param(
            "192.0.2.7:8080", ["192.0.2.7", "192.0.2.7:80"], ["192.0.2.8"], id="an address"
        ),
        pytest.param("relay.lan:8080", ["relay.lan", "RELAY.lan."], ["lan"], id="a name"),
        pytest.param(
            "0.0.0.0:8080",
            ["192.0.2.7:8080", "[2001:db8::7]:8080", "0.0.0.0:8080"],
            ["evil.example", "relay", "192.0.2.7.evil.example", "192.0.2.999"],
            id="everywhere",
        ),
        pytest.param("[::]:8080", ["192.0.2.7", "[2001:db8::7]"], ["relay"], id="everywhere, v6"),
    ],
)
def test_which_names_are_ours(
    settings: Settings, bind: str, ours: list[str], others: list[str]
) -> None:
    here = replace(settings, public_url=PUBLIC, bind=parse_bind(bind))
    assert [host for host in ours if not is_ours(host, here)] == []
    assert [host for host in others if is_ours(host, here)] == []


def test_a_name_with_letters_beyond_ascii_is_ours_as_browsers_send_it(settings: Settings) -> None:
    assert is_ours("xn--mller-kva.example", replace(settings, public_url="https://Müller.example"))


# --- what is checked


def spellings(rule: Rule) -> Iterator[str]:
    """Return the path of a route in several spellings."""
    path = re.sub(r"<[^>]+>", "news", rule.rule)
    yield from (path, f"{path.rstrip('/')}/", f"/{path[1:].replace('/', '//')}")


def answers(app: Flask, prefix: str = "") -> Iterator[tuple[str, TestResponse]]:
    """Ask each route in each spelling, with a stranger's name in `Host`."""
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        method = "GET" if "GET" in (rule.methods or ()) else "POST"
        for path in spellings(rule):
            answer = client.open(f"{prefix}{path}", method=method, headers=EVIL | BROWSER)
            yield path, answer


def test_a_strange_name_opens_no_page_of_operators_and_every_page_of_visitors(app: Flask) -> None:
    asked = [(path, answer.status_code) for path, answer in answers(app)]
    assert len(asked) > 70
    for path, status in asked:
        assert (status == 421) == (path.split("/")[1] in ("console", "connect")), (path, status)


def test_a_strange_name_opens_no_page_of_operators_that_does_not_exist(app: Flask) -> None:
    assert app.test_client().get("/console/nothing", headers=EVIL).status_code == 421
    assert app.test_client().get("/nothing", headers=EVIL).status_code == 404


@pytest.mark.parametrize(("host", "prefix"), [("localhost", ""), ("evil.example", "/signup")])
def test_no_redirect_names_a_host(
    settings_with: Callable[..., Settings], save_form: Callable[..., object], host: str, prefix: str
) -> None:
    """Whatever the spelling, signed in or not: all of our own redirects are paths."""
    save_form()
    app = create_app(settings_with(public_url=f"https://{host}{prefix}"))
    locations = {answer.location for _, answer in answers(app, prefix)}
    browser = SignedIn(app, name="ada")
    for path in ("/console", "/console/sign-in", "/console//sign-in", "//console/sign-in/"):
        locations.add(browser.get(f"{prefix}{path}").location)
    sent = {"email": "ada@example.com"}
    posted = browser.client.post(f"{prefix}/f/news", data=sent, headers=EVIL | BROWSER)
    locations.add(posted.location)
    locations.discard(None)
    assert f"{prefix}/f/news/thanks" in locations
    assert [each for each in locations if not re.match(rf"{prefix}/(?!/)", str(each))] == []


# --- what a developer reads


@pytest.mark.parametrize("path", ["/console", "/console/", "/connect/link/x"])
def test_the_page_says_where_the_console_is_and_how_to_move_it(app: Flask, path: str) -> None:
    answer = app.test_client().get(path, headers={"Host": "relay.lan:8080"})
    assert answer.status_code == 421
    for wanted in ("relay.lan:8080", "http://127.0.0.1:8080/console/", "RELAY_PUBLIC_URL"):
        assert wanted in answer.text, wanted


@pytest.mark.parametrize("host", ["<b>call me</b>", "call.me." * 13, "call me", "call..me", "/"])
def test_the_page_shows_no_name_that_is_none(app: Flask, host: str) -> None:
    answer = app.test_client().get("/console/", headers={"Host": host})
    assert answer.status_code == 421
    assert "You opened it as" not in answer.text and "call" not in answer.text


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example", "-/", "[::1"])
@pytest.mark.parametrize("path", ["/f/news", "/f/news?format=json"], ids=["fast", "by the view"])
def test_a_sign_up_is_taken_under_a_name_that_is_none(app: Flask, path: str, host: str) -> None:
    sent = {"email": "ada@example.com"}
    answer = app.test_client().post(path, data=sent, headers={"Host": host})
    assert answer.status_code in (202, 303)


def test_nobody_signs_in_under_a_strange_name(app: Flask) -> None:
    browser = SignedIn(app)
    sent = {"name": browser.name, "password": "a password for tests"}
    answer = app.test_client().post("/console/sign-in", data=sent, headers=EVIL)
    assert answer.status_code == 421
    assert "Set-Cookie" not in answer.headers
    assert browser.get("/console/", headers=EVIL).status_code == 421
