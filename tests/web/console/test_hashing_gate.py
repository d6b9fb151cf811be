"""The gate before the threads that hash: strangers take no place of those who signed in before."""

import asyncio
import re
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.infrastructure.settings import Settings
from tests.support.console_browser import SignedIn
from tests.support.hand_set_clock import HandSetClock
from tests.web.console.test_console_roles import LEAST_ROLE
from web.app import create_app, create_entrance
from web.console.hashing_gate import (
    HASHING_PATHS,
    MOST_OF_A_NETWORK,
    MOST_REFUSED,
    HashingGate,
    Sender,
)
from web.request_ids import RequestId
from web.server.bodies import Body
from web.server.flask_threads import MOST_HASHING, RequestWork
from web.server.http_request import HttpRequest

SIGN_IN = "/console/sign-in"


def request(method: str = "POST", **headers: str) -> HttpRequest:
    sent = {"host": "localhost", **{name.replace("_", "-"): it for name, it in headers.items()}}
    return HttpRequest(
        {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": SIGN_IN,
            "raw_path": SIGN_IN.encode(),
            "query_string": b"",
            "server": ("127.0.0.1", "80"),
            "client": ("127.0.0.1", "40000"),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        },
        RequestId("own"),
    )


@pytest.fixture
def clock() -> HandSetClock:
    return HandSetClock()


@pytest.fixture
def gate(app: Flask, settings: Settings, clock: HandSetClock) -> HashingGate:
    return HashingGate(app, settings, clock=clock)


def sender(gate: HashingGate, address: str = "192.0.2.1", **headers: str) -> Sender:
    found = gate.sender(request(**headers), path=SIGN_IN, address=address)
    assert found
    return found


def cookie_of(client: FlaskClient, name: str) -> str:
    found = client.get_cookie(name, path="/console")
    assert found
    return f"{name}={found.value}"


@pytest.mark.parametrize("path", sorted(HASHING_PATHS))
def test_what_flask_refuses_in_any_case_takes_no_place(
    app: Flask, gate: HashingGate, path: str
) -> None:
    cookie = cookie_of(SignedIn(app).client, "relay_device")
    for refused in (
        request("GET"),
        request(sec_fetch_site="cross-site", cookie=cookie),
        request(sec_fetch_site="same-site"),
        request(host="other.example", cookie=cookie),
        request(host="xn--\xe9"),
    ):
        assert gate.sender(refused, path=path, address="192.0.2.1") is None
    for usual in (request(), request(sec_fetch_site="same-origin")):
        found = gate.sender(usual, path=f"{path}/", address="192.0.2.1")
        assert found and found.work == RequestWork.HASHING


def test_the_gate_knows_what_compares_a_password_and_nothing_else(
    app: Flask, gate: HashingGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Before it looks at the password, this one asks for a code that fits.
    routes = LEAST_ROLE.keys() - {"POST /console/profile/second-factor"}
    for number, route in enumerate(route for route in routes if route.startswith("POST")):
        browser = SignedIn(app, name=f"ada-{number}")
        compared: list[int] = []
        path = re.sub(r"<[^>]+>", "nobody", route.partition(" ")[2])
        typed = "a password that is not theirs"
        with monkeypatch.context() as patched:
            patched.setattr(
                "shared.operations.operators.check_password_hash",
                lambda *_, to=compared: to.append(1),
            )
            browser.post(path, name="x", password=typed, current=typed, new=typed, again=typed)
        is_gated = gate.sender(request(), path=path, address="192.0.2.1") is not None
        assert is_gated == bool(compared), route


def test_the_gate_agrees_with_flask_about_what_is_refused(app: Flask) -> None:
    SignedIn(app)
    sent = {"name": "admin", "password": "wrong"}
    for status, headers in (
        (403, {"Sec-Fetch-Site": "cross-site"}),
        (421, {"Host": "other.example"}),
        (401, {}),
    ):
        assert app.test_client().post(SIGN_IN, data=sent, headers=headers).status_code == status


@pytest.mark.parametrize("name", ["relay_device", "relay_console"])
def test_a_browser_that_signed_in_is_known_by_either_cookie(
    app: Flask, gate: HashingGate, name: str
) -> None:
    cookie = cookie_of(SignedIn(app).client, name)
    known = sender(gate, cookie=cookie)
    assert known.work == RequestWork.HASHING_KNOWN
    assert known == sender(gate, address="198.51.100.9", cookie=cookie)


@pytest.mark.parametrize("name", ["relay_device", "relay_console"])
@pytest.mark.parametrize("change", ["cut", "of another key", "text"])
def test_a_made_up_cookie_makes_nobody_known(
    app: Flask, gate: HashingGate, settings: Settings, name: str, change: str
) -> None:
    cookie = cookie_of(SignedIn(app).client, name)
    if change == "of another key":
        other = create_app(replace(settings, secret_keys=("another secret for tests",)))
        cookie = cookie_of(SignedIn(other, name="eve").client, name)
    made_up = {"cut": cookie[:-1], "of another key": cookie, "text": f"{name}=x"}[change]
    assert sender(gate, cookie=made_up).work == RequestWork.HASHING


def test_a_cookie_of_ours_that_no_session_has_makes_nobody_known(
    app: Flask, gate: HashingGate
) -> None:
    client = app.test_client()
    with client.session_transaction("/console/") as session:
        session["second_step"] = {"id": "x"}
    assert sender(gate, cookie=cookie_of(client, "relay_console")).work == RequestWork.HASHING


def test_refused_tries_end_before_a_thread(gate: HashingGate, clock: HandSetClock) -> None:
    stranger = sender(gate)
    for status in (401, 429) * (MOST_REFUSED // 2):
        assert gate.refusal(stranger) is None
        gate.note(stranger, status)
    refusal = gate.refusal(stranger)
    assert refusal and refusal.status == 429
    assert dict(refusal.headers)["Retry-After"] == "60"
    assert b"Wait 60 seconds" in refusal.body
    assert gate.refusal(sender(gate, address="192.0.2.2")) is None
    clock.now += 60
    assert gate.refusal(stranger) is None


def test_who_is_let_in_uses_nothing_up(gate: HashingGate) -> None:
    for _ in range(MOST_REFUSED + 1):
        gate.note(sender(gate), 303)
    assert gate.refusal(sender(gate)) is None


@pytest.mark.parametrize("network", ["203.0.113.{}", "2001:db8:0:{:x}::1"])
def test_a_network_has_so_many_passwords(gate: HashingGate, network: str) -> None:
    for number in range(MOST_OF_A_NETWORK):
        stranger = sender(gate, address=network.format(number))
        assert gate.refusal(stranger) is None
        gate.note(stranger, 401)
    assert gate.refusal(sender(gate, address=network.format(200)))
    assert gate.refusal(sender(gate, address="198.51.100.1")) is None


def test_strangers_use_nothing_up_of_a_known_browser_at_their_address(
    app: Flask, gate: HashingGate
) -> None:
    cookie = cookie_of(SignedIn(app).client, "relay_device")
    for _ in range(MOST_OF_A_NETWORK):
        gate.note(sender(gate), 401)
    assert gate.refusal(sender(gate))
    assert gate.refusal(sender(gate, cookie=cookie)) is None


def test_a_flood_of_strangers_keeps_no_known_browser_out(app: Flask) -> None:
    """Through the entrance: each stranger has an address of its own, and all places are taken."""
    browser = SignedIn(app)
    cookie = cookie_of(browser.client, "relay_device")

    async def flood() -> tuple[int, int]:
        entrance = create_entrance(app)
        entrance._flask._hashing[RequestWork.HASHING] = MOST_HASHING[RequestWork.HASHING]
        body = Body(content=b"", length=0)
        answers = [
            await entrance._answer(each, body, path=SIGN_IN, visitor="203.0.113.1")
            for each in (request(), request(cookie=cookie))
        ]
        await entrance.close()
        return answers[0].status, answers[1].status

    assert asyncio.run(flood()) == (429, 401)
