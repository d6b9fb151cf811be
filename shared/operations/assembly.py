"""Puts together what worker, web and the command line all need to reach Constant Contact."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import redis

from shared.accounts.account_reads import AccountReads
from shared.accounts.account_summary import AccountSummaries
from shared.accounts.adoption import Adoption
from shared.accounts.client_links import Links
from shared.accounts.connecting import Connecting
from shared.accounts.handshakes import Handshakes
from shared.accounts.test_signups import TestSignups
from shared.constant_contact.applications import Application, Applications
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.connection import Connection
from shared.constant_contact.oauth import OAuth
from shared.constant_contact.pacing import Pacer, pace_rules
from shared.constant_contact.token_vault import TokenVault, wait_for_slot
from shared.domain.replay import ReplayPace
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.fingerprints import load_fingerprints
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.ledger.replays import Replays
from shared.ledger.token_store import TokenLedger, TokenPace
from shared.operations.operations import Operations


def utc_now() -> datetime:
    return datetime.now(UTC)


def make_applications(settings: Settings, client: "redis.Redis") -> Applications:
    """Return all API keys and secrets, the settings' own first."""
    default = Application(settings.client_id, settings.client_secret)
    return Applications(client, Sealer(settings.secret_keys), default)


def make_oauth(settings: Settings, client: "redis.Redis", application: Application) -> OAuth:
    """Return the authorization server for one API key."""
    pace = TokenPace(client, application.client_id)
    return OAuth(
        settings.auth_url,
        application.client_id,
        application.client_secret,
        connect=Connection,
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
        instance=settings.instance,
        refresh_after=settings.token_refresh,
        now=utc_now,
    )


def make_replays(settings: Settings, client: "redis.Redis") -> Replays:
    rules = pace_rules(settings)
    pace = ReplayPace.of(
        requests_per_second=rules.requests_per_second, deliveries_per_day=rules.deliveries_per_day
    )
    return Replays(client, pace)


def make_operations(
    settings: Settings, client: "redis.Redis", notify_workers: Callable[[str], None]
) -> Operations:
    return Operations(
        Ledger(client),
        Registry(client),
        make_replays(settings, client),
        fingerprints=partial(load_fingerprints, client, Sealer(settings.secret_keys)),
        check_email=check_email,
        now=utc_now,
        notify_workers=notify_workers,
    )


def make_constant_contact(
    settings: Settings, client: "redis.Redis", client_id: str
) -> ConstantContact:
    """Return a client of the API with a connection of its own, to be closed after use; its calls
    are counted for the API key `client_id`."""
    pacer = Pacer(client, settings, client_id)
    return ConstantContact(
        settings.api_url,
        Connection(),
        grant=pacer.grant,
        rest=pacer.rest,
        deadline=settings.send_deadline,
        now=utc_now,
    )


def make_account_summaries(settings: Settings, client: "redis.Redis") -> AccountSummaries:
    return AccountSummaries(
        registry=Registry(client),
        vault=make_vault(settings, client),
        ledger=Ledger(client),
        default_client_id=settings.client_id,
        now=utc_now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTools:
    """All that can be done with accounts, by console and command line alike."""

    connecting: Connecting
    reads: AccountReads
    summaries: AccountSummaries
    trials: TestSignups


def make_account_tools(
    settings: Settings, client: "redis.Redis", notify_workers: Callable[[str], None]
) -> AccountTools:
    """Return the tools; `wake` nudges the workers for one account."""
    sealer = Sealer(settings.secret_keys)
    ledger, registry = Ledger(client), Registry(client)
    vault = make_vault(settings, client)
    api = partial(make_constant_contact, settings, client)
    reads = AccountReads(client, registry, vault, ledger, api=api, now=utc_now)
    handshakes, applications = Handshakes(client, sealer), make_applications(settings, client)
    adoption = Adoption(
        registry=registry,
        vault=vault,
        applications=applications,
        handshakes=handshakes,
        ledger=ledger,
        oauth=partial(make_oauth, settings, client),
        api=api,
        notify_workers=notify_workers,
        now=utc_now,
    )
    connecting = Connecting(
        adoption=adoption,
        registry=registry,
        applications=applications,
        handshakes=handshakes,
        links=Links(client, secret_keys=settings.secret_keys, public_url=settings.public_url),
        redirect_uri=settings.redirect_uri,
        now=utc_now,
    )
    summaries = make_account_summaries(settings, client)
    trials = TestSignups(
        client,
        ledger,
        reads,
        fingerprints=partial(load_fingerprints, client, sealer),
        check_email=check_email,
        new_id=lambda: str(uuid.uuid4()),
        notify_workers=notify_workers,
        now=utc_now,
    )
    return AccountTools(connecting=connecting, reads=reads, summaries=summaries, trials=trials)
