"""All that can be done with accounts, made in one place for console, command line and doctor."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import redis

from shared.accounts.account_api import AccountApi
from shared.accounts.account_connector import AccountConnector
from shared.accounts.account_summary import AccountSummaries
from shared.accounts.application_calls import ApplicationCalls
from shared.accounts.browser_flow import MOST_STARTS, BrowserFlow
from shared.accounts.client_links import Links
from shared.accounts.connect_store import STATE_LIFE, ConnectStore
from shared.accounts.connecting import Connecting
from shared.accounts.device_flow import DeviceFlow
from shared.accounts.test_signups import TestSignups
from shared.accounts.token_import import TokenImport
from shared.constant_contact.factory import (
    make_applications,
    make_constant_contact,
    make_oauth,
    make_vault,
)
from shared.domain.window_counts import WindowCounts
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.fingerprints import load_fingerprints
from shared.ledger.stores.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServices:
    """Everything that connects accounts and looks after them."""

    connecting: Connecting
    api: AccountApi
    summaries: AccountSummaries
    test_signups: TestSignups


def make_account_services(
    settings: Settings, client: "redis.Redis", notify_workers: Callable[[str], None]
) -> AccountServices:
    """Return them; `notify_workers` asks the workers to look after an account."""
    api = AccountApi(
        client,
        Registry(client),
        make_vault(settings, client),
        Ledger(client),
        make_client=partial(make_constant_contact, settings, client),
        now=utc_now,
    )
    return AccountServices(
        connecting=_make_connecting(settings, client, notify_workers),
        api=api,
        summaries=make_account_summaries(settings, client),
        test_signups=TestSignups(
            client,
            Ledger(client),
            api,
            fingerprints=partial(load_fingerprints, client, Sealer(settings.secret_keys)),
            check_email=check_email,
            new_id=lambda: str(uuid.uuid4()),
            notify_workers=notify_workers,
            now=utc_now,
        ),
    )


def make_account_summaries(settings: Settings, client: "redis.Redis") -> AccountSummaries:
    return AccountSummaries(
        registry=Registry(client),
        vault=make_vault(settings, client),
        ledger=Ledger(client),
        default_client_id=settings.client_id,
        now=utc_now,
    )


def _make_connecting(
    settings: Settings, client: "redis.Redis", notify_workers: Callable[[str], None]
) -> Connecting:
    store = ConnectStore(client, Sealer(settings.secret_keys), settings.token_origin)
    calls = ApplicationCalls(
        applications=make_applications(settings, client),
        oauth=partial(make_oauth, settings, client),
        api=partial(make_constant_contact, settings, client),
    )
    connector = AccountConnector(
        registry=Registry(client),
        vault=make_vault(settings, client),
        calls=calls,
        store=store,
        ledger=Ledger(client),
        trail=AuditTrail(client),
        notify_workers=notify_workers,
        now=utc_now,
    )
    links = Links(client, secret_keys=settings.secret_keys, public_url=settings.public_url)
    uri = settings.redirect_uri
    return Connecting(
        browser=BrowserFlow(
            connector=connector,
            store=store,
            links=links,
            redirect_uri=uri,
            now=utc_now,
            starts_by_link=WindowCounts(MOST_STARTS, STATE_LIFE, clock=time.monotonic),
        ),
        device=DeviceFlow(connector=connector, redirect_uri=uri),
        tokens=TokenImport(connector=connector, store=store, redirect_uri=uri, now=utc_now),
        connector=connector,
        redirect_uri=uri,
        now=utc_now,
    )
