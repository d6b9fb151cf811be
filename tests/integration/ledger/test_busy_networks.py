"""A network that signs up many people at once, below the limit that refuses: what that adds to."""

from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.signup import Signup, Suspicion
from shared.infrastructure.addresses import wider_network
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept, claimed, suspicion

LIMIT = RateLimit(30, timedelta(minutes=1))
MANY = 9  # of one address; the next one's network is busy
ODD = suspicion("odd_name", "busy_network", score=10, odd_name="Bob 50 %")


class Crowd:
    """People who sign up, each another one."""

    def __init__(self, client: "redis.Redis") -> None:
        Registry(client).save_account(builders.account("acme"))
        self.ledger = Ledger(client)
        self._count = 0

    def come(self, address: str = "198.51.100.7", **fields: Any) -> Signup:
        self._count += 1
        network, place = wider_network(address)
        given = {"visitor": f"{network.replace(':', '-')}:{place}", "limit": LIMIT} | fields
        id = accept(self.ledger, f"{self._count}@example.com", **given).id
        found = self.ledger.find(id, ["acme"])
        assert found is not None
        return found

    def odd(self, address: str = "198.51.100.7", **fields: Any) -> Signup:
        return self.come(address, if_busy=ODD, **fields)


@pytest.fixture
def crowd(redis_client: "redis.Redis") -> Crowd:
    return Crowd(redis_client)


def test_many_of_one_address_make_what_is_odd_suspicious(crowd: Crowd) -> None:
    calm = [crowd.odd() for _ in range(MANY)]
    assert [each.quarantine for each in calm] == [None] * MANY
    caught = crowd.odd()
    assert caught.quarantine == ODD
    assert (caught.reason, caught.contact.email) == ("odd_name", "10@example.com")
    figures = crowd.ledger.figures("acme")
    assert (figures.due, figures.quarantined, figures.accepted) == (MANY, 1, MANY + 1)


def test_a_class_behind_one_address_gets_through(crowd: Crowd) -> None:
    assert {crowd.come().quarantine for _ in range(LIMIT.count)} == {None}


def test_another_address_is_not_busy_but_a_whole_network_may_be(crowd: Crowd) -> None:
    for _ in range(MANY + 1):
        crowd.come()
    assert crowd.odd("198.51.100.8").quarantine is None
    assert crowd.odd("203.0.113.7").quarantine is None
    for number in range(9, 90):
        crowd.come(f"198.51.100.{number}")
    assert crowd.odd("198.51.100.99").quarantine == ODD


def test_an_ipv6_network_counts_as_one_visitor(crowd: Crowd) -> None:
    for number in range(MANY):
        crowd.come(f"2001:db8:0:7::{number + 1:x}")
    assert crowd.odd("2001:db8:0:8::1").quarantine is None
    assert crowd.odd("2001:db8:0:7::ffff").quarantine == ODD


def test_a_few_are_a_family_however_low_the_limit_is(crowd: Crowd) -> None:
    low = RateLimit(10, timedelta(minutes=1))
    assert {crowd.odd(limit=low).quarantine for _ in range(5)} == {None}
    assert crowd.odd(limit=low).quarantine == ODD


def test_without_a_limit_no_network_is_busy(crowd: Crowd) -> None:
    for _ in range(2 * MANY):
        assert crowd.odd(limit=None).quarantine is None


def test_a_visitors_own_repeats_make_no_network_busy(crowd: Crowd) -> None:
    consent = builders.submission().consent
    for _ in range(3 * MANY):
        accept(crowd.ledger, digest="same", visitor="here:7", limit=LIMIT, consent=consent)
    assert crowd.odd(visitor="here:7").quarantine is None


def test_what_a_trap_caught_keeps_its_own_reasons(crowd: Crowd) -> None:
    for _ in range(MANY):
        crowd.come()
    assert crowd.come(quarantine="honeypot").quarantine == suspicion("honeypot")


def test_a_second_try_passes_when_the_network_is_calm(
    crowd: Crowd, redis_client: "redis.Redis"
) -> None:
    """Its content is no mark, as that of everything that looks like spam."""
    for _ in range(MANY):
        crowd.come()
    assert crowd.odd(digest="same", idempotency_key="k").quarantine == ODD
    redis_client.delete(*redis_client.keys("relay:visitors:*"))
    again = crowd.odd(digest="same", idempotency_key="l")
    assert again.quarantine is None
    assert again.contact.email == f"{MANY + 2}@example.com"


def test_an_operator_delivers_it_as_it_came(crowd: Crowd) -> None:
    for _ in range(MANY):
        crowd.come()
    caught = crowd.odd()
    assert crowd.ledger.deliver_anyway(caught)
    claims = [claimed(crowd.ledger) for _ in range(MANY + 1)]
    assert caught.id in {claim.id for claim in claims}
    found = crowd.ledger.find(caught.id, ["acme"])
    assert found and found.quarantine == Suspicion(ODD.reasons, 10, ODD.seen)
