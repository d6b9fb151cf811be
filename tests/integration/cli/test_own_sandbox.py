"""`relay up` starts no sandbox beside real accounts, and follows its own one to another port."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from relay.start.own_sandbox import (
    CONSTANT_CONTACT,
    OwnSandbox,
    check_public_url,
    how_others_come,
)
from shared.constant_contact.applications import Application
from shared.constant_contact.factory import make_applications
from shared.domain.errors import Refused
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Bind, Settings
from shared.ledger.stores import documents
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.token_store import Owner, SealedPair, TokenLedger
from tests.support import builders

OWN_KEY = "own-key"


def origin(port: int) -> TokenOrigin:
    address = f"http://127.0.0.1:{port}"
    return TokenOrigin(api_url=f"{address}/v3", auth_url=f"{address}/oauth2/default/v1")


@pytest.fixture
def up(settings: Settings, redis_client: "redis.Redis", tmp_path: Path) -> OwnSandbox:
    return on_port(OwnSandbox(settings=settings, client=redis_client), 8090, tmp_path)


def on_port(up: OwnSandbox, port: int, folder: Path | None = None) -> OwnSandbox:
    """Return a start whose sandbox listens on `port`."""
    settings = replace(
        up.settings,
        client_id="sandbox-key",
        api_url=origin(port).api_url,
        auth_url=origin(port).auth_url,
        data_dir=folder or up.settings.data_dir,
    )
    return replace(up, settings=settings)


def connect(
    up: OwnSandbox, name: str, where: TokenOrigin | None, client_id: str = "sandbox-key"
) -> None:
    """Have an account with tokens from `where`; None is a version that noted no address."""
    Registry(up.client).save_account(builders.account(name, client_id=client_id))
    pair = SealedPair(
        access="access",
        refresh="refresh",
        digest="digest",
        life=up.settings.token_refresh,
        scopes=None,
        client_id=client_id,
    )
    owner = Owner("here", "server")
    TokenLedger(up.client).store(name, pair, owner, origin=where or origin(1), spent="")
    if where is None:
        up.client.hdel(f"relay:{{{name}}}:tokens", "origin")


def origin_of(up: OwnSandbox, name: str) -> TokenOrigin | None:
    stored = TokenLedger(up.client).read(name)
    assert stored is not None
    return stored.origin


@pytest.mark.parametrize(
    ("where", "client_id"),
    [
        pytest.param(CONSTANT_CONTACT, OWN_KEY, id="Constant Contact"),
        pytest.param(CONSTANT_CONTACT, "sandbox-key", id="even with the sandbox's key"),
        pytest.param(origin(7777), OWN_KEY, id="another server on this machine"),
        pytest.param(None, OWN_KEY, id="an older version's, with a key of its own"),
    ],
)
def test_no_sandbox_starts_beside_a_real_account(
    up: OwnSandbox, where: TokenOrigin | None, client_id: str
) -> None:
    connect(up, "demo", origin(8090))
    connect(up, "acme", where, client_id)

    with pytest.raises(Refused, match=r"are not the sandbox's: acme\. .* relay up --sandbox$"):
        up.check_no_real_account()


def test_a_disconnected_account_is_judged_by_its_key(up: OwnSandbox) -> None:
    Registry(up.client).save_account(builders.account("demo", client_id="sandbox-key"))
    up.check_no_real_account()
    Registry(up.client).save_account(builders.account("acme", client_id=OWN_KEY))
    with pytest.raises(Refused, match="acme"):
        up.check_no_real_account()


def test_the_sandboxs_accounts_follow_it_from_port_to_port(up: OwnSandbox) -> None:
    up.keep_apart()
    connect(up, "demo", origin(8090))
    make_applications(up.settings, up.client).keep(Application(OWN_KEY, "own-secret"))
    connect(up, "bakery", origin(8090), OWN_KEY)

    for port in (8091, 8092, 8090):
        next_start = on_port(up, port)
        next_start.check_no_real_account()
        next_start.keep_apart()

        assert origin_of(up, "demo") == origin_of(up, "bakery") == origin(port)
        assert make_applications(next_start.settings, up.client).find(OWN_KEY)


def test_its_accounts_follow_it_without_the_folder_that_knew_where_it_was(up: OwnSandbox) -> None:
    connect(up, "demo", origin(7777))
    up.check_no_real_account()
    up.keep_apart()
    assert origin_of(up, "demo") == origin(8090)


def test_a_sandbox_that_was_asked_for_gets_no_real_tokens(up: OwnSandbox) -> None:
    connect(up, "acme", CONSTANT_CONTACT, OWN_KEY)
    connect(up, "older", None, OWN_KEY)
    sealed = Sealer(up.settings.secret_keys).seal("own-secret")
    documents.applications(up.client).save(OWN_KEY, sealed)

    up.keep_apart()

    assert origin_of(up, "acme") == origin_of(up, "older") == CONSTANT_CONTACT
    assert make_applications(up.settings, up.client).find(OWN_KEY) is None
    real = replace(up.settings, auth_url=CONSTANT_CONTACT.auth_url)
    assert make_applications(real, up.client).find(OWN_KEY)


@pytest.mark.parametrize(
    ("public_url", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080/signup", True),
        ("http://[::1]:8080", True),
        ("https://signup.example.com", False),
        ("http://192.168.1.5:8080", False),
        ("http://127.0.0.1.example.com", False),
    ],
)
def test_visitors_are_not_led_to_a_sandbox(
    settings: Settings, public_url: str, loopback: bool
) -> None:
    if loopback:
        check_public_url(replace(settings, public_url=public_url))
        return
    with pytest.raises(Refused, match="CTCT_CLIENT_SECRET"):
        check_public_url(replace(settings, public_url=public_url))


@pytest.mark.parametrize(
    ("changed", "how"),
    [
        ({}, None),
        ({"bind": Bind("0.0.0.0", 8080)}, "RELAY_BIND is 0.0.0.0:8080"),  # noqa: S104 - only named
        ({"bind": Bind("::", 8080)}, "RELAY_BIND is [::]:8080"),
        ({"trusted_proxies": 1}, "RELAY_TRUSTED_PROXIES is 1"),
    ],
)
def test_other_ways_in_are_named(
    settings_with: Callable[..., Settings], changed: dict[str, Any], how: str | None
) -> None:
    assert how_others_come(settings_with(**changed)) == how
