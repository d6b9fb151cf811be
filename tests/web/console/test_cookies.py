"""The cookies of a sign-in: no other host and no other site can read or replace them."""

from dataclasses import replace

import pytest
import redis
from flask import Flask

from shared.infrastructure.settings import Settings
from shared.operations.operators import Role
from tests.support.console_browser import PASSWORD
from tests.support.web_services import services_of
from web.app import create_app

SIGN_IN = "/console/sign-in"
PREFIXED = ["__Host-relay_console", "__Host-relay_device"]
PLAIN = ["relay_console", "relay_device"]


def app_at(settings: Settings, public_url: str) -> Flask:
    made = create_app(replace(settings, public_url=public_url))
    services_of(made).operators.add("ada", Role.ADMIN, PASSWORD)
    return made


def cookies_of_a_sign_in(app: Flask) -> dict[str, list[str]]:
    """Return the attributes of each cookie by its name."""
    answer = app.test_client().post(SIGN_IN, data={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 303
    cookies = [each.split("; ") for each in answer.headers.getlist("Set-Cookie")]
    return {value.partition("=")[0]: attributes for value, *attributes in cookies}


@pytest.mark.parametrize(
    ("public_url", "names", "path", "secure"),
    [
        ("https://signup.example.com", PREFIXED, "/", True),
        ("https://signup.example.com:8443", PREFIXED, "/", True),
        ("HTTPS://signup.example.com", PREFIXED, "/", True),
        ("https://www.example.com/signup", PLAIN, "/signup/console", True),
        ("http://127.0.0.1:8080", PLAIN, "/console", False),
        ("http://localhost:8080/signup", PLAIN, "/signup/console", False),
    ],
)
def test_every_cookie_is_as_safe_as_the_address_allows(
    settings: Settings,
    redis_client: "redis.Redis",
    public_url: str,
    names: list[str],
    path: str,
    secure: bool,
) -> None:
    cookies = cookies_of_a_sign_in(app_at(settings, public_url))

    assert sorted(cookies) == names
    for name, attributes in cookies.items():
        assert {"HttpOnly", "SameSite=Lax", f"Path={path}"} <= set(attributes), name
        assert ("Secure" in attributes) == secure, name
        assert not [each for each in attributes if each.startswith("Domain")], name


def test_a_neighbour_cannot_put_a_session_in_place_of_ours(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    """A website on a sibling name can set `relay_console` for all names beside it, and no more."""
    app = app_at(settings, "https://signup.example.com")
    attacker = app.test_client()
    attacker.post(SIGN_IN, data={"name": "ada", "password": PASSWORD}, base_url="https://localhost")
    theirs = attacker.get_cookie("__Host-relay_console")
    assert theirs
    assert attacker.get("/console/", base_url="https://localhost").status_code == 200

    victim = app.test_client()
    victim.set_cookie("relay_console", theirs.value)
    assert victim.get("/console/", base_url="https://localhost").status_code == 302
