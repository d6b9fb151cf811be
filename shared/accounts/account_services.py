"""All that can be done with accounts, made in one place for console, command line and doctor."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import redis

from shared.accounts.account_reads import AccountReads
from shared.accounts.account_summary import AccountSummaries
from shared.accounts.adoption import Adoption
from shared.accounts.client_links import Links
from shared.accounts.connecting import Connecting
from shared.accounts.handshakes import Handshakes
from shared.accounts.test_signups import TestSignups
from shared.constant_contact.factory import (
    make_applications,
    make_constant_contact,
    make_oauth,
    make_vault,
)
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.infrastructure.timestamps import utc_now
from shared.ledger.fingerprints import load_fingerprints
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountServices:
    """Everything that connects accounts and looks after them."""

    connecting: Connecting
    reads: AccountReads
    summaries: AccountSummaries
    trials: TestSignups


def make_account_services(
    settings: Settings, client: "redis.Redis", notify_workers: Callable[[str], None]
) -> AccountServices:
    """Return them; `notify_workers` asks the workers to look after an account."""
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
    return AccountServices(connecting=connecting, reads=reads, summaries=summaries, trials=trials)


def make_account_summaries(settings: Settings, client: "redis.Redis") -> AccountSummaries:
    return AccountSummaries(
        registry=Registry(client),
        vault=make_vault(settings, client),
        ledger=Ledger(client),
        default_client_id=settings.client_id,
        now=utc_now,
    )
