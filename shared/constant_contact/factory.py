"""Makes what reaches Constant Contact: applications, OAuth, tokens and the API client.

The connection is imported when it is made: `http.client` takes a while, and few commands need it.
"""

from typing import TYPE_CHECKING

import redis

from shared.constant_contact.applications import Application, Applications
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.pacing import Pacer
from shared.constant_contact.token_vault import TokenVault, wait_for_slot
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.stores.token_store import TokenLedger, TokenPace

if TYPE_CHECKING:
    from shared.constant_contact.connection import Connection


def make_applications(settings: Settings, client: "redis.Redis") -> Applications:
    """Return all API keys and secrets, the settings' own first."""
    default = Application(settings.client_id, settings.client_secret)
    return Applications(client, Sealer(settings.secret_keys), default, auth_url=settings.auth_url)


def make_oauth(settings: Settings, client: "redis.Redis", application: Application) -> OAuth:
    """Return the authorization server for one API key."""
    pace = TokenPace(client, application.client_id)
    return OAuth(
        settings.auth_url,
        application.client_id,
        application.client_secret,
        connect=_make_connection,
        grant=lambda: wait_for_slot(pace),
    )


def make_vault(settings: Settings, client: "redis.Redis") -> TokenVault:
    """Return the tokens of all accounts."""
    applications = make_applications(settings, client)

    def oauth(client_id: str) -> OAuth | None:
        application = applications.find(client_id)
        return make_oauth(settings, client, application) if application else None

    return TokenVault(
        TokenLedger(client),
        oauth,
        Sealer(settings.secret_keys),
        origin=settings.token_origin,
        instance=settings.instance,
        refresh_after=settings.token_refresh,
        now=utc_now,
    )


def make_constant_contact(
    settings: Settings, client: "redis.Redis", client_id: str
) -> ConstantContact:
    """Return a client of the API with a connection of its own, to be closed after use; its calls
    are counted for the API key `client_id`."""
    pacer = Pacer(client, settings, client_id)
    return ConstantContact(
        settings.api_url,
        _make_connection(),
        grant=pacer.grant,
        rest=pacer.rest,
        deadline=settings.send_deadline,
        now=utc_now,
    )


def _make_connection() -> "Connection":
    from shared.constant_contact.connection import Connection

    return Connection()
