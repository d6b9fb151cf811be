"""The tokens' owner: a copy of the data refreshes nothing, and the installation itself always may.

Two real servers: one is production's, the other has a copy of its data, as for staging.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.constant_contact.factory import make_vault
from shared.constant_contact.token_set import TokenSet
from shared.constant_contact.token_vault import TokenVault
from shared.domain.errors import NotOurs, TokenUnavailable
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.stores.token_store import Owner
from tests.support.sandbox_server import SandboxServer
from tests.support.valkey_server import ValkeyServer

PRODUCTION = "https://signup.example.com"
STAGING = "https://staging.example.com"
TOKENS = f"{keys.account('acme')}tokens"

MakeVault = Callable[..., TokenVault]


@pytest.fixture
def sandbox(running_sandbox: SandboxServer) -> SandboxServer:
    """Without the limit at the token endpoint: two servers know nothing of each other's pace."""
    running_sandbox.reset()
    running_sandbox.control(rates={"token_requests_per_second": 1000})
    return running_sandbox


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """Production's server, with its append-only file."""
    with ValkeyServer(tmp_path / "production") as running:
        yield running


@pytest.fixture
def another_server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "staging") as running:
        yield running


@pytest.fixture
def vault_on(live_settings: Settings) -> Iterator[MakeVault]:
    """Make a vault as a process of the installation `instance` has it on a server."""
    clients: list[Any] = []

    def make(server: ValkeyServer, instance: str = PRODUCTION, database: int = 0) -> TokenVault:
        clients.append(server.client(database))
        return make_vault(replace(live_settings, instance=instance), clients[-1])

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def connected(server: ValkeyServer, vault_on: MakeVault, sandbox: SandboxServer) -> TokenVault:
    """Production's vault, with the account `acme` connected."""
    vault = vault_on(server)
    tokens = TokenSet.from_json(sandbox.connect())
    assert tokens is not None
    vault.store("acme", tokens, client_id=sandbox.client_id)
    return vault


def copy(source: ValkeyServer, target: ValkeyServer, database: int = 0) -> None:
    """Copy all data, as a backup that is restored elsewhere does."""
    with source.client() as old, target.client(database) as new:
        binary: Any = redis.Redis.from_url(source.url())
        with binary:
            for key in old.scan_iter():
                new.restore(str(key), 0, binary.dump(key), replace=True)


def test_a_copy_refreshes_nothing_and_says_whose_tokens_they_are(
    connected: TokenVault,
    server: ValkeyServer,
    another_server: ValkeyServer,
    vault_on: MakeVault,
    sandbox: SandboxServer,
) -> None:
    copy(server, another_server)
    staging = vault_on(another_server, STAGING)

    with pytest.raises(NotOurs, match="take-over acme") as refusal:
        staging.refresh("acme")

    assert PRODUCTION in str(refusal.value)
    assert STAGING in str(refusal.value)
    assert staging.is_foreign(staging.stored("acme"))
    assert sandbox.stats()["token_calls"] == 0
    assert connected.refresh("acme").version == 2


def test_no_way_to_a_newer_token_is_open_to_a_copy(
    connected: TokenVault,
    server: ValkeyServer,
    another_server: ValkeyServer,
    vault_on: MakeVault,
    sandbox: SandboxServer,
) -> None:
    copy(server, another_server)
    staging = vault_on(another_server, STAGING)
    with pytest.raises(NotOurs):
        staging.renew("acme", 1)
    with another_server.client() as client:
        grow_older(client, hours=23)
    with pytest.raises(NotOurs):
        staging.refresh_due("acme")
    with another_server.client() as client:
        grow_older(client, hours=2)
    with pytest.raises(NotOurs):
        staging.fresh("acme")

    assert sandbox.stats()["token_calls"] == 0


def test_a_copy_uses_the_access_token_while_it_lasts(
    connected: TokenVault,
    server: ValkeyServer,
    another_server: ValkeyServer,
    vault_on: MakeVault,
) -> None:
    copy(server, another_server)
    staging = vault_on(another_server, STAGING)
    assert staging.fresh("acme").access == connected.stored_token("acme").access
    with another_server.client() as client:
        grow_older(client, hours=23, minutes=58)  # nearly over, when others would refresh it

    assert staging.fresh("acme").access == connected.stored_token("acme").access


def test_who_takes_over_refreshes_from_then_on_and_the_other_does_not(
    connected: TokenVault,
    server: ValkeyServer,
    another_server: ValkeyServer,
    vault_on: MakeVault,
) -> None:
    copy(server, another_server)
    moved = vault_on(another_server, STAGING)

    moved.claim_ownership("acme")

    assert moved.refresh("acme").version == 2
    assert owner(moved) == Owner(STAGING, server_id(another_server))
    copy(another_server, server)
    with pytest.raises(NotOurs, match=STAGING):
        connected.refresh("acme")


def test_the_same_installation_goes_on_after_a_restart_of_its_server(
    connected: TokenVault, server: ValkeyServer, vault_on: MakeVault
) -> None:
    before = owner(connected)
    server.stop()
    server.start()
    restarted = vault_on(server)

    restarted.refresh_due("acme")

    assert owner(restarted) == Owner(PRODUCTION, server_id(server))
    assert owner(restarted) != before
    assert restarted.refresh("acme").version == 2


def test_after_a_restart_a_process_with_other_settings_is_known_again(
    connected: TokenVault, server: ValkeyServer, vault_on: MakeVault
) -> None:
    server.kill()
    server.start()
    other_name = vault_on(server, "http://127.0.0.1:8080")
    with pytest.raises(NotOurs):
        other_name.refresh("acme")

    vault_on(server).refresh_due("acme")

    assert other_name.refresh("acme").version == 2


def test_another_name_on_the_same_server_is_no_copy_and_leaves_the_owner(
    connected: TokenVault, server: ValkeyServer, vault_on: MakeVault
) -> None:
    other_name = vault_on(server, "http://127.0.0.1:8080")

    other_name.refresh_due("acme")
    assert other_name.refresh("acme").version == 2

    assert owner(connected) == Owner(PRODUCTION, server_id(server))


def test_a_copy_in_another_database_of_the_same_server_is_a_copy(
    connected: TokenVault, server: ValkeyServer, vault_on: MakeVault
) -> None:
    copy(server, server, database=3)

    with pytest.raises(NotOurs):
        vault_on(server, STAGING, database=3).refresh("acme")


def test_tokens_of_an_older_version_belong_to_the_first_that_looks(
    connected: TokenVault,
    server: ValkeyServer,
    another_server: ValkeyServer,
    vault_on: MakeVault,
) -> None:
    with server.client() as client:
        client.hdel(TOKENS, "instance", "server")

    assert not connected.refresh_due("acme")

    assert owner(connected) == Owner(PRODUCTION, server_id(server))
    copy(server, another_server)
    with pytest.raises(NotOurs):
        vault_on(another_server, STAGING).refresh("acme")


def test_tokens_of_an_older_version_get_their_owner_with_the_first_refresh(
    connected: TokenVault, server: ValkeyServer
) -> None:
    with server.client() as client:
        client.hdel(TOKENS, "instance", "server")

    connected.refresh("acme")

    assert owner(connected) == Owner(PRODUCTION, server_id(server))


def test_where_the_server_does_not_tell_its_id_the_name_decides(
    connected: TokenVault, server: ValkeyServer, vault_on: MakeVault
) -> None:
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-info")
    vault_on(server).refresh_due("acme")
    assert owner(connected) == Owner(PRODUCTION, "")

    with pytest.raises(NotOurs):
        vault_on(server, STAGING).refresh("acme")
    assert connected.refresh("acme").version == 2


def test_taking_over_ends_the_pause_after_failures(
    connected: TokenVault, sandbox: SandboxServer
) -> None:
    sandbox.control(path="/oauth2", status=503, count=1)
    with pytest.raises(TokenUnavailable, match="HTTP 503"):
        connected.refresh("acme")

    connected.claim_ownership("acme")

    assert connected.refresh("acme").version == 2


def owner(vault: TokenVault) -> Owner | None:
    return vault.stored("acme").owner


def server_id(server: ValkeyServer) -> str:
    with server.client() as client:
        return f"{client.info('server')['run_id']}/0"


def grow_older(client: "redis.Redis", *, hours: int = 0, minutes: int = 0) -> None:
    """Make the stored tokens older, as Redis' clock cannot be turned."""
    for name in ("received_at", "expires_at"):
        client.hincrby(TOKENS, name, -(hours * 60 + minutes) * 60_000)
