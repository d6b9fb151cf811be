"""What web has counted of each form, as the ledger adds it up and forgets it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.domain.refusal import Refusal, RefusalCode
from shared.domain.refusal_history import RefusalHistory
from shared.ledger.ledger import Ledger
from shared.ledger.limits import MOST_KEPT_REFUSALS, MOST_UNSENT_FIELDS
from shared.ledger.stores.form_counts import FormCounts, FormTally
from shared.ledger.stores.registry import Registry
from tests.support import builders, refusals
from tests.support.builders import accept
from tests.support.ledger_model import DAY_MS, Clock, turnable_server

MINUTE = timedelta(minutes=1)
NEWS = builders.form("news")
BEGIN = 20_000 * DAY_MS * 1000  # the beginning of a day


@pytest.fixture
def clock() -> Clock:
    return Clock(BEGIN)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> "redis.Redis":
    """A client of a ledger with the form `news`, by a clock that the test turns."""
    client = turnable_server(monkeypatch, clock)
    Registry(client).save_form(NEWS)
    return client


@pytest.fixture
def counts(client: "redis.Redis") -> FormCounts:
    return FormCounts(client)


@pytest.fixture
def ledger(client: "redis.Redis") -> Ledger:
    return Ledger(client)


def refusal(code: str = "origin", number: int = 0) -> Refusal:
    return Refusal(code=RefusalCode(code), fields=(f"field{number}",), origin=None, client="Chrome")


def tally(count: int = 0, **fields: Any) -> FormTally:
    """Return a tally with so many refusals of a foreign origin."""
    of_origin = {"origin": count} if count else {}
    defaults: dict[str, Any] = {
        "form": "news",
        "account": "acme",
        "refused": of_origin,
        "faults": count,
        "streak": of_origin,
        "streak_began_ago": timedelta(),
        "streak_went_on_ago": timedelta(),
        "last": [],
        "unsent": {},
    }
    return FormTally(**(defaults | fields))


class Flushes:
    """Flushes tallies, each with the next number of its process."""

    def __init__(self, counts: FormCounts) -> None:
        self._counts = counts
        self._number = 0

    def __call__(self, *tallies: FormTally) -> None:
        self._number += 1
        self._counts.add("web-1", self._number, tallies)


@pytest.fixture
def flush(counts: FormCounts) -> Flushes:
    return Flushes(counts)


def refused(counts: FormCounts) -> dict[str, int]:
    return dict(counts.figures([NEWS], ["acme"])[0].refused)


def history(counts: FormCounts) -> RefusalHistory:
    return counts.histories([NEWS])[0]


def streak(counts: FormCounts) -> int:
    found = history(counts).streak
    return found.count if found else 0


# --- counts


def test_the_counts_of_all_processes_are_added(counts: FormCounts) -> None:
    for process in ("web-1", "web-2"):
        for number in (1, 2):
            counts.add(process, number, [tally(refused={"origin": 2, "required": 1})])
    assert refused(counts) == {"origin": 8, "required": 4}


def test_a_flush_that_comes_again_is_added_once(counts: FormCounts) -> None:
    for number in (1, 1, 2, 1, 2):
        counts.add("web-1", number, [tally(3, last=[(MINUTE, refusal())], unsent={"size": 1})])
    assert refused(counts) == {"origin": 6}
    assert streak(counts) == history(counts).refused == 6
    assert len(history(counts).last) == 2
    assert counts.unsent_fields("news") == {"size": 2}


def test_a_form_that_does_not_exist_leaves_nothing(
    flush: Flushes, counts: FormCounts, client: "redis.Redis"
) -> None:
    flush(tally(1, form="gone", unsent={"size": 1}), tally(1))
    assert refused(counts) == {"origin": 1}
    assert not [key for key in client.scan_iter() if "gone" in str(key)]


def test_a_removed_form_leaves_nothing(flush: Flushes, client: "redis.Redis") -> None:
    flush(tally(1, last=[(MINUTE, refusal())], unsent={"size": 1}))
    assert client.keys("relay:refusals:*") and client.keys("relay:unsent-fields:*")
    Registry(client).remove_form("news")
    assert not client.keys("relay:refusals:*") and not client.keys("relay:unsent-fields:*")


def test_the_last_twenty_are_kept_with_their_times_the_newest_first(
    flush: Flushes, counts: FormCounts
) -> None:
    flush(
        tally(last=[(30 * MINUTE - number * MINUTE, refusal(number=number)) for number in (1, 2)])
    )
    flush(
        tally(
            last=[(20 * MINUTE - number * MINUTE, refusal(number=number)) for number in range(20)]
        )
    )
    last = history(counts).last
    assert len(last) == MOST_KEPT_REFUSALS
    assert [kept.refusal.fields for kept in last] == [(f"field{n}",) for n in range(19, -1, -1)]
    assert last[0].at == history(counts).at - MINUTE


# --- streaks


def test_a_streak_goes_on_until_a_sign_up_is_accepted(
    flush: Flushes, counts: FormCounts, ledger: Ledger, clock: Clock
) -> None:
    began = history(counts).at
    flush(tally(2, streak_began_ago=5 * MINUTE, streak_went_on_ago=MINUTE))
    clock.us += 60_000_000
    flush(tally(faults=3, streak={"required": 3}))
    found = history(counts).streak
    assert found and found.codes == {"origin": 2, "required": 3}
    assert (found.since, found.last) == (began - 5 * MINUTE, began + MINUTE)

    accept(ledger)
    assert history(counts).streak is None
    clock.us += 60_000_000
    flush(tally(1))
    found = history(counts).streak
    assert found and found.codes == {"origin": 1}
    assert found.since == found.last == began + 2 * MINUTE


def test_refusals_before_a_sign_up_of_the_same_second_are_in_no_streak(
    flush: Flushes, counts: FormCounts, ledger: Ledger
) -> None:
    accept(ledger)
    flush(tally(7, streak={}))
    assert history(counts).streak is None
    flush(tally(7, streak={"origin": 2}))
    assert streak(counts) == 2
    assert history(counts).refused == 14


def test_a_robots_sign_up_ends_no_streak_whatever_becomes_of_it(
    flush: Flushes, counts: FormCounts, ledger: Ledger
) -> None:
    flush(tally(5))
    caught = accept(ledger, quarantine="honeypot").id
    assert streak(counts) == 5
    flush(tally(2))
    assert streak(counts) == 7
    ledger.discard("acme", caught)
    flush(tally(2))
    assert streak(counts) == 9


def test_what_visitors_can_mend_is_in_the_streak_and_not_in_the_hour(
    flush: Flushes, counts: FormCounts, ledger: Ledger
) -> None:
    for _ in range(2):
        flush(tally(faults=0, streak={"invalid": 3}, mendable={"invalid:email": 2}))
    assert find_refusing(counts) == ["news"]
    found = history(counts)
    assert found.streak and found.streak.codes == {"invalid": 6}
    assert found.streak.mendable == {refusals.wrong("email", "invalid"): 4}
    assert found.refused == 0
    accept(ledger)
    assert history(counts).streak is None


def test_a_refusal_that_an_older_version_kept_can_be_read(
    flush: Flushes, counts: FormCounts, client: "redis.Redis"
) -> None:
    flush(tally(1))
    kept = {"code": "required", "fields": ["mail"], "origin": None, "client": "Chrome"}
    client.lpush("relay:refusals:news:last", f"{BEGIN // 1000} {json.dumps(kept)}")
    (found,) = history(counts).last
    assert (found.refusal.wrong, found.refusal.hosted) == ((), False)
    assert not found.refusal.visitor_can_mend


def test_the_wrong_fields_of_a_refusal_come_back(flush: Flushes, counts: FormCounts) -> None:
    wrong = (refusals.wrong("email", "invalid"),)
    sent = replace(refusal("invalid"), wrong=wrong, hosted=True)
    flush(tally(last=[(MINUTE, sent)]))
    (found,) = history(counts).last
    assert found.refusal == sent


def test_what_cannot_be_the_forms_fault_is_in_no_streak(flush: Flushes, counts: FormCounts) -> None:
    flush(tally(refused={"rate_limited": 50}))
    assert refused(counts) == {"rate_limited": 50}
    assert history(counts).streak is None and history(counts).refused == 0


# --- the last hour, and the days before


def test_the_last_hour_slides(
    flush: Flushes, counts: FormCounts, ledger: Ledger, clock: Clock
) -> None:
    seen = []
    for _ in range(9):
        flush(tally(1))
        accept(ledger)
        seen.append((history(counts).refused, history(counts).accepted))
        clock.us += 10 * 60_000_000
    assert seen == [(n, n) for n in (1, 2, 3, 4, 5, 6, 6, 6, 6)]
    clock.us += 3600 * 1_000_000
    assert (history(counts).refused, history(counts).accepted) == (0, 0)


def test_of_each_day_the_most_in_an_hour_and_the_longest_streak_are_known(
    flush: Flushes, counts: FormCounts, ledger: Ledger, clock: Clock
) -> None:
    for times in (3, 1, 2):
        flush(tally(times))
        clock.us += 2 * 3600 * 1_000_000
    accept(ledger)
    flush(tally(1))
    assert history(counts).usual_hours == history(counts).usual_streaks == [0] * 13  # not today
    clock.us = BEGIN + DAY_MS * 1000
    assert history(counts).usual_hours == [0] * 12 + [3]
    assert history(counts).usual_streaks == [0] * 12 + [6]
    clock.us = BEGIN + 13 * DAY_MS * 1000
    assert history(counts).usual_hours == [3] + [0] * 12
    clock.us = BEGIN + 14 * DAY_MS * 1000
    assert history(counts).usual_hours == [0] * 13


def test_old_days_and_slots_are_forgotten(
    flush: Flushes, client: "redis.Redis", clock: Clock
) -> None:
    for _ in range(40):
        flush(tally(1))
        clock.us += DAY_MS * 1000 // 2
    # Of the one slot in the last hour two fields, and of each of fourteen days.
    assert client.hlen("relay:refusals:news:recent") == 2 + 2 * 14


def test_a_clock_that_was_set_back_forgets_what_lies_ahead(
    flush: Flushes, counts: FormCounts, client: "redis.Redis", clock: Clock
) -> None:
    flush(tally(7))
    clock.us -= 3 * DAY_MS * 1000
    flush(tally(1))
    assert history(counts).refused == 1
    assert client.hlen("relay:refusals:news:recent") == 4


# --- which forms are worth a look


def find_refusing(counts: FormCounts) -> list[str]:
    return counts.find_refusing(["news", "quiet"])


def test_a_form_that_refuses_nothing_of_its_own_fault_is_not_read(
    flush: Flushes, counts: FormCounts
) -> None:
    flush(tally(refused={"rate_limited": 50}))
    assert find_refusing(counts) == []


def test_a_form_is_read_until_its_last_refusal_is_an_hour_old(
    flush: Flushes, counts: FormCounts, clock: Clock
) -> None:
    flush(tally(7, streak={}))
    assert find_refusing(counts) == ["news"]
    clock.us += 50 * 60_000_000
    assert find_refusing(counts) == ["news"]
    clock.us += 10 * 60_000_000
    assert find_refusing(counts) == []


def test_a_form_is_read_until_its_streak_is_forgotten(
    flush: Flushes, counts: FormCounts, clock: Clock
) -> None:
    flush(tally(7))
    clock.us += 7 * DAY_MS * 1000 - 1000
    assert find_refusing(counts) == ["news"]
    clock.us += 1000
    assert find_refusing(counts) == []


# --- fields that are not sent


def test_the_commonest_unsent_fields_stay_and_are_shown_first(
    flush: Flushes, counts: FormCounts
) -> None:
    flush(tally(unsent={"shoe size": 3, "utm_source": 9}))
    for number in range(3 * MOST_UNSENT_FIELDS):
        flush(tally(unsent={f"made up {number}": 1, "shoe size": 1}))
    fields = counts.unsent_fields("news")
    assert len(fields) == MOST_UNSENT_FIELDS
    assert list(fields.items())[:2] == [
        ("shoe size", 3 + 3 * MOST_UNSENT_FIELDS),
        ("utm_source", 9),
    ]
