"""Why a sign-up was quarantined is stored with it, and stays."""

from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from shared.domain.errors import VisitorLimited
from shared.domain.signup import ALONE, Signup, Suspicion
from shared.infrastructure.settings import RateLimit
from shared.ledger.ledger import Ledger
from shared.ledger.limits import SOLUTION_LIFE
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept, bury, claimed, suspicion

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


# --- a captcha's solution counts for one sign-up, and only if that was accepted

SOLUTION = "0123456789abcdef" * 4
SOLVED = f"relay:{{acme}}:solved:{SOLUTION}"


def test_a_second_sign_up_with_it_is_quarantined(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    first = accept(ledger, "ada@example.com", solution=SOLUTION)
    second = accept(ledger, "bob@example.com", solution=SOLUTION)
    assert (found(ledger, first.id).state, found(ledger, second.id).state) == (
        "queued",
        "quarantined",
    )
    assert found(ledger, second.id).reasons == ("captcha",)
    assert not second.duplicate and not second.notify_workers
    left = timedelta(milliseconds=redis_client.pttl(SOLVED))
    assert SOLUTION_LIFE - timedelta(minutes=1) < left <= SOLUTION_LIFE


def test_a_repeat_of_the_same_sign_up_is_none(ledger: Ledger) -> None:
    first = accept(ledger, solution=SOLUTION, digest="content")
    again = accept(ledger, solution=SOLUTION, digest="content")
    assert (again.id, again.duplicate) == (first.id, True)


def test_one_that_was_not_accepted_leaves_it_good(ledger: Ledger) -> None:
    limit = RateLimit(1, timedelta(minutes=1))
    accept(ledger, "bob@example.com", visitor="net:1", limit=limit)
    with pytest.raises(VisitorLimited):
        accept(ledger, solution=SOLUTION, visitor="net:1", limit=limit)
    later = accept(ledger, solution=SOLUTION, visitor="net:2", limit=limit)
    assert found(ledger, later.id).state == "queued"


def test_one_that_is_quarantined_for_another_reason_leaves_it_good(ledger: Ledger) -> None:
    accept(ledger, solution=SOLUTION, quarantine=suspicion("honeypot"))
    assert found(ledger, accept(ledger, solution=SOLUTION).id).state == "queued"


def test_a_clean_second_try_with_a_new_solution_passes(ledger: Ledger) -> None:
    accept(ledger, "bob@example.com", solution=SOLUTION)
    caught = accept(ledger, solution=SOLUTION, digest="content")
    tried_again = accept(ledger, solution="another", digest="content")
    assert tried_again.id != caught.id
    assert found(ledger, tried_again.id).state == "queued"


def test_without_one_nothing_is_stored_of_it(ledger: Ledger, redis_client: "redis.Redis") -> None:
    accept(ledger)
    assert not list(redis_client.scan_iter("*:solved:*"))


def test_a_dead_letter_was_not_quarantined_for_a_reason_that_only_another_version_knows(
    ledger: Ledger, redis_client: "redis.Redis"
) -> None:
    key = f"relay:{{acme}}:signup:{bury(ledger)}"
    of_tomorrow = str(redis_client.get(key)).replace('"rejected"', '"of_tomorrow"')
    redis_client.set(key, of_tomorrow)
    dead = found(ledger, key.rpartition(":")[2])
    assert (dead.reason, dead.quarantine) == ("of_tomorrow", None)
