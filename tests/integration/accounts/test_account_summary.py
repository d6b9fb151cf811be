"""Account cards: whose account it is, and how it stands with its connection."""

from dataclasses import replace

import pytest
import redis

from shared.accounts.account_services import AccountServices, make_account_services
from shared.accounts.account_summary import AccountSummary, ConnectionStatus
from shared.accounts.advice import for_account
from shared.constant_contact.applications import Application
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import HoldReason
from shared.domain.errors import Refused, Revoked, TokenUnavailable
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from tests.support.connections import TOKEN_PATH, come_back, connect, start
from tests.support.sandbox_server import SandboxServer


@pytest.fixture
def summary(tools: AccountServices, sandbox: SandboxServer) -> AccountSummary:
    """The card of `acme`, which was just connected."""
    connect(tools.connecting, sandbox)
    return tools.summaries.summary("acme")


def standing(tools: AccountServices) -> ConnectionStatus:
    return tools.summaries.summary("acme").status


def test_a_card_tells_all_about_a_connection(
    summary: AccountSummary, tools: AccountServices, sandbox: SandboxServer, live_settings: Settings
) -> None:
    assert summary.status == ConnectionStatus.CONNECTED
    assert summary.account.organization == "Acme Bakery"
    assert summary.account.connected_by == "ada"
    assert summary.key_tail == f"…{sandbox.client_id[-4:]}"
    assert not summary.own_key
    assert summary.scopes is not None
    assert "contact_data" in summary.scopes
    assert summary.token_kind == "rotating"
    assert summary.owner == live_settings.instance
    assert summary.refreshed_at is not None
    assert summary.next_refresh_at is not None
    assert summary.expires_at is not None
    assert summary.refreshed_at < summary.next_refresh_at < summary.expires_at
    assert summary.last_success_at is not None
    assert summary.last_success_at <= summary.refreshed_at
    tools.api.lists("acme")
    assert tools.summaries.summary("acme").last_success_at is not None


def test_a_card_for_scripts_has_plain_values(summary: AccountSummary) -> None:
    document = summary.to_dict()

    assert document["name"] == "acme"
    assert document["standing"] == "connected"
    assert document["expires_at"].endswith("Z")
    assert document["scopes"] == sorted(document["scopes"])
    assert document["holds"] == []
    assert summary.account.client_id == document["client_id"]


def test_no_secret_and_no_address_is_in_the_repr_of_a_card(
    summary: AccountSummary, vault: TokenVault
) -> None:
    for secret in (vault.stored_token("acme").access, str(summary.account.contact_email)):
        assert secret not in repr(summary)


def test_holds_are_on_the_card(summary: AccountSummary, tools: AccountServices) -> None:
    ledger = tools.summaries.ledger
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="for the move")

    assert [hold.note for hold in tools.summaries.summary("acme").holds] == ["for the move"]


def test_a_disconnected_account_is_told_apart_from_one_that_broke(
    summary: AccountSummary, tools: AccountServices
) -> None:
    tools.connecting.disconnect("acme", by="ada")

    ended = tools.summaries.summary("acme")

    assert ended.status == ConnectionStatus.DISCONNECTED
    assert ended.account.disconnected_at is not None
    assert (ended.expires_at, ended.token_kind, ended.scopes) == (None, None, None)


def test_an_account_whose_secret_is_not_known_any_more_cannot_be_used(
    tools: AccountServices, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    own = Application("their-own-key", "their-own-secret")
    sandbox.control(applications=[{"client_id": own.client_id, "client_secret": own.client_secret}])
    come_back(tools.connecting, sandbox, start(tools.connecting, application=own))
    assert tools.summaries.summary("acme").own_key
    assert standing(tools) == ConnectionStatus.CONNECTED

    redis_client.delete(keys.APPLICATIONS)

    assert standing(tools) == ConnectionStatus.UNUSABLE


def test_a_revoked_connection_has_no_next_refresh(
    summary: AccountSummary, tools: AccountServices, sandbox: SandboxServer, vault: TokenVault
) -> None:
    sandbox.control(revoke="all")
    with pytest.raises(Revoked):
        vault.refresh("acme")

    assert standing(tools) == ConnectionStatus.REVOKED
    found = tools.summaries.summary("acme")
    assert found.next_refresh_at is None
    assert found.end is not None
    assert found.end.at == found.expires_at
    [advice] = for_account("acme", found.holds, found)
    assert advice.urgent
    assert "are delivered until then" in advice.sentence
    tools.summaries.ledger.hold("acme", HoldReason.RECONNECT, by="test")
    assert tools.summaries.summary("acme").end is None


def test_a_secret_that_was_renewed_says_until_when_it_works(
    summary: AccountSummary, live_settings: Settings, redis_client: "redis.Redis"
) -> None:
    wrong = replace(live_settings, client_secret="the old one")
    tools = make_account_services(wrong, redis_client, lambda name: None)
    with pytest.raises(TokenUnavailable):
        tools.summaries.vault.refresh("acme")

    found = tools.summaries.summary("acme")

    assert found.status == ConnectionStatus.FAILING
    [advice] = for_account("acme", found.holds, found)
    assert advice.urgent
    assert "works until" in advice.sentence
    assert "Check CTCT_CLIENT_SECRET" in advice.sentence


def test_a_refresh_that_failed_is_told_and_forgotten_when_one_succeeds(
    summary: AccountSummary,
    tools: AccountServices,
    sandbox: SandboxServer,
    vault: TokenVault,
    redis_client: "redis.Redis",
) -> None:
    sandbox.control(path=TOKEN_PATH, status=503, count=1)
    with pytest.raises(TokenUnavailable):
        vault.refresh("acme")
    assert standing(tools) == ConnectionStatus.FAILING

    redis_client.hdel(f"{keys.account('acme')}tokens", "retry_at")  # as if the pause were over
    vault.refresh("acme")

    assert standing(tools) == ConnectionStatus.CONNECTED


def test_the_tokens_of_another_installation_are_told_apart_until_taken_over(
    summary: AccountSummary, live_settings: Settings, redis_client: "redis.Redis"
) -> None:
    redis_client.hset(f"{keys.account('acme')}tokens", mapping={"server": "another server"})
    staging = replace(live_settings, instance="https://staging.example.com")
    copy = make_account_services(staging, redis_client, lambda name: None)
    assert standing(copy) == ConnectionStatus.FOREIGN
    assert copy.summaries.summary("acme").owner == live_settings.instance

    copy.connecting.claim_ownership("acme")

    assert standing(copy) == ConnectionStatus.CONNECTED
    assert copy.summaries.summary("acme").owner == staging.instance


def test_all_cards_are_sorted_by_name(
    summary: AccountSummary, tools: AccountServices, sandbox: SandboxServer
) -> None:
    connect(tools.connecting, sandbox, "aardvark", organization="Blue Door Books")

    assert [each.account.name for each in tools.summaries.all()] == ["aardvark", "acme"]


def test_an_unknown_account_names_those_that_exist(
    tools: AccountServices, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    with pytest.raises(Refused, match="relay connect acne"):
        tools.summaries.summary("acne")
    connect(tools.connecting, sandbox)
    with pytest.raises(Refused, match="Known accounts: acme"):
        tools.summaries.summary("acne")
    assert Ledger(redis_client).figures("acne").accepted == 0
