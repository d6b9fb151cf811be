"""Connecting accounts: in the browser, by device and with given tokens, against the sandbox."""

import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
import redis

from shared.accounts.account_connector import AlreadyConnected, AnotherAccount
from shared.accounts.account_services import AccountServices, make_account_services
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.connect_request import StartedFrom
from shared.accounts.connect_store import result_id
from shared.accounts.connecting import Connecting
from shared.constant_contact.applications import Application
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.errors import DeviceDenied, DevicePending, TokenEndpointFailed
from shared.constant_contact.factory import make_constant_contact
from shared.constant_contact.oauth import SCOPES
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import HoldReason
from shared.domain.check import CheckResult
from shared.domain.errors import LedgerUnavailable, NotConnected, NotOurs, Refused, Revoked
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import TokenPace
from tests.support import builders
from tests.support.connections import (
    OTHER,
    TOKEN_PATH,
    come_back,
    connect,
    consent,
    once_stored,
    start,
    verdicts,
)
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer

SUMMARY = "/v3/account/summary"
OWN = Application("their-own-key", "their-own-secret")


@pytest.fixture
def own_application(sandbox: SandboxServer) -> Application:
    """A second application at Constant Contact."""
    sandbox.control(applications=[{"client_id": OWN.client_id, "client_secret": OWN.client_secret}])
    return OWN


# --- in the browser


def test_the_callback_connects_the_account(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    vault: TokenVault,
    woken: list[str],
) -> None:
    started = start(connecting)
    connected = come_back(connecting, sandbox, started)

    assert started.redirect_uri == "http://127.0.0.1:8080/connect/callback"
    assert connected.warnings == ()
    assert set(verdicts(connected.checks).values()) == {CheckResult.OK}
    assert list(verdicts(connected.checks)) == [
        *("refresh_token", "scopes", "privileges", "summary", "lists"),
        *("refresh", "clock"),
    ]
    account = connected.account
    assert account.organization == "Acme Bakery"
    assert account.contact_email
    assert account.encoded_account_id
    assert account.connected_by == "ada"
    assert connected.token.scopes == frozenset(SCOPES)
    assert registry.account("acme") == account
    assert vault.stored_token("acme") == connected.token
    assert account.connected_at is not None
    assert datetime.fromisoformat(account.connected_at)
    assert account.connected_at.endswith("Z")
    assert woken == ["acme"]


def test_the_connection_was_refreshed_once_and_shows_its_kind(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    connected = connect(connecting, sandbox)

    assert connected.token.version == 2
    assert vault.stored("acme").kind == "rotating"
    assert (sandbox.stats()["token_calls"], sandbox.stats()["refreshes"]) == (2, 1)


def test_a_long_lived_refresh_token_is_told_apart(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    sandbox.control(rotating=False)

    checks = {check.name: check for check in connect(connecting, sandbox).checks}

    assert "long-lived" in checks["refresh"].found
    assert vault.stored("acme").kind == "long-lived"


def test_the_exchange_and_the_refresh_keep_the_pace_of_the_token_endpoint(
    live_settings: Settings, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    tools = make_account_services(live_settings, redis_client, lambda name: None)
    began = time.monotonic()

    connected = connect(tools.connecting, sandbox)

    assert verdicts(connected.checks)["refresh"] == CheckResult.OK
    assert time.monotonic() - began >= 1
    assert sandbox.stats()["token_throttled"] == 0


def test_a_forced_refresh_that_fails_is_a_problem_and_the_account_is_connected(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, vault: TokenVault
) -> None:
    back = consent(sandbox, start(connecting).url)
    # Another answer than the token call before it, which brings the tokens.
    fail_after_exchange(connecting, sandbox)

    connected = connecting.browser.finish(back["state"], back["code"])

    assert verdicts(connected.checks)["refresh"] == CheckResult.PROBLEM
    assert "The refresh failed" in " ".join(connected.warnings)
    assert registry.account("acme") == connected.account
    assert vault.stored_token("acme").version == 1


def fail_after_exchange(connecting: Connecting, sandbox: SandboxServer) -> None:
    """Let the token endpoint fail as soon as the account has been looked at."""
    once_stored(connecting, lambda: sandbox.control(path=TOKEN_PATH, status=503))


def test_a_state_works_once(connecting: Connecting, sandbox: SandboxServer) -> None:
    back = consent(sandbox, start(connecting).url)
    connecting.browser.finish(back["state"], back["code"])
    asked = sandbox.stats()["token_calls"]

    with pytest.raises(Refused, match="used already"):
        connecting.browser.finish(back["state"], back["code"])
    assert sandbox.stats()["token_calls"] == asked


def test_of_two_browsers_with_one_state_one_connects(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    back = consent(sandbox, start(connecting).url)
    together = threading.Barrier(2)

    def finish() -> str:
        together.wait(timeout=10)
        try:
            connecting.browser.finish(back["state"], back["code"])
        except Refused as error:
            return str(error)
        return "connected"

    with ThreadPoolExecutor() as threads:
        ended = sorted(each.result() for each in [threads.submit(finish) for _ in range(2)])

    assert ended[1] == "connected"
    assert "used already" in ended[0]


def test_a_state_that_was_never_given_asks_nobody(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    for forged in ("spare:forged", "", "x" * 5000, "ä\0\n"):
        with pytest.raises(Refused, match="start again"):
            connecting.browser.finish(forged, "code")

    assert sandbox.stats()["token_calls"] == 0


def test_a_state_is_forgotten_after_a_quarter_of_an_hour(
    connecting: Connecting, redis_client: "redis.Redis"
) -> None:
    state = start(connecting).state

    assert 890 < int(redis_client.ttl(f"{keys.CONNECTING}state:{state}")) <= 900


def test_an_expired_state_says_how_to_begin_again(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    started = start(connecting)
    back = consent(sandbox, started.url)
    redis_client.delete(f"{keys.CONNECTING}state:{started.state}")

    with pytest.raises(Refused, match="older than 15 minutes"):
        connecting.browser.finish(back["state"], back["code"])


def test_the_login_is_asked_anew_and_the_url_holds_no_secret(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    started = start(connecting)

    assert parse_qs(urlsplit(started.url).query)["prompt"] == ["login"]
    assert sandbox.client_secret not in started.url
    assert started.state not in repr(started)


@pytest.mark.parametrize(
    ("via", "words"),
    [
        pytest.param(StartedFrom.TERMINAL, "relay connect acme --url", id="terminal"),
        pytest.param(StartedFrom.CONSOLE, "in the console", id="console"),
    ],
)
def test_a_refusal_says_how_to_begin_again_where_it_was_begun(
    connecting: Connecting, sandbox: SandboxServer, via: StartedFrom, words: str
) -> None:
    started = start(connecting, started_from=via)
    back = consent(sandbox, started.url, allow=False)

    refused = connecting.browser.refuse(back["state"], back["error"], back["error_description"])

    assert "not allowed" in str(refused)
    assert words in str(refused)
    ending = connecting.browser.result(started.state)
    assert ending is not None
    assert (ending.account, ending.connected, ending.sentence) == ("acme", False, str(refused))


def test_a_refused_state_works_no_more(connecting: Connecting) -> None:
    started = start(connecting)
    connecting.browser.refuse(started.state, "access_denied")

    assert "start again" in str(connecting.browser.refuse(started.state, "access_denied"))
    with pytest.raises(Refused, match="used already"):
        connecting.browser.finish(started.state, "code")


def test_nothing_of_a_made_up_refusal_is_shown(connecting: Connecting) -> None:
    refused = connecting.browser.refuse("", "Call 0190", "ada@example.com must pay")

    assert "0190" not in str(refused)
    assert "ada@" not in str(refused)


def test_whoever_waits_sees_that_it_went_well(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    started = start(connecting)
    assert connecting.browser.result(started.state) is None

    connected = come_back(connecting, sandbox, started)

    ending = connecting.browser.result(started.state)
    assert ending is not None
    assert (ending.connected, ending.checks) == (True, connected.checks)
    assert connected.result_id == result_id(started.state)
    assert started.state not in str(connected.result_id)


def test_connecting_again_lifts_the_holds_that_it_answers(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    ledger = Ledger(redis_client)
    connect(connecting, sandbox)
    for reason in (HoldReason.RECONNECT, HoldReason.FORBIDDEN, HoldReason.PAUSED):
        ledger.hold("acme", reason, by="test")

    connect(connecting, sandbox)

    assert [hold.reason for hold in ledger.figures("acme").holds] == [HoldReason.PAUSED]


def test_a_login_that_may_not_write_is_connected_with_a_warning(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    ledger = Ledger(redis_client)
    connect(connecting, sandbox)
    ledger.hold("acme", HoldReason.FORBIDDEN, by="test")

    connected = connect(connecting, sandbox, user="Campaign Creator")

    assert connected.title == "Acme Bakery is connected, but its login lacks contacts:write"
    [warning] = connected.warnings
    assert "contacts:write" in warning
    assert [hold.reason for hold in ledger.figures("acme").holds] == [HoldReason.FORBIDDEN]


def test_a_new_account_whose_login_may_not_write_is_on_hold_at_once(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    connect(connecting, sandbox, user="Campaign Creator")

    [hold] = Ledger(redis_client).figures("acme").holds
    assert (hold.reason, hold.note) == (HoldReason.FORBIDDEN, "the login lacks contacts:write")
    assert hold.probe_at is not None

    connect(connecting, sandbox)
    assert Ledger(redis_client).figures("acme").holds == ()


@pytest.mark.parametrize("name", ["", "ac{me", "a b", "-a", "a" * 41, "a/b", "ä"])
def test_names_have_a_shape(connecting: Connecting, name: str) -> None:
    with pytest.raises(Refused, match="name"):
        start(connecting, name)


# --- what goes wrong at the token call


def without_offline_access(url: str) -> str:
    return url.replace("%20offline_access", "")


def test_without_a_refresh_token_nothing_is_connected(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    back = consent(sandbox, without_offline_access(start(connecting).url))

    with pytest.raises(Refused, match="offline_access"):
        connecting.browser.finish(back["state"], back["code"])
    with pytest.raises(NotConnected):
        vault.stored_token("acme")


def test_a_code_that_works_no_more_says_so(connecting: Connecting, sandbox: SandboxServer) -> None:
    started = start(connecting)
    back = consent(sandbox, started.url)

    with pytest.raises(Refused, match="works once, and for five minutes") as failure:
        connecting.browser.finish(back["state"], "another code")

    assert "relay connect acme --url" in str(failure.value)
    ending = connecting.browser.result(started.state)
    assert ending is not None
    assert ending.sentence == str(failure.value)


def test_a_code_that_is_too_old_says_so(connecting: Connecting, sandbox: SandboxServer) -> None:
    back = consent(sandbox, start(connecting).url)
    sandbox.control(clock_offset_seconds=301)

    with pytest.raises(Refused, match="works once, and for five minutes"):
        connecting.browser.finish(back["state"], back["code"])


def test_a_code_that_was_used_says_so(connecting: Connecting, sandbox: SandboxServer) -> None:
    back = consent(sandbox, start(connecting).url)
    connecting.browser.finish(back["state"], back["code"])

    with pytest.raises(Refused, match="works once, and for five minutes"):
        connecting.browser.finish(start(connecting).state, back["code"])


def test_a_redirect_uri_that_changed_on_the_way_is_named(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    started = start(connecting)
    elsewhere = started.url.replace(quote(started.redirect_uri, safe=""), quote("http://other/cb"))
    back = consent(sandbox, elsewhere)

    with pytest.raises(Refused, match="redirect URI") as failure:
        connecting.browser.finish(back["state"], back["code"])

    assert started.redirect_uri in str(failure.value)


def test_a_wrong_secret_names_the_settings(
    live_settings: Settings, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    wrong = replace(live_settings, client_secret="not-the-secret")
    connecting = make_account_services(wrong, redis_client, lambda name: None).connecting

    with pytest.raises(Refused, match="CTCT_CLIENT_SECRET") as failure:
        connect(connecting, sandbox)

    assert "not-the-secret" not in str(failure.value)


def test_an_application_that_may_not_use_this_flow_is_told_what_to_switch_on(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    back = consent(sandbox, start(connecting).url)
    sandbox.control(path=TOKEN_PATH, status=400, body={"error": "unauthorized_client"})

    with pytest.raises(Refused, match="Authorization Code Flow") as failure:
        connecting.browser.finish(back["state"], back["code"])

    assert "CTCT_CLIENT_SECRET" not in str(failure.value)


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"reset": True}, id="cut off"),
        pytest.param({"status": 503}, id="down"),
        pytest.param({"html": True}, id="HTML"),
        pytest.param({"body": ["no", "sense"]}, id="no object"),
        pytest.param({"body": {"access_token": 5}}, id="a number for a token"),
        pytest.param({"body": {"access_token": "\ud800", "refresh_token": "r"}}, id="no token"),
        pytest.param({"body": {"error": ["invalid_grant"]}, "status": 400}, id="odd error"),
        pytest.param({"throttle_storm": True}, id="throttled"),
    ],
)
def test_a_token_endpoint_that_fails_changes_nothing_and_says_how_to_begin_again(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    fault: dict[str, Any],
) -> None:
    started = start(connecting)
    back = consent(sandbox, started.url)
    sandbox.control(path=TOKEN_PATH, **fault)

    with pytest.raises(ConnectFailed, match="relay connect acme --url") as failure:
        connecting.browser.finish(back["state"], back["code"])

    assert failure.value.pending_id is None
    assert registry.account("acme") is None
    assert back["code"] not in str(failure.value)


def test_a_token_endpoint_that_is_busy_for_others_says_how_to_begin_again(
    connecting: Connecting,
    sandbox: SandboxServer,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = start(connecting)
    back = consent(sandbox, started.url)
    monkeypatch.setattr("shared.ledger.limits.TOKEN_SPACING", timedelta(minutes=1))
    TokenPace(redis_client, "another key").reserve()

    with pytest.raises(ConnectFailed, match="relay connect acme --url"):
        connecting.browser.finish(back["state"], back["code"])
    assert sandbox.stats()["token_calls"] == 0


def test_an_expires_in_beyond_all_measure_is_none(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    given = sandbox.connect()
    given["expires_in"] = 10**400

    assert connecting.tokens.connect("acme", given, by="ada").account.organization == "Acme Bakery"


# --- the API is down right after the code was exchanged


@pytest.mark.parametrize("path", ["/v3/account/user/privileges", SUMMARY, "/v3/contact_lists"])
def test_when_the_api_is_down_the_tokens_are_kept_and_nobody_logs_in_twice(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    vault: TokenVault,
    path: str,
) -> None:
    started = start(connecting)
    back = consent(sandbox, started.url)
    sandbox.control(path=path, reset=True)

    with pytest.raises(ConnectFailed, match="Nothing was changed") as failure:
        connecting.browser.finish(back["state"], back["code"])
    kept = failure.value.pending_id
    assert kept is not None
    assert connecting.connector.store.pending(kept) is not None
    assert registry.account("acme") is None
    with pytest.raises(NotConnected):
        vault.stored_token("acme")
    with pytest.raises(ConnectFailed) as again:
        connecting.browser.resume(kept)
    assert again.value.pending_id == kept

    sandbox.clear()
    connected = connecting.browser.resume(kept)

    assert connected.account.connected_by == "ada"
    assert vault.stored_token("acme") == connected.token
    assert connecting.connector.store.pending(kept) is None
    with pytest.raises(Refused, match="finished already"):
        connecting.browser.resume(kept)


def test_a_spent_day_keeps_the_tokens_too(
    connecting: Connecting, sandbox: SandboxServer, live_settings: Settings
) -> None:
    back = consent(sandbox, start(connecting).url)
    one_a_day = replace(live_settings, requests_per_day=1)
    spend_the_day(connecting, one_a_day)

    with pytest.raises(ConnectFailed, match="00:00 UTC") as failure:
        connecting.browser.finish(back["state"], back["code"])

    assert failure.value.pending_id is not None


def spend_the_day(connecting: Connecting, settings: Settings) -> None:
    """Let the key have no more calls today than what connecting has used by then."""
    client = redis.Redis.from_url(settings.redis_url, decode_responses=True)
    object.__setattr__(
        connecting.connector.calls,
        "api",
        lambda client_id: make_constant_contact(settings, client, client_id),
    )


def test_tokens_are_kept_sealed_and_for_less_than_they_live(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    back = consent(sandbox, start(connecting).url)
    sandbox.control(path=SUMMARY, status=503)
    with pytest.raises(ConnectFailed):
        connecting.browser.finish(back["state"], back["code"])

    [key] = list(redis_client.scan_iter(f"{keys.CONNECTING}kept:*"))

    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(str(redis_client.get(key)))
    assert 0 < int(redis_client.ttl(key)) <= timedelta(hours=12).total_seconds()


def kept_tokens(connecting: Connecting, sandbox: SandboxServer, **who: Any) -> str:
    """Log in while the API is down; return what `resume` takes."""
    back = consent(sandbox, start(connecting).url, **who)
    sandbox.control(path=SUMMARY, status=503, count=1)
    with pytest.raises(ConnectFailed) as failure:
        connecting.browser.finish(back["state"], back["code"])
    assert failure.value.pending_id is not None
    return failure.value.pending_id


def test_a_second_press_on_try_again_never_sends_a_spent_token(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    kept = kept_tokens(connecting, sandbox)
    found = connecting.connector.store.pending(kept)
    assert found is not None
    outcomes: list[str] = []

    def press_again() -> None:
        with pytest.raises(Refused) as second:
            connecting.browser.resume(kept)
        outcomes.append(str(second.value))

    once_stored(connecting, press_again)
    connected = connecting.browser.resume(kept)

    assert len(outcomes) == 1
    assert vault.stored_token("acme") == connected.token
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0


def test_kept_tokens_that_have_been_refreshed_since_are_not_stored_again(
    connecting: Connecting,
    sandbox: SandboxServer,
    vault: TokenVault,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = kept_tokens(connecting, sandbox)
    with monkeypatch.context() as broken:
        broken.setattr(connecting.connector.store, "forget_pending", lambda id: None)
        connected = connecting.browser.resume(kept)

    with pytest.raises(Refused, match="has newer ones"):
        connecting.browser.resume(kept)
    assert vault.stored_token("acme") == connected.token


def test_kept_tokens_do_not_replace_what_was_connected_since(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault, registry: Registry
) -> None:
    kept = kept_tokens(connecting, sandbox)
    connect(connecting, sandbox)
    made_later(registry)
    token = vault.stored_token("acme")

    with pytest.raises(Refused, match="since this was started"):
        connecting.browser.resume(kept)
    assert vault.stored_token("acme") == token


def made_later(registry: Registry) -> None:
    """Date the account's connection a little after whatever else this second brought."""
    account = registry.account("acme")
    assert account is not None
    assert account.connected_at is not None
    later = datetime.fromisoformat(account.connected_at) + timedelta(seconds=5)
    registry.save_account(
        replace(account, connected_at=later.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    )


# --- another account


def test_another_account_does_not_take_a_name_unasked(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, vault: TokenVault
) -> None:
    first = connect(connecting, sandbox)

    with pytest.raises(AnotherAccount, match="--replace") as failure:
        connect(connecting, sandbox, organization=OTHER)

    assert failure.value.before == first.account
    assert failure.value.found.organization == OTHER
    assert failure.value.started_from == StartedFrom.TERMINAL
    assert registry.account("acme") == first.account
    assert vault.stored_token("acme") == first.token


def test_another_account_takes_the_name_once_that_is_confirmed(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    connect(connecting, sandbox)
    registry.save_form(builders.form("news"))
    with pytest.raises(AnotherAccount) as failure:
        connect(connecting, sandbox, organization=OTHER)
    kept = failure.value.pending_id
    assert kept is not None
    found = connecting.connector.store.pending(kept)
    assert found is not None
    assert found.found is not None
    assert found.found.organization == OTHER
    with pytest.raises(AnotherAccount):
        connecting.browser.resume(kept, by="grace")

    connected = connecting.browser.resume(kept, by="grace", replace=True)

    assert connected.account.organization == OTHER
    assert connected.account.connected_by == "grace"
    assert registry.account("acme") == connected.account
    [warning] = connected.warnings
    assert "news" in warning


def test_another_account_takes_a_name_when_asked_from_the_start(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    connect(connecting, sandbox)

    connected = come_back(connecting, sandbox, start(connecting, replace=True), organization=OTHER)

    assert registry.account("acme") == connected.account
    assert connected.account.organization == OTHER


def test_a_name_passes_on_only_from_the_account_that_somebody_was_asked_about(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    """Two admins confirm at once: the first is done when the second is about to store."""
    connect(connecting, sandbox)
    first, second = (another_login(connecting, sandbox, name) for name in (OTHER, "Demo Bakery"))
    api = connecting.connector.calls.api

    def first_comes_in_between(client_id: str) -> Any:
        object.__setattr__(connecting.connector.calls, "api", api)
        connecting.browser.resume(first, by="grace", replace=True)
        return api(client_id)

    object.__setattr__(connecting.connector.calls, "api", first_comes_in_between)
    with pytest.raises(Refused, match=f"has become {OTHER} since"):
        connecting.browser.resume(second, by="ada", replace=True)

    account = registry.account("acme")
    assert account is not None
    assert (account.organization, account.connected_by) == (OTHER, "grace")


def another_login(connecting: Connecting, sandbox: SandboxServer, organization: str) -> str:
    """Log in to another account than the one that has the name; return the id of the tokens."""
    with pytest.raises(AnotherAccount) as failure:
        connect(connecting, sandbox, organization=organization)
    assert failure.value.pending_id is not None
    return failure.value.pending_id


def test_who_agreed_to_pass_one_name_on_has_agreed_to_no_other(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    connect(connecting, sandbox, "books")
    with pytest.raises(AlreadyConnected) as failure:
        come_back(connecting, sandbox, start(connecting, "acme", replace=True))
    come_back(connecting, sandbox, start(connecting, "books", replace=True), organization=OTHER)

    with pytest.raises(Refused):
        connecting.browser.resume(failure.value.pending_id or "", by="olga", name="books")

    books = registry.account("books")
    assert books is not None
    assert books.organization == OTHER


def test_two_accounts_that_come_for_one_new_name_at_the_same_moment_do_not_mix(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, vault: TokenVault
) -> None:
    first = consent(sandbox, start(connecting).url)
    second = consent(sandbox, start(connecting).url, organization=OTHER)
    save = connecting.connector.registry.save_account

    class SecondComesInBetween(Registry):
        """Lets the second connect when the first has stored its tokens, and not its account."""

        came: Refused | None = None

        def save_account(self, account: Any) -> None:
            if self.came is None:
                with pytest.raises(Refused) as failure:
                    connecting.browser.finish(second["state"], second["code"])
                type(self).came = failure.value
            save(account)

    client = connecting.connector.registry._client
    object.__setattr__(connecting.connector, "registry", SecondComesInBetween(client))
    connected = connecting.browser.finish(first["state"], first["code"])

    assert isinstance(SecondComesInBetween.came, ConnectFailed)
    assert SecondComesInBetween.came.pending_id is not None
    assert registry.account("acme") == connected.account
    assert connected.account.organization == "Acme Bakery"
    with pytest.raises(AnotherAccount):
        connecting.browser.resume(SecondComesInBetween.came.pending_id)


# --- the clocks differ


@pytest.mark.parametrize(("ahead", "word"), [(300, "behind"), (-300, "ahead of")])
def test_a_clock_that_is_minutes_off_is_told_and_stops_nothing(
    connecting: Connecting, sandbox: SandboxServer, ahead: int, word: str
) -> None:
    sandbox.control(clock_offset_seconds=ahead)

    connected = connect(connecting, sandbox)

    found = verdicts(connected.checks)
    assert found.pop("clock") == CheckResult.PROBLEM
    assert set(found.values()) == {CheckResult.OK}
    [warning] = connected.warnings
    assert f" s {word} Constant Contact's" in warning


# --- Redis goes away


def test_when_redis_goes_away_midway_only_that_is_said(
    live_settings: Settings, sandbox: SandboxServer, tmp_path: Path, no_token_pace: None
) -> None:
    with ValkeyServer(tmp_path) as server:
        client = server.client()
        tools = make_account_services(live_settings, client, lambda name: None)
        connecting, api = tools.connecting, tools.connecting.connector.calls.api
        back = consent(sandbox, start(connecting).url)
        link = connecting.browser.make_link("acme", by="ada", asked_by="Studio North")
        code = connecting.device.start()

        def api_while_redis_dies(client_id: str) -> ConstantContact:
            server.kill()
            return api(client_id)

        object.__setattr__(connecting.connector.calls, "api", api_while_redis_dies)
        afterwards: list[Callable[[], object]] = [
            lambda: connecting.browser.finish(back["state"], back["code"]),
            lambda: start(connecting),
            lambda: connecting.browser.refuse("state", "access_denied"),
            lambda: connecting.browser.resume("kept"),
            lambda: connecting.browser.result("state"),
            lambda: connecting.browser.open_link(
                connecting.browser.links.url(link).rpartition("/")[2]
            ),
            lambda: connecting.tokens.connect("acme", sandbox.connect(), by="ada"),
            lambda: connecting.device.poll("acme", code, by="ada"),
            lambda: connecting.disconnect("acme", by="ada"),
            lambda: connecting.claim_ownership("acme"),
            lambda: tools.summaries.all(),
            lambda: tools.api.lists("acme"),
            lambda: tools.test_signups.start("acme", "ada@example.com", "Newsletter", by="ada"),
            lambda: tools.test_signups.follow("acme", "id"),
        ]
        for ask in afterwards:
            with pytest.raises(LedgerUnavailable):
                ask()
        client.close()


# --- the API answers nonsense


@pytest.mark.parametrize("path", ["/v3/account/user/privileges", SUMMARY, "/v3/contact_lists"])
@pytest.mark.parametrize(
    "body",
    [
        *(None, 7, "text", [], {}, [None], [{}], {"lists": 7}, {"lists": [{}]}),
        *([{"privilege_name": ["contacts:write"]}], {"encoded_account_id": {"p": 1}}),
        {"lists": [{"list_id": None, "name": None, "membership_count": "many"}], "_links": 7},
    ],
)
def test_an_answer_that_makes_no_sense_breaks_nothing(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry, path: str, body: Any
) -> None:
    back = consent(sandbox, start(connecting).url)
    sandbox.control(path=path, body=body)

    try:
        connected = connecting.browser.finish(back["state"], back["code"])
    except ConnectFailed as failure:
        assert failure.pending_id is not None
        assert registry.account("acme") is None
    else:
        assert registry.account("acme") == connected.account


# --- the application, before anyone is sent to the login


def test_a_wrong_secret_is_found_before_anybody_logs_in(
    connecting: Connecting, own_application: Application
) -> None:
    assert connecting.check_before_login().verdict == CheckResult.OK
    assert connecting.check_before_login(own_application).verdict == CheckResult.OK

    check = connecting.check_before_login(Application(own_application.client_id, "another-secret"))

    assert check.verdict == CheckResult.PROBLEM
    assert "secret" in check.found
    assert "secret that was given with the API key" in (check.fix or "")


def test_a_wrong_secret_in_the_settings_is_found_before_anybody_logs_in(
    live_settings: Settings, redis_client: "redis.Redis"
) -> None:
    wrong = replace(live_settings, client_secret="another-secret")
    connecting = make_account_services(wrong, redis_client, lambda name: None).connecting

    check = connecting.check_before_login()

    assert check.verdict == CheckResult.PROBLEM
    assert "CTCT_CLIENT_SECRET" in (check.fix or "")


def test_a_flow_that_is_switched_off_is_found_before_anybody_logs_in(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    sandbox.control(path=TOKEN_PATH, status=400, body={"error": "unauthorized_client"})

    check = connecting.check_before_login()

    assert check.verdict == CheckResult.PROBLEM
    assert "Authorization Code Flow" in (check.fix or "")


def test_a_token_endpoint_that_does_not_answer_keeps_nobody_from_the_login(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    sandbox.control(path=TOKEN_PATH, reset=True)

    assert connecting.check_before_login().verdict == CheckResult.OK


def test_the_preflight_says_that_the_login_page_opens(connecting: Connecting) -> None:
    assert connecting.check_application().verdict == CheckResult.OK


def test_the_preflight_finds_an_api_key_that_is_not_known(connecting: Connecting) -> None:
    check = connecting.check_application(Application("no-such-key", "no-such-secret"))

    assert check.verdict == CheckResult.PROBLEM
    assert "API key" in check.found


def test_the_preflight_finds_a_redirect_uri_that_is_not_registered(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    application = Application("strict-key", "strict-secret")
    sandbox.control(
        applications=[
            {
                "client_id": application.client_id,
                "client_secret": application.client_secret,
                "redirect_uris": ["https://elsewhere.example/connect/callback"],
            }
        ]
    )

    check = connecting.check_application(application)

    assert check.verdict == CheckResult.PROBLEM
    assert check.fix is not None
    assert connecting.redirect_uri in check.fix


@pytest.mark.parametrize(
    "fault",
    [
        {"reset": True},
        {"status": 503},
        {"throttle_storm": True},
        {"redirect": "http://[oops"},
    ],
)
def test_the_preflight_blames_nobody_for_what_it_cannot_see(
    connecting: Connecting, sandbox: SandboxServer, fault: dict[str, Any]
) -> None:
    sandbox.control(path="/oauth2/default/v1/authorize", **fault)

    assert connecting.check_application().verdict != CheckResult.PROBLEM


# --- by device


def enter(sandbox: SandboxServer, page: str, **who: Any) -> None:
    """Enter the code that the device shows, and decide."""
    answer = sandbox._http.post(
        page,
        data={
            "organization": who.get("organization", "Acme Bakery"),
            "user": who.get("user", "Account Owner"),
            "decision": "allow" if who.get("allow", True) else "deny",
        },
        timeout=10,
    )
    assert answer.ok, answer.text


def test_a_device_is_connected_once_its_code_was_entered(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    code = connecting.device.start()
    with pytest.raises(DevicePending):
        connecting.device.poll("acme", code, by="ada")
    with pytest.raises(DevicePending) as hurried:
        connecting.device.poll("acme", code, by="ada")
    assert hurried.value.slow_down

    enter(sandbox, code.page_with_code)
    connected = connecting.device.poll("acme", code, by="ada")

    assert connected.account.organization == "Acme Bakery"
    assert vault.stored_token("acme") == connected.token
    with pytest.raises(Refused, match="no longer"):
        connecting.device.poll("acme", code, by="ada")


def test_a_device_that_is_turned_down_is_told(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    code = connecting.device.start()
    enter(sandbox, code.page_with_code, allow=False)

    with pytest.raises(DeviceDenied) as denied:
        connecting.device.poll("acme", code, by="ada")

    assert not denied.value.expired


def test_a_code_that_ran_out_is_told_apart(connecting: Connecting, sandbox: SandboxServer) -> None:
    code = connecting.device.start()
    sandbox.control(path=TOKEN_PATH, status=400, body={"error": "expired_token"}, count=1)

    with pytest.raises(DeviceDenied) as denied:
        connecting.device.poll("acme", code, by="ada")

    assert denied.value.expired


def test_a_poll_without_an_answer_is_worth_another(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    code = connecting.device.start()
    sandbox.control(path=TOKEN_PATH, reset=True, count=1)

    with pytest.raises(TokenEndpointFailed):
        connecting.device.poll("acme", code, by="ada")


def test_a_device_that_gets_no_refresh_token_is_sent_to_a_browser(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    code = connecting.device.start()
    sandbox.control(path=TOKEN_PATH, body={"access_token": "token", "expires_in": 60}, count=1)

    with pytest.raises(Refused, match="relay connect acme --url"):
        connecting.device.poll("acme", code, by="ada")
    assert registry.account("acme") is None


@pytest.mark.parametrize("error", ["unauthorized_client", "invalid_client"])
def test_an_application_without_the_device_flow_is_told_so(
    connecting: Connecting, sandbox: SandboxServer, error: str
) -> None:
    sandbox.control(path="/oauth2/default/v1/device", status=400, body={"error": error})

    with pytest.raises(Refused, match="switch the device flow on"):
        connecting.device.start()


@pytest.mark.parametrize("fault", [{"reset": True}, {"html": True}, {"body": {"device_code": 1}}])
def test_a_device_that_gets_no_code_may_try_again(
    connecting: Connecting, sandbox: SandboxServer, fault: dict[str, Any]
) -> None:
    sandbox.control(path="/oauth2/default/v1/device", **fault)

    with pytest.raises(ConnectFailed, match="Try again"):
        connecting.device.start()


# --- with given tokens


def test_given_tokens_are_tried_and_stored(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    connected = connecting.tokens.connect("acme", sandbox.connect(), by="ada")

    assert connected.account.organization == "Acme Bakery"
    assert vault.stored_token("acme") == connected.token
    assert sandbox.stats()["token_calls"] == 1  # the refresh that proves it


def test_given_tokens_that_are_too_old_are_refreshed(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault, redis_client: "redis.Redis"
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="access")

    connecting.tokens.connect("acme", given, by="ada")

    assert vault.stored_token("acme").access != given["access_token"]
    assert sandbox.stats()["token_calls"] == 2
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0
    assert not list(redis_client.scan_iter(f"{keys.CONNECTING}spare:*"))


def test_tokens_refreshed_in_vain_are_not_lost(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="access")
    sandbox.control(path=SUMMARY, status=503, count=1)
    with pytest.raises(ConnectFailed):
        connecting.tokens.connect("acme", given, by="ada")

    connecting.tokens.connect("acme", given, by="ada")

    assert sandbox.stats()["token_calls"] == 2
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0
    assert not vault.stored("acme").revoked


def test_tokens_that_were_refreshed_since_are_not_used_again(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    given = sandbox.connect()
    newer = connecting.tokens.connect("acme", given, by="ada").token

    for name in ("acme", "other"):
        with pytest.raises(Refused, match="has newer ones"):
            connecting.tokens.connect(name, given, by="ada")
    assert vault.stored_token("acme") == newer


def test_two_names_do_not_share_one_long_lived_token(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    sandbox.control(rotating=False)
    given = sandbox.connect()
    connecting.tokens.connect("acme", given, by="ada")

    with pytest.raises(AlreadyConnected, match="already connected as acme"):
        connecting.tokens.connect("other", given, by="ada")
    connecting.tokens.connect("acme", given, by="ada")


def test_tokens_that_another_command_uses_just_now_are_left_alone(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    given = sandbox.connect()

    with connecting.connector.store.lock(given["refresh_token"]) as mine:
        assert mine
        with pytest.raises(Refused, match="Another command"):
            connecting.tokens.connect("acme", given, by="ada")
    connecting.tokens.connect("acme", given, by="ada")


def test_tokens_that_are_both_refused_change_nothing(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="all")

    with pytest.raises(Refused, match="refuses both"):
        connecting.tokens.connect("acme", given, by="ada")
    assert registry.account("acme") is None


def test_without_account_read_the_organization_stays_unknown(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    given = sandbox.connect(scope="contact_data offline_access")

    connected = connecting.tokens.connect("acme", given, by="ada")

    assert connected.account.organization is None
    assert connected.account.encoded_account_id is None
    found = verdicts(connected.checks)
    assert (found["scopes"], found["summary"]) == (CheckResult.PROBLEM, CheckResult.PROBLEM)


def test_tokens_that_tell_no_account_do_not_take_the_name_of_a_known_one(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    connecting.tokens.connect("acme", sandbox.connect(), by="ada")
    given = sandbox.connect(scope="contact_data offline_access")

    with pytest.raises(Refused, match="does not say whose"):
        connecting.tokens.connect("acme", given, by="ada")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "access_token"),
        ({"access_token": "a"}, "offline_access"),
        ({"access_token": 1, "refresh_token": 2}, "access_token"),
        ({"access_token": "two words", "refresh_token": "r"}, "access_token"),
        ({"access_token": "a", "refresh_token": "\ud800"}, "offline_access"),
    ],
)
def test_given_tokens_must_be_complete(
    connecting: Connecting, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Refused, match=problem):
        connecting.tokens.connect("acme", given, by="ada")


def test_nothing_secret_is_stored_in_the_clear(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="access")
    sandbox.control(path=SUMMARY, status=503, count=1)
    with pytest.raises(ConnectFailed):
        connecting.tokens.connect("acme", given, by="ada")

    [key] = list(redis_client.scan_iter(f"{keys.CONNECTING}spare:*"))
    assert given["refresh_token"] not in key
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(str(redis_client.get(key)))


# --- applications of an account's own


def test_an_account_can_have_an_application_of_its_own(
    connecting: Connecting,
    sandbox: SandboxServer,
    redis_client: "redis.Redis",
    own_application: Application,
) -> None:
    connect(connecting, sandbox, "ours", organization=OTHER)
    ledger = Ledger(redis_client)
    before = ledger.pace.used_today(sandbox.client_id)

    connected = come_back(
        connecting, sandbox, start(connecting, "theirs", application=own_application)
    )

    assert connected.warnings == ()
    assert connected.account.client_id == own_application.client_id
    assert ledger.pace.used_today(sandbox.client_id) == before
    # Exchange, privileges, summary, lists and refresh, all on the other key.
    assert ledger.pace.used_today(own_application.client_id) == 5
    stored = redis_client.hgetall(keys.APPLICATIONS)
    assert list(stored) == [own_application.client_id]
    assert own_application.client_secret not in str(stored)


def test_the_secret_of_an_application_is_not_replaced_by_a_wrong_one(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault, own_application: Application
) -> None:
    come_back(connecting, sandbox, start(connecting, application=own_application))
    wrong = Application(own_application.client_id, "mistyped")

    with pytest.raises(Refused, match="secret that was given") as failure:
        start(connecting, "other", application=wrong)

    assert "mistyped" not in str(failure.value)
    assert vault.refresh("acme").version == 3


def test_a_secret_that_was_made_anew_serves_all_accounts_of_its_key(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault, own_application: Application
) -> None:
    come_back(connecting, sandbox, start(connecting, application=own_application))
    anew = Application(own_application.client_id, "made-anew")
    sandbox.control(applications=[{"client_id": anew.client_id, "client_secret": "made-anew"}])

    come_back(connecting, sandbox, start(connecting, "other", application=anew), organization=OTHER)

    assert vault.refresh("acme").version == 3
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0


def test_the_settings_own_key_keeps_the_settings_secret(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    with pytest.raises(Refused, match="CTCT_CLIENT_SECRET"):
        start(connecting, application=Application(sandbox.client_id, "another-secret"))
    connecting.connector.calls.applications.keep(Application(sandbox.client_id, "another-secret"))
    assert not redis_client.exists(keys.APPLICATIONS)


def test_an_api_key_that_is_not_known_any_more_is_said(
    connecting: Connecting,
    sandbox: SandboxServer,
    redis_client: "redis.Redis",
    own_application: Application,
) -> None:
    back = consent(sandbox, start(connecting, application=own_application).url)
    redis_client.delete(keys.APPLICATIONS)

    with pytest.raises(Refused, match="no longer known"):
        connecting.browser.finish(back["state"], back["code"])


# --- the end of a connection


def test_disconnecting_forgets_the_tokens_and_keeps_what_was_accepted(
    connecting: Connecting,
    sandbox: SandboxServer,
    redis_client: "redis.Redis",
    registry: Registry,
    vault: TokenVault,
    woken: list[str],
) -> None:
    ledger = Ledger(redis_client)
    before = connect(connecting, sandbox)
    builders.accept(ledger, "ada@example.com")

    ended = connecting.disconnect("acme", by="ada")

    assert ended.disconnected_at is not None
    assert registry.account("acme") == ended
    with pytest.raises(NotConnected):
        vault.fresh("acme")
    [hold] = ledger.figures("acme").holds
    assert (hold.reason, hold.by, hold.note) == (
        HoldReason.RECONNECT,
        "ada",
        "disconnected by an operator",
    )
    builders.accept(ledger, "grace@example.com")
    assert (ledger.figures("acme").accepted, ledger.figures("acme").due) == (2, 2)

    again = connect(connecting, sandbox)

    assert again.account.disconnected_at is None
    assert again.token.version > before.token.version
    assert ledger.figures("acme").holds == ()
    assert builders.claimed(ledger).id
    assert woken == ["acme", "acme"]


def test_a_disconnected_name_is_still_kept_from_another_account(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    connect(connecting, sandbox)
    connecting.disconnect("acme", by="ada")

    with pytest.raises(AnotherAccount):
        connect(connecting, sandbox, organization=OTHER)


def test_an_unknown_account_cannot_be_disconnected(
    connecting: Connecting, redis_client: "redis.Redis"
) -> None:
    with pytest.raises(Refused, match="no account 'acme'"):
        connecting.disconnect("acme", by="ada")
    assert Ledger(redis_client).figures("acme").holds == ()


def test_who_disconnects_while_another_connects_is_told_to_wait(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    connected = connect(connecting, sandbox)

    with (
        connecting.connector.lock_account("acme"),
        pytest.raises(ConnectFailed, match="at this moment"),
    ):
        connecting.disconnect("acme", by="ada")
    assert vault.stored_token("acme") == connected.token


def test_disconnected_during_the_checks_is_a_refusal(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    once_stored(connecting, lambda: connecting.disconnect("acme", by="ada"))

    with pytest.raises(Refused, match="disconnected"):
        connect(connecting, sandbox)


# --- copies of an installation


def test_taking_over_ends_the_hold_and_refreshes_here(
    tools: AccountServices,
    live_settings: Settings,
    redis_client: "redis.Redis",
    sandbox: SandboxServer,
    woken: list[str],
) -> None:
    connect(tools.connecting, sandbox)
    Ledger(redis_client).hold("acme", HoldReason.RECONNECT, by="test")
    redis_client.hset(f"{keys.account('acme')}tokens", mapping={"server": "another server"})
    copied = replace(live_settings, instance="https://staging.example.com")
    copy = make_account_services(copied, redis_client, woken.append)
    with pytest.raises(NotOurs, match="take-over"):
        copy.connecting.connector.vault.refresh("acme")

    copy.connecting.claim_ownership("acme")

    assert copy.connecting.connector.vault.refresh("acme").version == 3
    assert Ledger(redis_client).figures("acme").holds == ()
    assert woken == ["acme", "acme"]


def test_what_is_not_connected_cannot_be_taken_over(connecting: Connecting) -> None:
    with pytest.raises(Refused, match="relay connect acme"):
        connecting.claim_ownership("acme")


# --- secrets


def test_no_secret_is_in_what_is_shown_of_a_connection(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    given = sandbox.connect()
    connected = connecting.tokens.connect("acme", given, by="ada")
    tokens = TokenSet.from_json(given)
    kept = kept_tokens(connecting, sandbox)
    found = connecting.connector.store.pending(kept)

    account, token = connected.account, connected.token
    shown = f"{account!r} {token!r} {tokens!r} {found!r} {OWN!r} {start(connecting)!r}"

    for secret in (
        *(given["access_token"], given["refresh_token"], token.access, OWN.client_secret),
        *(str(account.contact_email), str(account.login)),
    ):
        assert secret not in shown


def test_a_revoked_connection_is_whole_again_after_another_login(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    connect(connecting, sandbox)
    sandbox.control(revoke="all")
    with pytest.raises(Revoked):
        vault.refresh("acme")

    connect(connecting, sandbox)

    assert not vault.stored("acme").revoked
