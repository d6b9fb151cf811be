"""Connecting accounts: in the browser and with given tokens, against the sandbox."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from shared.assembly import make_connecting, make_vault
from shared.connecting import ConnectFailed, Connecting
from shared.constant_contact.oauth import SCOPES
from shared.constant_contact.tokens import TokenVault
from shared.domain.account import Account, HoldReason
from shared.domain.errors import NotConnected, Refused
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.settings import Settings
from tests import builders
from tests.sandbox_server import SandboxServer

OTHER = "Blue Door Books"
TOKEN_PATH = "/oauth2/default/v1/token"


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def connecting(
    live_settings: Settings, redis_client: "redis.Redis", woken: list[str]
) -> Connecting:
    return make_connecting(live_settings, redis_client, woken.append)


@pytest.fixture
def vault(live_settings: Settings, redis_client: "redis.Redis") -> TokenVault:
    return make_vault(live_settings, redis_client)


@pytest.fixture
def registry(redis_client: "redis.Redis") -> Registry:
    return Registry(redis_client)


def consent(sandbox: SandboxServer, url: str, **who: Any) -> dict[str, str]:
    """Log in at `url`; return what the browser brings to the callback."""
    query = urlsplit(sandbox.authorize(url, **who)).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def connect(connecting: Connecting, sandbox: SandboxServer, **who: Any) -> Account:
    started = connecting.start("acme")
    back = consent(sandbox, started.url, **who)
    return connecting.finish(back["state"], back["code"]).account


# --- in the browser


def test_the_callback_connects_the_account(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    vault: TokenVault,
    woken: list[str],
) -> None:
    started = connecting.start("acme")
    back = consent(sandbox, started.url)
    connected = connecting.finish(back["state"], back["code"])

    assert started.redirect_uri == "http://127.0.0.1:8080/connect/callback"
    assert connected.warnings == ()
    assert connected.account.organization == "Acme Bakery"
    assert connected.account.contact_email
    assert connected.account.encoded_account_id
    assert connected.token.scopes == frozenset(SCOPES)
    assert registry.account("acme") == connected.account
    assert vault.current("acme") == connected.token
    assert connected.account.connected_at is not None
    assert datetime.fromisoformat(connected.account.connected_at)
    assert connected.account.connected_at.endswith("Z")
    assert woken == ["acme"]
    assert connecting.lists("acme")


def test_a_state_works_once(connecting: Connecting, sandbox: SandboxServer) -> None:
    back = consent(sandbox, connecting.start("acme").url)
    connecting.finish(back["state"], back["code"])

    with pytest.raises(Refused, match="used already"):
        connecting.finish(back["state"], back["code"])
    assert sandbox.stats()["token_calls"] == 1


def test_a_state_that_was_never_given_asks_nobody(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    with pytest.raises(Refused, match="relay connect NAME --url"):
        connecting.finish("spare:forged", "code")

    assert sandbox.stats()["token_calls"] == 0


def test_a_state_is_forgotten_after_a_quarter_of_an_hour(
    connecting: Connecting, redis_client: "redis.Redis"
) -> None:
    started = connecting.start("acme")
    [state] = parse_qs(urlsplit(started.url).query)["state"]

    assert 890 < int(redis_client.ttl(f"relay:connecting:{state}")) <= 900


def test_an_abandoned_state_names_its_account_and_works_no_more(connecting: Connecting) -> None:
    [state] = parse_qs(urlsplit(connecting.start("acme").url).query)["state"]

    assert connecting.abandon(state) == "acme"
    assert connecting.abandon(state) is None


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
    started = connecting.start("acme")
    back = consent(sandbox, started.url, user="Campaign Creator")

    [warning] = connecting.finish(back["state"], back["code"]).warnings

    assert "contacts:write" in warning
    assert [hold.reason for hold in ledger.figures("acme").holds] == [HoldReason.FORBIDDEN]


def test_another_account_does_not_take_a_name_unasked(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    vault: TokenVault,
) -> None:
    first = connect(connecting, sandbox)
    token = vault.current("acme")

    with pytest.raises(Refused, match="--replace"):
        connect(connecting, sandbox, organization=OTHER)

    assert registry.account("acme") == first
    assert vault.current("acme") == token


def test_another_account_takes_a_name_when_asked_and_its_forms_are_named(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    connect(connecting, sandbox)
    registry.save_form(builders.form("news"))
    started = connecting.start("acme", replace=True)
    back = consent(sandbox, started.url, organization=OTHER)

    connected = connecting.finish(back["state"], back["code"])

    assert connected.account.organization == OTHER
    assert registry.account("acme") == connected.account
    [warning] = connected.warnings
    assert "news" in warning


def without_offline_access(url: str) -> str:
    return url.replace("%20offline_access", "")


def test_without_a_refresh_token_nothing_is_connected(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    back = consent(sandbox, without_offline_access(connecting.start("acme").url))

    with pytest.raises(Refused, match="offline_access"):
        connecting.finish(back["state"], back["code"])
    with pytest.raises(NotConnected):
        vault.current("acme")


def test_a_code_that_works_no_more_says_so(connecting: Connecting, sandbox: SandboxServer) -> None:
    back = consent(sandbox, connecting.start("acme").url)

    with pytest.raises(Refused, match="relay connect acme --url"):
        connecting.finish(back["state"], "another code")


@pytest.mark.parametrize("path", [TOKEN_PATH, "/v3/account/user/privileges", "/v3/contact_lists"])
def test_when_constant_contact_fails_nothing_is_changed(
    connecting: Connecting,
    sandbox: SandboxServer,
    registry: Registry,
    vault: TokenVault,
    path: str,
) -> None:
    back = consent(sandbox, connecting.start("acme").url)
    sandbox.control(path=path, reset=True)

    with pytest.raises(ConnectFailed, match="Nothing was changed"):
        connecting.finish(back["state"], back["code"])
    assert registry.account("acme") is None
    with pytest.raises(NotConnected):
        vault.current("acme")


def test_a_wrong_secret_names_the_settings(
    live_settings: Settings, redis_client: "redis.Redis", sandbox: SandboxServer
) -> None:
    wrong = replace(live_settings, client_secret="not the secret")
    connecting = make_connecting(wrong, redis_client, lambda name: None)
    back = consent(sandbox, connecting.start("acme").url)

    with pytest.raises(Refused, match="CTCT_CLIENT_SECRET"):
        connecting.finish(back["state"], back["code"])


@pytest.mark.parametrize("name", ["", "ac{me", "a b", "-a", "a" * 41, "a/b", "ä"])
def test_names_have_a_shape(connecting: Connecting, name: str) -> None:
    with pytest.raises(Refused, match="name"):
        connecting.start(name)


# --- with given tokens


def test_given_tokens_are_tried_and_stored(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    given = sandbox.connect()

    connected = connecting.with_tokens("acme", given)

    assert connected.account.organization == "Acme Bakery"
    assert vault.current("acme").access == given["access_token"]
    assert sandbox.stats()["token_calls"] == 0


def test_given_tokens_that_are_too_old_are_refreshed_once(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault, redis_client: "redis.Redis"
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="access")

    connecting.with_tokens("acme", given)

    token = vault.current("acme")
    assert token.access != given["access_token"]
    assert vault.renew("acme", token.version).version == 2
    assert sandbox.stats()["spent_refresh_tokens_seen"] == 0
    assert not list(redis_client.scan_iter("relay:connecting:spare:*"))


def test_tokens_refreshed_in_vain_are_not_lost(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="access")
    sandbox.control(path="/v3/account/summary", status=503, count=1)
    with pytest.raises(ConnectFailed):
        connecting.with_tokens("acme", given)

    connecting.with_tokens("acme", given)

    assert vault.current("acme").version == 1
    assert sandbox.stats()["token_calls"] == 1


def test_tokens_that_were_refreshed_since_are_not_used_again(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    given = sandbox.connect()
    connecting.with_tokens("acme", given)
    newer = vault.renew("acme", 1)

    with pytest.raises(Refused, match="has newer ones"):
        connecting.with_tokens("acme", given)
    assert vault.current("acme") == newer


def test_tokens_that_are_both_refused_change_nothing(
    connecting: Connecting, sandbox: SandboxServer, registry: Registry
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="all")

    with pytest.raises(Refused, match="refuses both"):
        connecting.with_tokens("acme", given)
    assert registry.account("acme") is None


def test_without_account_read_the_organization_stays_unknown(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    given = sandbox.connect(scope="contact_data offline_access")

    account = connecting.with_tokens("acme", given).account

    assert (account.organization, account.encoded_account_id) == (None, None)


def test_tokens_that_tell_no_account_do_not_take_the_name_of_a_known_one(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    connecting.with_tokens("acme", sandbox.connect())
    given = sandbox.connect(scope="contact_data offline_access")

    with pytest.raises(Refused, match="does not say whose"):
        connecting.with_tokens("acme", given)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({}, "access_token"),
        ({"access_token": "a"}, "offline_access"),
        ({"access_token": 1, "refresh_token": 2}, "access_token"),
    ],
)
def test_given_tokens_must_be_complete(
    connecting: Connecting, given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(Refused, match=problem):
        connecting.with_tokens("acme", given)


# --- reading


def test_lists_are_read_with_a_new_token_when_the_old_one_is_refused(
    connecting: Connecting, sandbox: SandboxServer, vault: TokenVault
) -> None:
    connect(connecting, sandbox)
    sandbox.control(revoke="access")

    assert connecting.lists("acme")
    assert vault.current("acme").version == 2


def test_lists_of_an_unknown_account_name_those_that_exist(
    connecting: Connecting, sandbox: SandboxServer
) -> None:
    connect(connecting, sandbox)

    with pytest.raises(Refused, match="there is: acme"):
        connecting.lists("acne")


def test_nothing_secret_is_stored_in_the_clear(
    connecting: Connecting, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    given = sandbox.connect()
    sandbox.control(revoke="access")
    sandbox.control(path="/v3/account/summary", status=503, count=1)
    with pytest.raises(ConnectFailed):
        connecting.with_tokens("acme", given)

    [key] = list(redis_client.scan_iter("relay:connecting:spare:*"))
    assert given["refresh_token"] not in key
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(str(redis_client.get(key)))
