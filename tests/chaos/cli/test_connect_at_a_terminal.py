"""`relay connect` as somebody at a terminal goes it, with a browser's part played by requests."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from shared.ledger.format import open_ledger
from tests.support.stack import Stack
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

CHECKS = 7
END_OF_INPUT = "\x04"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Web for all tests. The address at which it is reached is the public one."""
    with Stack(tmp_path_factory.mktemp("terminal") / "stack", rate=100) as stack:
        stack.start_web()
        yield stack


@pytest.fixture
def stack(running: Stack) -> Stack:
    """Web, without account."""
    running.sandbox.reset()
    running.sandbox.control(rates={"token_requests_per_second": 1000}, device_interval_seconds=0.2)
    with running.valkey.client() as client:
        client.flushall()
        open_ledger(client)  # web is running, and writes the format only when it starts
    return running


@pytest.fixture
def worker(stack: Stack) -> Iterator[None]:
    (worker,) = stack.start_workers()
    yield
    stack.kill(worker)


def relay(stack: Stack, *command: str, **environ: str) -> Terminal:
    return Terminal({**stack.environ, "RELAY_PUBLIC_URL": stack.url, **environ}, *command)


def address(printed: str, part: str) -> str:
    """Return the address in `printed` that has `part` in it."""
    return next(word for word in printed.split() if part in word)


def log_in(stack: Stack, url: str, **decided: Any) -> requests.Response:
    """Decide at Constant Contact, and go where that sends the browser."""
    return requests.get(stack.sandbox.authorize(url, **decided), timeout=30)


def follow_link(stack: Stack, link: str, **decided: Any) -> requests.Response:
    """Open a client's link, go on to Constant Contact, and decide there: all in one browser."""
    with requests.Session() as browser:
        assert browser.get(link, timeout=10).ok
        on = browser.post(link, timeout=10)
        login = on.headers["Refresh"].partition("url=")[2]
        return browser.get(stack.sandbox.authorize(login, **decided), timeout=30)


def organization(stack: Stack) -> str:
    (account,) = stack.json("accounts")
    return str(account["organization"])


def test_the_wizard_explains_waits_for_the_login_and_shows_what_was_connected(
    stack: Stack,
) -> None:
    with relay(stack, "connect", "acme") as terminal:
        explained = terminal.read_until("yourself? [Y/n]")
        for word in (
            f"{stack.url}/connect/callback",
            *("Authorization Code Flow", "Long Lived", "Rotating", "offline_access"),
            "✓ Constant Contact knows the application",
        ):
            assert word in explained
        terminal.answer("")
        url = address(terminal.read_until("Waiting for the login"), "/authorize?")
        assert log_in(stack, url).status_code == 200
        seen = terminal.read_until("relay forms add FORM --account acme --list LIST")
        assert terminal.end() == 0
    assert seen.count("✓") == CHECKS
    for word in ("Acme Bakery", "Newsletter", "members"):
        assert word in seen


def test_the_wizard_says_why_a_login_came_to_nothing(stack: Stack) -> None:
    with relay(stack, "connect", "acme") as terminal:
        terminal.read_until("yourself? [Y/n]")
        terminal.answer("y")
        url = address(terminal.read_until("Waiting for the login"), "/authorize?")
        assert log_in(stack, url, allow=False).status_code == 400
        terminal.read_until("Access was not allowed")
        assert terminal.end() == 1


@pytest.mark.parametrize(
    ("said", "status", "then"), [("y", 0, "Blue Door Books"), ("n", 1, "Acme Bakery")]
)
def test_the_wizard_asks_whether_another_account_may_take_the_name(
    stack: Stack, said: str, status: int, then: str
) -> None:
    stack.connect()
    with relay(stack, "connect", "acme") as terminal:
        terminal.read_until("yourself? [Y/n]")
        terminal.answer("")
        url = address(terminal.read_until("Waiting for the login"), "/authorize?")
        log_in(stack, url, organization="Blue Door Books")
        terminal.read_until("Let Blue Door Books take the name acme?")
        terminal.answer(said)
        assert terminal.end() == status
    assert organization(stack) == then


@pytest.mark.parametrize(("said", "status"), [("", 0), ("n", 1)])
def test_the_wizard_renews_an_account_that_has_a_name(stack: Stack, said: str, status: int) -> None:
    stack.connect()
    with relay(stack, "connect", "bakery") as terminal:
        terminal.read_until("yourself? [Y/n]")
        terminal.answer("")
        url = address(terminal.read_until("Waiting for the login"), "/authorize?")
        log_in(stack, url)
        terminal.read_until("Acme Bakery is already connected as acme.")
        terminal.read_until("Reconnect acme with this login? [Y/n]")
        terminal.answer(said)
        terminal.read_until("relay disconnect acme" if status else "3. acme is connected")
        assert terminal.end() == status
    assert [account["name"] for account in stack.json("accounts")] == ["acme"]


def test_ctrl_c_ends_the_waiting_and_leaves_the_address_good(stack: Stack) -> None:
    with relay(stack, "connect", "acme") as terminal:
        terminal.read_until("yourself? [Y/n]")
        terminal.answer("")
        url = address(terminal.read_until("Waiting for the login"), "/authorize?")
        terminal.interrupt()
        terminal.read_until("The address still works until")
        assert terminal.end() == 1
    assert log_in(stack, url).status_code == 200
    assert organization(stack) == "Acme Bakery"


def test_the_wizard_asks_before_it_goes_on_with_what_cannot_work(stack: Stack) -> None:
    with relay(stack, "connect", "acme", CTCT_CLIENT_ID="no-such-key") as terminal:
        terminal.read_until("✗ Constant Contact knows the application")
        terminal.read_until("Continue anyway? [y/N]")
        terminal.answer("")
        assert terminal.end() == 1


def test_the_wizard_makes_a_link_for_a_client_and_waits_for_them(stack: Stack) -> None:
    with relay(stack, "connect", "acme") as terminal:
        terminal.read_until("yourself? [Y/n]")
        terminal.answer("n")
        terminal.read_until("know you?")
        terminal.answer("Studio North")
        link = address(terminal.read_until("has logged in? [y/N]"), "/connect/link/")
        terminal.answer("y")
        terminal.read_until("The link has not been opened yet")
        assert follow_link(stack, link, allow=False).status_code == 400
        terminal.read_until("A login failed. The link still works: Access was not allowed")
        assert follow_link(stack, link).status_code == 200
        seen = terminal.read_until("relay forms add FORM --account acme --list LIST")
        assert terminal.end() == 0
    assert "Acme Bakery" in seen
    (shown,) = stack.json("accounts", "links", "acme")
    assert (shown["asked_by"], shown["state"]) == ("Studio North", "connected")


def test_who_waits_for_a_client_sees_that_the_link_was_taken_back(stack: Stack) -> None:
    with relay(stack, "connect", "acme") as terminal:
        terminal.read_until("yourself? [Y/n]")
        terminal.answer("n")
        terminal.read_until("know you?")
        terminal.answer("Studio North")
        terminal.read_until("has logged in? [y/N]")
        terminal.answer("y")
        terminal.read_until("The link has not been opened yet")
        (shown,) = stack.json("accounts", "links", "acme")
        stack.relay("accounts", "withdraw", shown["id"])
        terminal.read_until("The link was withdrawn.")
        assert terminal.end() == 1


def test_a_device_is_connected_with_a_code(stack: Stack) -> None:
    with relay(stack, "connect", "acme", "--device") as terminal:
        page = address(terminal.read_until("Waiting for the code to be entered"), "user_code=")
        decided = {"organization": "Acme Bakery", "user": "Account Owner", "decision": "allow"}
        assert requests.post(page, data=decided, timeout=10).ok
        seen = terminal.read_until("relay forms add FORM --account acme --list LIST")
        assert terminal.end() == 0
    assert seen.count("✓") == CHECKS


def test_pasted_tokens_of_another_account_are_asked_about(stack: Stack) -> None:
    stack.connect()
    tokens = stack.sandbox.connect(organization="Blue Door Books")
    # A terminal takes no longer lines than 4096 letters.
    pasted = json.dumps({name: tokens[name] for name in ("access_token", "refresh_token")})
    with relay(stack, "connect", "acme", "--tokens", "-") as terminal:
        terminal.read_until("Ctrl-D")
        terminal.answer(pasted)
        terminal.press(END_OF_INPUT)
        terminal.read_until("Let Blue Door Books take the name acme?")
        terminal.answer("y")
        assert terminal.end() == 0
    assert organization(stack) == "Blue Door Books"


def test_a_secret_is_asked_for_and_not_shown(stack: Stack) -> None:
    stack.sandbox.application("the-own-key", "the-own-secret")
    with relay(stack, "connect", "acme", "--url", "--api-key", "the-own-key") as terminal:
        terminal.read_until("The secret of this API key")
        terminal.answer("the-own-secret")
        assert terminal.end() == 0
    assert "client_id=the-own-key" in terminal.printed
    assert "the-own-secret" not in terminal.printed


def test_a_test_sign_up_is_followed_until_it_is_read_back_and_removed(
    stack: Stack, worker: None
) -> None:
    stack.connect()
    command = ("accounts", "test", "acme", "--list", "Newsletter", "--email")
    sent = stack.json(*command, "me@example.com")
    assert (sent["state"], sent["lists"], sent["permission"]) == (
        "delivered",
        ["Newsletter"],
        "explicit",
    )
    assert sent["removable"]
    assert not sent["removed"]

    removed = stack.json(*command, "you@example.com", "--remove")
    assert removed["removed"]
    states = {each["email"]: bool(each["deleted"]) for each in stack.sandbox.contacts()}
    assert states == {"me@example.com": False, "you@example.com": True}

    refused = stack.relay(*command, "me@example.com", "--remove", status=1)
    assert "was a contact before the test" in refused


def test_a_test_sign_up_that_is_refused_says_why(stack: Stack, worker: None) -> None:
    stack.connect()
    stack.sandbox.control(refuse_email="me@example.com")
    refused = stack.relay(
        *("accounts", "test", "acme", "--list", "Newsletter", "--email", "me@example.com"), status=1
    )
    assert "The test was not delivered: HTTP 400" in refused
    assert "relay failed show" in refused
