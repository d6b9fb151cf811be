"""The console's pages of accounts: the wizard, the summary, lists, test sign-ups, disconnecting."""

import re
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.accounts.account_services import AccountServices
from shared.accounts.account_summary import ConnectionStatus
from shared.constant_contact.client import ContactList
from shared.domain.account import HoldReason
from shared.domain.durations import minute
from shared.domain.form import ListRef
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.sandbox_server import SandboxServer
from tests.support.web_services import services_of
from web.app import create_app
from web.console.accounts import folded_lists

pytestmark = pytest.mark.usefixtures("no_pace")

OTHER = "Blue Door Books"


@pytest.fixture
def app(live_settings: Settings, redis_client: "redis.Redis") -> Flask:
    return create_app(live_settings)


@pytest.fixture
def tools(app: Flask) -> AccountServices:
    return services_of(app).accounts


@pytest.fixture
def browser(app: Flask) -> SignedIn:
    return SignedIn(app)


@pytest.fixture
def connected(tools: AccountServices, sandbox: SandboxServer) -> None:
    tools.connecting.tokens.connect("acme", sandbox.connect(), by="ada")


def log_in(
    browser: SignedIn, sandbox: SandboxServer, name: str = "acme", **who: Any
) -> TestResponse:
    """Go through the login of an account, as the operator; return where it ends in the console."""
    page = browser.post(f"/console/connect/{name}/log-in")
    [url] = re.findall(r'href="([^"]+/authorize[^"]+)"', page.text)
    back = urlsplit(sandbox.authorize(unescape(url), **who))
    return browser.get(f"{back.path}?{back.query}")


# --- the wizard


def test_step_1_shows_what_to_do_at_constant_contact(browser: SignedIn) -> None:
    page = browser.get("/console/connect").text

    for words in (
        'value="http://127.0.0.1:8080/connect/callback"',
        "offline_access",
        "Long Lived Refresh Tokens",
        "Authorization Code Flow",
        "developer.constantcontact.com",
    ):
        assert words in page


def test_what_is_right_goes_on_to_the_login(browser: SignedIn) -> None:
    response = browser.post("/console/connect", name="acme")

    assert (response.status_code, response.location) == (303, "/console/connect/acme/log-in")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        pytest.param({"name": "a b"}, "cannot be an account&#39;s name", id="name"),
        pytest.param({"name": "acme", "api_key": "key-1"}, "The secret is missing", id="secret"),
        pytest.param(
            {"name": "acme", "api_key": "ada@example.com", "secret": "secret"},
            "looks like an e-mail address",
            id="an address for a key",
        ),
    ],
)
def test_what_is_wrong_is_said_and_kept(
    browser: SignedIn, typed: dict[str, str], sentence: str
) -> None:
    response = browser.post("/console/connect", **typed)

    assert response.status_code == 422
    assert sentence in response.text
    assert f'value="{typed["name"]}"' in response.text
    assert "secret" not in re.findall(r'name="secret"[^>]*value="([^"]*)"', response.text)


def test_an_unknown_key_is_told_before_anybody_logs_in(browser: SignedIn) -> None:
    typed = {"name": "acme", "api_key": "another-key", "secret": "another-secret"}

    response = browser.post("/console/connect", **typed)
    assert response.status_code == 422
    assert "Constant Contact does not know the API key" in response.text
    anyway = browser.post("/console/connect", **typed, anyway="1")

    assert anyway.status_code == 303
    assert "another-secret" not in response.text


def test_a_secret_is_typed_once_and_never_shown(
    browser: SignedIn, tools: AccountServices, redis_client: "redis.Redis"
) -> None:
    typed = {"name": "no name", "api_key": "another-key", "secret": "another-secret"}
    page = browser.post("/console/connect", **typed).text  # the name is wrong
    for _ in range(2):  # then the key is not known, and the button stays
        [kept] = re.findall(r'name="typed" value="([^"]+)"', page)
        assert "another-secret" not in page
        assert "Leave this empty" in page
        typed = {"name": "acme", "api_key": "another-key", "secret": "", "typed": kept}
        page = browser.post("/console/connect", **typed).text
        assert 'name="anyway"' in page

    assert "another-secret" not in str(redis_client.get(f"{keys.CONNECTING}typed:{kept}"))
    assert browser.post("/console/connect", **typed, anyway="1").status_code == 303
    application = tools.connecting.connector.calls.applications.find("another-key")
    assert application is not None
    assert application.client_secret == "another-secret"


def test_a_secret_that_was_typed_belongs_to_its_key_alone(browser: SignedIn) -> None:
    typed = {"name": "acme", "api_key": "another-key", "secret": "another-secret"}
    [kept] = re.findall(
        r'name="typed" value="([^"]+)"', browser.post("/console/connect", **typed).text
    )
    other = {"name": "acme", "api_key": "a-third-key", "secret": "", "typed": kept}
    assert "The secret is missing" in browser.post("/console/connect", **other).text


def test_logging_in_leads_to_the_checks(browser: SignedIn, sandbox: SandboxServer) -> None:
    back = log_in(browser, sandbox)
    assert back.status_code == 303

    page = browser.get(back.location)

    assert page.status_code == 200
    for words in ("Acme Bakery", "contacts:write", "Refresh tokens rotate", "p07e1l8cdif9dl"):
        assert words in page.text
    assert "Connected" in browser.get("/console/accounts/acme").text


def test_a_new_connection_tells_what_becomes_of_those_that_wait(
    browser: SignedIn, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    page = browser.get(log_in(browser, sandbox).location).text
    assert "Yes, make a form" in page and "sent now" not in page
    tools.summaries.registry.save_form(builders.form("news"))
    ledger = tools.connecting.connector.ledger
    builders.accept(ledger)
    ledger.hold("acme", HoldReason.RECONNECT, by="worker")
    page = browser.get(log_in(browser, sandbox).location).text
    assert "1 sign-up waits. It is sent now." in page
    assert "Yes, open the account" in page and "make a form" not in page
    ledger.hold("acme", HoldReason.OUTAGE, by="answer")
    page = browser.get(log_in(browser, sandbox).location).text
    assert "<h1>Acme Bakery is connected, but on hold</h1>" in page
    assert "acme is on hold (outage). 1 sign-up waits. It is sent when that ends." in page


def test_access_denied_is_said_without_commands(browser: SignedIn, sandbox: SandboxServer) -> None:
    page = log_in(browser, sandbox, allow=False)

    assert page.status_code == 400
    assert "Access was not allowed" in page.text
    assert 'href="/console/connect/acme/log-in"' in page.text


def test_another_account_is_taken_only_after_asking(
    browser: SignedIn, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    tools.summaries.registry.save_form(builders.form("news"))
    back = log_in(browser, sandbox, organization=OTHER)
    question = browser.get(back.location)
    assert question.status_code == 200
    for words in (
        "This login belongs to Blue Door Books, but acme was connected to Acme Bakery.",
        "To reconnect acme, log in again, to Acme Bakery.",
        "Blue Door Books has other lists and other contacts than Acme Bakery.",
        "These forms use lists of Acme Bakery: news.",
    ):
        assert words in question.text
    assert "waits" not in question.text
    assert tools.summaries.summary("acme").account.organization == "Acme Bakery"

    done = browser.post(back.location)

    assert done.status_code == 303
    assert tools.summaries.summary("acme").account.organization == OTHER
    assert "news" in browser.get(done.location).text
    assert browser.get(back.location).status_code == 400


def test_an_account_with_a_name_is_connected_again_under_that_name(
    browser: SignedIn, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    back = log_in(browser, sandbox, name="bakery")
    question = browser.get(back.location).text
    assert "Acme Bakery is already connected" in question
    assert ">Reconnect acme</button>" in question
    assert browser.post(f"{back.location}/as/third").status_code == 400

    done = browser.post(f"{back.location}/as/acme")

    assert done.status_code == 303
    assert "Acme Bakery is connected" in browser.get(done.location).text
    assert [each.account.name for each in tools.summaries.all()] == ["acme"]


def test_sign_ups_that_wait_are_told_before_another_account_gets_them(
    browser: SignedIn, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    tools.test_signups.start("acme", "a@example.com", "Newsletter", by="ada")
    tools.connecting.disconnect("acme", by="ada")

    page = browser.get(log_in(browser, sandbox, organization=OTHER).location).text

    assert "1 sign-up waits, and would be sent to Blue Door Books." in page


def test_a_login_to_an_account_with_another_name_is_no_way_to_reconnect_this_one(
    browser: SignedIn, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    tools.connecting.tokens.connect("books", sandbox.connect(organization=OTHER), by="ada")

    back = log_in(browser, sandbox, organization=OTHER)
    page = browser.get(back.location).text

    assert "This login belongs to Blue Door Books, but acme was connected to Acme Bakery." in page
    assert 'class="button primary" href="/console/connect/acme/log-in"' in page
    assert "Blue Door Books is already connected" in page

    tools.connecting.disconnect("books", by="ada")
    page = browser.get(back.location).text

    assert "Connect acme to Blue Door Books</button>" in page
    assert browser.post(f"{back.location}/as/acme").location == back.location
    assert browser.post(back.location).status_code == 303
    assert tools.summaries.summary("acme").account.organization == OTHER


def test_a_login_that_stopped_halfway_asks_about_another_account_when_it_goes_on(
    browser: SignedIn, sandbox: SandboxServer, connected: None
) -> None:
    sandbox.control(path="/v3/account/user/privileges", status=503)
    [kept] = re.findall(
        r'action="/connect/again/([^"]+)"', log_in(browser, sandbox, organization=OTHER).text
    )
    assert "Connect it as acme" in browser.get(f"/console/connect/kept/{kept}").text
    sandbox.clear()

    back = browser.post(f"/connect/again/{kept}")

    assert back.location == f"/console/connect/kept/{kept}"
    assert "This login belongs to Blue Door Books" in browser.get(back.location).text


def test_an_account_takes_a_new_name_once_the_old_one_is_disconnected(
    browser: SignedIn, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    back = log_in(browser, sandbox, name="bakery")
    assert "/console/accounts/acme/disconnect" in browser.get(back.location).text
    browser.post("/console/accounts/acme/disconnect")

    assert "Connect it as bakery" in browser.get(back.location).text
    assert browser.post(f"{back.location}/as/bakery").status_code == 303

    assert tools.summaries.summary("bakery").status == ConnectionStatus.CONNECTED


def test_a_link_for_the_client_shows_how_far_it_is(
    browser: SignedIn, app: Flask, sandbox: SandboxServer
) -> None:
    made = browser.post("/console/connect/acme/link", asked_by="Studio North", days="7")
    page = browser.get(made.location).text
    assert "Nobody has opened the link yet" in page
    [url] = re.findall(r'id="link-url" value="([^"]+)"', page)

    client = app.test_client()
    path = urlsplit(url).path
    assert "Studio North" in client.get(path).text
    assert "Somebody has opened the link" in browser.get(made.location).text
    leaving = client.post(path).text
    [login] = re.findall(r'href="([^"]+/authorize[^"]+)"', leaving)
    back = urlsplit(sandbox.authorize(unescape(login)))
    assert client.get(f"{back.path}?{back.query}").status_code == 200

    assert "Your client has logged in" in browser.get(made.location).text


def test_a_link_taken_back_works_no_more(browser: SignedIn, app: Flask) -> None:
    made = browser.post("/console/connect/acme/link", asked_by="Studio North", days="1")
    [url] = re.findall(r'id="link-url" value="([^"]+)"', browser.get(made.location).text)

    browser.post(f"{made.location}/withdraw")

    assert "no longer works" in browser.get(made.location).text
    assert app.test_client().get(urlsplit(url).path).status_code == 400


def test_a_link_without_a_name_is_asked_for_one(browser: SignedIn) -> None:
    response = browser.post("/console/connect/acme/link", asked_by="  ")

    assert response.status_code == 422
    assert "Enter who asks" in response.text


# --- the account's page


def test_the_card_tells_all_that_is_known(browser: SignedIn, connected: None) -> None:
    page = browser.get("/console/accounts/acme").text

    for words in ("Acme Bakery", "p07e1l8cdif9dl", "ada", "rotating", "…-key", "contact_data"):
        assert words in page


def test_a_revoked_account_says_that_nothing_is_lost_and_is_connected_with_one_click(
    browser: SignedIn,
    sandbox: SandboxServer,
    tools: AccountServices,
    redis_client: "redis.Redis",
    connected: None,
) -> None:
    redis_client.hset("relay:{acme}:tokens", "revoked", tools.summaries.vault.stored("acme").digest)
    Ledger(redis_client).hold("acme", HoldReason.RECONNECT, by="token")
    page = browser.get("/console/accounts/acme").text
    assert "refuses its refresh token" in page
    assert "Reconnect needed" in page
    assert "<button" in page and ">Reconnect<" in page

    assert log_in(browser, sandbox).status_code == 303

    assert tools.summaries.summary("acme").holds == ()


def test_lists_are_kept_for_the_day_the_api_fails(
    browser: SignedIn, sandbox: SandboxServer, connected: None
) -> None:
    assert "Newsletter" in browser.get("/console/accounts/acme").text
    sandbox.control(path="/v3/contact_lists", status=503)

    response = browser.post("/console/accounts/acme/lists")

    assert response.status_code == 303
    page = browser.get(response.location.partition("#")[0]).text
    assert "Newsletter" in page
    assert "HTTP 503" in page


def test_a_test_signup_can_be_started_with_an_address_and_a_list_only(
    browser: SignedIn, connected: None
) -> None:
    response = browser.post("/console/accounts/acme/test", email="nobody", list="Newsletter")

    assert response.status_code == 422
    assert "not an e-mail address" in response.text
    assert 'value="nobody"' in response.text


def test_a_test_signup_is_followed(
    browser: SignedIn, tools: AccountServices, connected: None
) -> None:
    started = browser.post("/console/accounts/acme/test", email="a@example.com", list="Newsletter")
    assert started.status_code == 303

    page = browser.get(started.location).text

    assert "is stored" in page
    assert 'data-live="1"' in page
    assert tools.summaries.ledger.figures("acme").due == 1


def test_long_lists_are_folded_and_those_that_forms_use_come_first() -> None:
    lists = [ContactList(str(number), f"List {number:02}", None) for number in range(57)]
    form = builders.form("news", lists=(ListRef("40", "List 40"),))
    shown, folded = folded_lists(lists, [form])
    assert [each.id for each in shown] == ["40", *map(str, range(11))]
    assert len(shown) + len(folded) == 57
    assert folded_lists(lists[:12], []) == (lists[:12], [])


def test_a_hold_is_no_green_connected(
    browser: SignedIn, redis_client: "redis.Redis", connected: None
) -> None:
    Ledger(redis_client).hold("acme", HoldReason.FORBIDDEN, by="answer")
    page = browser.get("/console/accounts/acme").text
    assert 'class="pill ok"' not in page
    assert "On hold: forbidden" in page


def test_a_connection_that_ends_says_before_when_to_reconnect(
    browser: SignedIn, tools: AccountServices, redis_client: "redis.Redis", connected: None
) -> None:
    stored = tools.summaries.vault.stored("acme")
    redis_client.hset("relay:{acme}:tokens", "revoked", stored.digest)
    for path in ("/console/", "/console/accounts/acme"):
        page = browser.get(path).text
        assert f">{minute(stored.expires_at)}</span></time>" in page.partition("Works until ")[2]
        assert "Reconnect it before" in page
        assert "are delivered until then" in page


def test_disconnecting_asks_and_keeps_the_ledger(
    browser: SignedIn, tools: AccountServices, connected: None
) -> None:
    tools.test_signups.start("acme", "a@example.com", "Newsletter", by="ada")
    question = browser.get("/console/accounts/acme/disconnect").text
    assert "1 sign-up waits" in question
    assert tools.summaries.summary("acme").status == "connected"

    browser.post("/console/accounts/acme/disconnect")

    summary = tools.summaries.summary("acme")
    assert summary.status == "disconnected"
    assert [hold.reason for hold in summary.holds] == [HoldReason.RECONNECT]
    assert tools.summaries.ledger.figures("acme").due == 1


def test_an_operator_gives_no_name_to_another_account_and_reads_who_can(
    app: Flask, sandbox: SandboxServer, tools: AccountServices, connected: None, browser: SignedIn
) -> None:
    operator = SignedIn(app, Role.OPERATOR)
    question = str(log_in(operator, sandbox, organization=OTHER).location)

    page = " ".join(operator.get(question).text.split())

    assert "Only an admin can connect acme to another account: admin." in page
    assert f"<code>http://127.0.0.1:8080{question}</code>" in page
    assert f'action="{question}"' not in page
    assert operator.post(question).status_code == 403
    assert tools.summaries.summary("acme").account.organization == "Acme Bakery"
    # An admin goes on with the same login.
    assert browser.post(question).status_code == 303
    assert tools.summaries.summary("acme").account.organization == OTHER


def test_accounts_of_a_sandbox_are_told_apart(
    browser: SignedIn, redis_client: "redis.Redis", connected: None
) -> None:
    pages = ("/console/", "/console/accounts/acme")
    assert all("(sandbox)" in browser.get(page).text for page in pages)
    real = "https://api.cc.email/v3 https://authz.constantcontact.com/oauth2/default/v1"
    redis_client.hset("relay:{acme}:tokens", "origin", real)
    assert not any("(sandbox)" in browser.get(page).text for page in pages)


def test_an_operator_renews_the_connection_of_the_same_account(
    app: Flask, sandbox: SandboxServer, tools: AccountServices, connected: None
) -> None:
    sandbox.control(revoke="all")

    assert "/done/" in str(log_in(SignedIn(app, Role.OPERATOR), sandbox).location)


def test_an_operator_does_not_disconnect(app: Flask, connected: None) -> None:
    operator = SignedIn(app, Role.OPERATOR)

    assert operator.post("/console/accounts/acme/disconnect").status_code == 403
    assert "Disconnect" not in operator.get("/console/accounts/acme").text


def test_a_copy_of_another_installation_can_be_taken_over(
    live_settings: Settings, redis_client: "redis.Redis", connected: None, tools: AccountServices
) -> None:
    redis_client.hset("relay:{acme}:tokens", mapping={"server": "another server"})
    copy = create_app(replace(live_settings, instance="https://staging.example.com"))
    browser = SignedIn(copy, Role.ADMIN)
    page = browser.get("/console/accounts/acme").text
    assert "Take over" in page and "Has it been stopped for good?" in page

    response = browser.post("/console/accounts/acme/take-over")

    assert response.status_code == 303
    owner = tools.summaries.vault.stored("acme").owner
    assert owner is not None
    assert owner.instance == "https://staging.example.com"


def test_an_account_that_is_not_there_is_said_to_be_so(browser: SignedIn) -> None:
    response = browser.get("/console/accounts/nobody")

    assert response.status_code == 400
    assert "no account" in response.text
