"""Delivering from the quarantine: whose workers are notified, and what happens in between."""

import pytest
import redis

from shared.domain.signup import Contact, State
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.factory import make_operations
from shared.operations.quarantine import Quarantine
from shared.operations.selection import Selection
from tests.support import builders
from tests.support.builders import accept, claimed

ALL = Selection(all=True)


@pytest.fixture
def notified() -> list[str]:
    return []


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    for name in ("acme", "blue", "calm"):
        Registry(redis_client).save_account(builders.account(name))
    return Ledger(redis_client)


@pytest.fixture
def quarantine(
    settings: Settings, redis_client: "redis.Redis", ledger: Ledger, notified: list[str]
) -> Quarantine:
    return make_operations(settings, redis_client, notified.append).quarantine


def test_the_workers_of_each_account_are_notified_once(
    quarantine: Quarantine, ledger: Ledger, notified: list[str]
) -> None:
    for account in ("acme", "blue", "acme"):
        accept(ledger, account=account, quarantine="honeypot")
    no_address = Contact(fields={"email_address": ""})
    accept(ledger, account="calm", contact=no_address, quarantine="honeypot")
    delivered = quarantine.deliver(quarantine.chosen(ALL))
    assert (len(delivered.due), len(delivered.refused)) == (3, 1)
    assert notified == ["acme", "blue"]


def test_one_persons_signups_keep_the_order_in_which_they_came(
    quarantine: Quarantine, ledger: Ledger
) -> None:
    ids = [accept(ledger, id=str(number), quarantine="honeypot").id for number in range(3)]
    delivered = quarantine.deliver(quarantine.chosen(Selection(ids=("2", "0", "1"))))
    assert delivered.due == ids  # a lane may claim the first before the others are due
    order = []
    for _ in ids:
        claim = claimed(ledger)
        order.append(claim.id)
        ledger.deliver(claim, builders.attempt(), contact_id="c", action="created")
    assert order == ids


def test_what_another_operator_has_done_meanwhile_stays_done(
    quarantine: Quarantine, ledger: Ledger, notified: list[str]
) -> None:
    id = accept(ledger, quarantine="honeypot").id
    chosen = quarantine.chosen(ALL)
    ledger.discard("acme", id)
    delivered = quarantine.deliver(chosen)
    assert (delivered.due, list(delivered.refused), notified) == ([], [id], [])
    found = ledger.find(id, ["acme"])
    assert found is not None
    assert found.state == State.DISCARDED
