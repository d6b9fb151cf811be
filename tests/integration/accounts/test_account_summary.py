"""Account cards: whose account it is, and how it stands with its connection."""

from dataclasses import replace

import pytest
import redis

from shared.accounts.account_summary import AccountCard, Standing
from shared.constant_contact.applications import Application
from shared.constant_contact.token_vault import TokenVault
from shared.domain.account import HoldReason
from shared.domain.errors import Refused, Revoked, TokenUnavailable
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.operations.assembly import AccountTools, make_account_tools
from tests.support.connections import TOKEN_PATH, come_back, connect, start
from tests.support.sandbox_server import SandboxServer


@pytest.fixture
def card(tools: AccountTools, sandbox: SandboxServer) -> AccountCard:
    """The card of `acme`, which was just connected."""
    connect(tools.connecting, sandbox)
    return tools.cards.card("acme")


def standing(tools: AccountTools) -> Standing:
    return tools.cards.card("acme").standing


def test_a_card_tells_all_about_a_connection(
    card: AccountCard, tools: AccountTools, sandbox: SandboxServer, live_settings: Settings
) -> None:
    assert card.standing == Standing.CONNECTED
    assert card.account.organization == "Acme Bakery"
    assert card.account.connected_by == "ada"
    assert card.key_tail == f"…{sandbox.client_id[-4:]}"
    assert not card.own_key
    assert card.scopes is not None
    assert "contact_data" in card.scopes
    assert card.token_kind == "rotating"
    assert card.owner == live_settings.instance
    assert card.refreshed_at is not None
    assert card.next_refresh_at is not None
    assert card.expires_at is not None
    assert card.refreshed_at < card.next_refresh_at < card.expires_at
    assert card.last_success_at is not None
    assert card.last_success_at <= card.refreshed_at
    tools.reads.lists("acme")
    assert tools.cards.card("acme").last_success_at is not None


def test_a_card_for_scripts_has_plain_values(card: AccountCard) -> None:
    document = card.to_dict()

    assert document["name"] == "acme"
    assert document["standing"] == "connected"
    assert document["expires_at"].endswith("Z")
    assert document["scopes"] == sorted(document["scopes"])
    assert document["holds"] == []
    assert card.account.client_id == document["client_id"]


def test_no_secret_and_no_address_is_in_the_repr_of_a_card(
    card: AccountCard, vault: TokenVault
) -> None:
    for secret in (vault.current("acme").access, str(card.account.contact_email)):
        assert secret not in repr(card)


def test_holds_are_on_the_card(card: AccountCard, tools: AccountTools) -> None:
    ledger = tools.cards.ledger
    ledger.hold("acme", HoldReason.PAUSED, by="ada", note="for the move")

    assert [hold.note for hold in tools.cards.card("acme").holds] == ["for the move"]


def test_a_disconnected_account_is_told_apart_from_one_that_broke(
    card: AccountCard, tools: AccountTools
) -> None:
    tools.connecting.disconnect("acme", by="ada")

    ended = tools.cards.card("acme")

    assert ended.standing == Standing.DISCONNECTED
    assert ended.account.disconnected_at is not None
    assert (ended.expires_at, ended.token_kind, ended.scopes) == (None, None, None)


def test_an_account_whose_secret_is_not_known_any_more_cannot_be_used(
    tools: AccountTools, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    own = Application("their-own-key", "their-own-secret")
    sandbox.control(applications=[{"client_id": own.client_id, "client_secret": own.client_secret}])
    come_back(tools.connecting, sandbox, start(tools.connecting, application=own))
    assert tools.cards.card("acme").own_key
    assert standing(tools) == Standing.CONNECTED

    redis_client.delete(keys.APPLICATIONS)

    assert standing(tools) == Standing.UNUSABLE


def test_a_revoked_connection_has_no_next_refresh(
    card: AccountCard, tools: AccountTools, sandbox: SandboxServer, vault: TokenVault
) -> None:
    sandbox.control(revoke="all")
    with pytest.raises(Revoked):
        vault.refresh("acme")

    assert standing(tools) == Standing.REVOKED
    assert tools.cards.card("acme").next_refresh_at is None


def test_a_refresh_that_failed_is_told_and_forgotten_when_one_succeeds(
    card: AccountCard,
    tools: AccountTools,
    sandbox: SandboxServer,
    vault: TokenVault,
    redis_client: "redis.Redis",
) -> None:
    sandbox.control(path=TOKEN_PATH, status=503, count=1)
    with pytest.raises(TokenUnavailable):
        vault.refresh("acme")
    assert standing(tools) == Standing.FAILING

    redis_client.hdel(f"{keys.account('acme')}tokens", "retry_at")  # as if the pause were over
    vault.refresh("acme")

    assert standing(tools) == Standing.CONNECTED


def test_the_tokens_of_another_installation_are_told_apart_until_taken_over(
    card: AccountCard, live_settings: Settings, redis_client: "redis.Redis"
) -> None:
    redis_client.hset(f"{keys.account('acme')}tokens", mapping={"server": "another server"})
    staging = replace(live_settings, instance="https://staging.example.com")
    copy = make_account_tools(staging, redis_client, lambda name: None)
    assert standing(copy) == Standing.FOREIGN
    assert copy.cards.card("acme").owner == live_settings.instance

    copy.connecting.take_over("acme")

    assert standing(copy) == Standing.CONNECTED
    assert copy.cards.card("acme").owner == staging.instance


def test_all_cards_are_sorted_by_name(
    card: AccountCard, tools: AccountTools, sandbox: SandboxServer
) -> None:
    connect(tools.connecting, sandbox, "aardvark", organization="Blue Door Books")

    assert [each.account.name for each in tools.cards.all()] == ["aardvark", "acme"]


def test_an_unknown_account_names_those_that_exist(
    tools: AccountTools, sandbox: SandboxServer, redis_client: "redis.Redis"
) -> None:
    with pytest.raises(Refused, match="none yet"):
        tools.cards.card("acne")
    connect(tools.connecting, sandbox)
    with pytest.raises(Refused, match="connected: acme"):
        tools.cards.card("acne")
    assert Ledger(redis_client).figures("acne").accepted == 0
