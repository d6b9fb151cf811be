"""Tokens and secrets go only to the addresses that they were got from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.accounts.account_api import ApiCallFailed
from shared.accounts.account_services import AccountServices, make_account_services
from shared.accounts.account_summary import ConnectionStatus
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.connecting import Connecting
from shared.constant_contact.applications import Application
from shared.constant_contact.factory import make_applications, make_vault
from shared.constant_contact.token_vault import Token, TokenVault
from shared.doctor.doctor import make_doctor
from shared.domain.account import HoldReason
from shared.domain.errors import OtherOrigin, Refused
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores import documents
from tests.support import connections
from tests.support.sandbox_server import SandboxServer

TOKENS = "relay:{acme}:tokens"


@pytest.fixture
def elsewhere(live_settings: Settings, sandbox: SandboxServer) -> Settings:
    """The sandbox by another name, so that it counts what reaches the other address."""
    return replace(
        live_settings,
        api_url=sandbox.api_url.replace("127.0.0.1", "localhost"),
        auth_url=sandbox.auth_url.replace("127.0.0.1", "localhost"),
    )


@pytest.fixture
def connected(connecting: Connecting, sandbox: SandboxServer) -> SandboxServer:
    """The account `acme` is connected; the figures begin anew."""
    connections.connect(connecting, sandbox)
    return sandbox


def calls(sandbox: SandboxServer) -> int:
    figures = sandbox.stats()
    return int(figures["token_calls"]) + int(figures["api_calls"])


def make_older(client: "redis.Redis") -> None:
    for field in ("received_at", "expires_at"):
        client.hincrby(TOKENS, field, -23 * 3600 * 1000)


USES: dict[str, Callable[[TokenVault], object]] = {
    "fresh": lambda vault: vault.fresh("acme"),
    "at hand": lambda vault: vault.at_hand("acme"),
    "renew": lambda vault: vault.renew("acme", 1),
    "refresh": lambda vault: vault.refresh("acme"),
    "refresh when due": lambda vault: vault.refresh_due("acme"),
    "the stored token": lambda vault: vault.stored_token("acme"),
}


@pytest.mark.parametrize("changed", ["api_url", "auth_url"])
@pytest.mark.parametrize("old", [False, True], ids=["fresh tokens", "old tokens"])
@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_no_token_is_given_out_for_another_address(
    live_settings: Settings,
    elsewhere: Settings,
    redis_client: "redis.Redis",
    connected: SandboxServer,
    use: Callable[[TokenVault], object],
    old: bool,
    changed: str,
) -> None:
    if old:
        make_older(redis_client)
    other = replace(live_settings, **{changed: getattr(elsewhere, changed)})
    before = calls(connected)

    with pytest.raises(OtherOrigin, match="relay accounts move-tokens acme"):
        use(make_vault(other, redis_client))

    assert calls(connected) == before


@pytest.fixture
def other(elsewhere: Settings, redis_client: "redis.Redis") -> AccountServices:
    """What a process has with the other address in its settings."""
    return make_account_services(elsewhere, redis_client, lambda name: None)


def test_lists_and_the_doctor_ask_nothing_and_say_what_to_do(
    other: AccountServices,
    elsewhere: Settings,
    connected: SandboxServer,
) -> None:
    before, token_calls = calls(connected), connected.stats()["token_calls"]

    with pytest.raises(ApiCallFailed, match="Put the former addresses back"):
        other.api.lists("acme")
    summary = other.summaries.summary("acme")

    assert summary.status == ConnectionStatus.ELSEWHERE
    checks = make_doctor(elsewhere).examine(["acme"], within=timedelta(seconds=20))
    [found] = [each for each in checks if (each.account, each.name) == ("acme", "connection")]
    assert connected.api_url in found.found
    assert "relay accounts move-tokens acme" in str(found.fix)
    assert "privileges" not in {each.name for each in checks if each.account}
    assert calls(connected) <= before + 1  # without a token: does the API answer?
    assert connected.stats()["token_calls"] == token_calls


def test_all_flows_again_with_the_former_address(
    other: AccountServices, tools: AccountServices, connected: SandboxServer
) -> None:
    with pytest.raises(ApiCallFailed):
        other.api.lists("acme")

    assert tools.api.lists("acme").lists


def test_a_move_of_constant_contact_is_agreed_to(
    other: AccountServices, redis_client: "redis.Redis", connected: SandboxServer
) -> None:
    ledger = Ledger(redis_client)
    ledger.hold("acme", HoldReason.RECONNECT, by="token")

    other.connecting.move_tokens("acme")

    assert other.api.lists("acme").lists
    assert ledger.figures("acme").holds == ()
    with pytest.raises(Refused, match="from the addresses that are configured"):
        other.connecting.move_tokens("acme")


@pytest.mark.usefixtures("connected")
def test_an_account_without_tokens_has_none_to_move(other: AccountServices) -> None:
    other.connecting.disconnect("acme", by="ada")
    with pytest.raises(Refused, match="acme is not connected"):
        other.connecting.move_tokens("acme")


def test_connecting_again_brings_tokens_of_the_new_address(
    other: AccountServices, connected: SandboxServer
) -> None:
    connections.connect(other.connecting, connected)

    assert other.summaries.summary("acme").status == ConnectionStatus.CONNECTED


def test_tokens_of_an_older_version_belong_to_the_first_address_that_uses_them(
    live_settings: Settings,
    elsewhere: Settings,
    redis_client: "redis.Redis",
    connected: SandboxServer,
) -> None:
    redis_client.hdel(TOKENS, "origin")
    first, second = (make_vault(each, redis_client) for each in (live_settings, elsewhere))
    read = second.tokens.read
    seen: list[Token] = []

    def first_is_faster(account: str) -> Any:
        """The second has read them when the first notes its address."""
        found = read(account)
        if not seen:
            seen.append(first.fresh("acme"))
        return found

    second.tokens.read = first_is_faster  # type: ignore[method-assign]
    with pytest.raises(OtherOrigin):
        second.fresh("acme")
    assert first.refresh("acme").version == seen[0].version + 1


# --- what connecting keeps for a while


def test_a_login_that_began_with_another_address_is_not_finished_with_this_one(
    connecting: Connecting, other: AccountServices, sandbox: SandboxServer
) -> None:
    back = connections.consent(sandbox, connections.start(connecting).url)

    with pytest.raises(Refused, match="used already"):
        other.connecting.browser.finish(back["state"], back["code"])
    assert sandbox.stats()["token_calls"] == 0
    assert connecting.browser.finish(back["state"], back["code"]).account.name == "acme"


def test_tokens_of_a_connection_that_failed_halfway_stay_with_their_address(
    connecting: Connecting, other: AccountServices, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/v3/account/user/privileges", status=503)
    with pytest.raises(ConnectFailed) as failure:
        connections.connect(connecting, sandbox)
    sandbox.clear()
    before = calls(sandbox)

    with pytest.raises(Refused, match="Start again"):
        other.connecting.browser.resume(failure.value.pending_id or "")
    assert calls(sandbox) == before
    assert connecting.browser.resume(failure.value.pending_id or "").account.name == "acme"


# --- secrets of API keys

OWN = Application("own-key", "own-secret")


def test_a_secret_is_known_only_for_the_server_that_it_was_typed_in_for(
    live_settings: Settings, elsewhere: Settings, redis_client: "redis.Redis"
) -> None:
    here, there = (make_applications(each, redis_client) for each in (live_settings, elsewhere))
    here.keep(OWN)

    assert here.find("own-key") == OWN
    assert there.find("own-key") is None
    there.move("own-key", live_settings.auth_url)
    assert there.find("own-key") == OWN
    assert here.find("own-key") is None


@pytest.mark.parametrize("secret", ["own-secret", "1234", '["a","b","c"]', "null", '"ab"'])
def test_a_secret_of_an_older_version_belongs_to_the_first_server_that_uses_it(
    live_settings: Settings, elsewhere: Settings, redis_client: "redis.Redis", secret: str
) -> None:
    sealed = Sealer(live_settings.secret_keys).seal(secret)
    documents.applications(redis_client).save("own-key", sealed)
    here, there = (make_applications(each, redis_client) for each in (live_settings, elsewhere))

    assert here.find("own-key") == Application("own-key", secret)
    assert there.find("own-key") is None


def test_of_two_servers_that_find_an_old_secret_at_once_one_gets_it(
    live_settings: Settings, elsewhere: Settings, redis_client: "redis.Redis"
) -> None:
    sealed = Sealer(live_settings.secret_keys).seal("own-secret")
    documents.applications(redis_client).save("own-key", sealed)
    here, there = (make_applications(each, redis_client) for each in (live_settings, elsewhere))
    swap = there._swap

    def here_is_faster(client_id: str, sealed: str, anew: str) -> None:
        assert here.find("own-key") == OWN
        swap(client_id, sealed, anew)

    there._swap = here_is_faster  # type: ignore[method-assign]
    assert there.find("own-key") is None


def test_an_account_with_a_key_of_its_own_is_elsewhere_and_not_unusable(
    connecting: Connecting, other: AccountServices, sandbox: SandboxServer
) -> None:
    sandbox.application(OWN.client_id, OWN.client_secret)
    tokens = sandbox.connect(application=OWN.client_id)
    connecting.tokens.connect("acme", tokens, by="ada", application=OWN)

    assert other.summaries.summary("acme").status == ConnectionStatus.ELSEWHERE
    other.connecting.move_tokens("acme")
    assert other.summaries.summary("acme").status == ConnectionStatus.CONNECTED
    assert other.connecting.connector.vault.refresh("acme").version > 1
