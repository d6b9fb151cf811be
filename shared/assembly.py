"""Puts together what worker, web and the command line all need to reach Constant Contact."""

from collections.abc import Callable
from datetime import UTC, datetime

import redis

from shared.connecting import Connecting
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.connection import Connection
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.pacing import Pacer
from shared.constant_contact.tokens import TokenVault, wait_for_slot
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.ledger.tokens import TokenLedger, TokenPace
from shared.sealing import Sealer
from shared.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


def make_oauth(settings: Settings, client: "redis.Redis") -> OAuth:
    """Return the authorization server for the settings' API key."""
    pace = TokenPace(client, settings.client_id)
    return OAuth(
        settings.auth_url,
        settings.client_id,
        settings.client_secret,
        connect=Connection,
        grant=lambda: wait_for_slot(pace),
    )


def make_vault(settings: Settings, client: "redis.Redis") -> TokenVault:
    """Return the tokens of all accounts."""
    return TokenVault(
        TokenLedger(client),
        make_oauth(settings, client),
        Sealer(settings.secret_keys),
        client_id=settings.client_id,
        refresh_after=settings.token_refresh,
        now=utc_now,
    )


def make_connecting(
    settings: Settings, client: "redis.Redis", wake: Callable[[str], None]
) -> Connecting:
    """Return the use case of connecting accounts; `wake` nudges the workers for one."""
    return Connecting(
        client,
        Registry(client),
        make_vault(settings, client),
        make_oauth(settings, client),
        Sealer(settings.secret_keys),
        Ledger(client),
        api=lambda: make_constant_contact(settings, client),
        wake=wake,
        client_id=settings.client_id,
        redirect_uri=settings.redirect_uri,
        now=utc_now,
    )


def make_constant_contact(settings: Settings, client: "redis.Redis") -> ConstantContact:
    """Return a client of the API with a connection of its own, to be closed after use."""
    return ConstantContact(
        settings.api_url,
        Connection(),
        grant=Pacer(client, settings).grant,
        deadline=settings.send_deadline,
        now=utc_now,
    )
