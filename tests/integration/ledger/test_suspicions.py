"""Why a sign-up was quarantined is stored with it, and stays."""

from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from shared.domain.signup import ALONE, Signup, Suspicion
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept, claimed, suspicion

WHY = suspicion("links_in_name", "too_fast", score=14, links_in_name="spam.example")


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    Registry(redis_client).save_account(builders.account("acme"))
    return Ledger(redis_client)


def found(ledger: Ledger, id: str) -> Signup:
    signup = ledger.find(id, ["acme"])
    assert signup is not None
    return signup


def test_all_reasons_are_stored_with_what_caused_them(ledger: Ledger) -> None:
    caught = found(ledger, accept(ledger, quarantine=WHY).id)
    assert caught.quarantine == WHY
    assert (caught.reason, caught.reasons, caught.score) == ("links_in_name", WHY.reasons, 14)
    assert [caught.has_reason(each) for each in ("too_fast", "honeypot")] == [True, False]


def test_a_clean_one_has_none(ledger: Ledger) -> None:
    clean = found(ledger, accept(ledger).id)
    assert (clean.quarantine, clean.reasons, clean.score) == (None, (), None)


def test_they_stay_when_it_is_corrected_discarded_and_delivered(ledger: Ledger) -> None:
    caught = found(ledger, accept(ledger, quarantine=WHY).id)
    contact = replace(caught.contact, fields={"email_address": "new@example.com"})
    assert ledger.edit(caught, contact, person="person-new", change="{}")
    assert ledger.discard("acme", caught.id)
    assert found(ledger, caught.id).quarantine == WHY
    assert ledger.undo_discard("acme", caught.id)
    assert ledger.deliver_anyway(found(ledger, caught.id))
    due = found(ledger, caught.id)
    assert (due.quarantine, due.reason) == (WHY, None)
    assert claimed(ledger).contact.email == "new@example.com"


def test_the_script_adds_a_reason_of_its_own(ledger: Ledger) -> None:
    once = RateLimit(1, timedelta(days=1))
    accept(ledger, person_limit=once)
    repeated = found(ledger, accept(ledger, person_limit=once).id)
    assert repeated.quarantine == Suspicion(("repeated_address",), ALONE)


def test_a_record_of_an_earlier_version_has_its_reason_alone(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    id = accept(ledger, quarantine="honeypot").id
    key = f"relay:{{acme}}:signup:{id}"
    earlier = str(redis_client.get(key)).replace(
        ',"quarantine":{"reasons":["honeypot"],"score":100}', ""
    )
    assert "reasons" not in earlier
    redis_client.set(key, earlier)
    assert found(ledger, id).quarantine == Suspicion(("honeypot",), ALONE)
