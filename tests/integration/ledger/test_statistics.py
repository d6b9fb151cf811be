"""Figures by slots of time: all that was counted, whoever rolls it up and however late."""

import json
import random
from collections import Counter
from datetime import timedelta

import pytest
import redis

from shared.domain.account import HoldReason
from shared.domain.counts import COUNTED, Counts
from shared.domain.job import JobAction, JobPace
from shared.domain.signup import DeathReason
from shared.domain.totals import Totals
from shared.ledger import keys, limits
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.statistics import Round, Statistics
from tests.support import builders
from tests.support.ledger_model import Clock, turnable_server
from tests.support.refusals import refused_tally
from worker.upkeep.roll_up import make_roll_up

MINUTE_US = 60_000_000
DAY_MINUTES = 1440
BEGIN_US = 1_700_000_000_000_000 // (DAY_MINUTES * MINUTE_US) * DAY_MINUTES * MINUTE_US
ACCOUNTS = ["acme", "books", "cafe"]


@pytest.fixture
def clock() -> Clock:
    return Clock(BEGIN_US)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, clock: Clock) -> "redis.Redis":
    """A client of a server by `clock`, with three accounts. Minutes are kept for four hours."""
    monkeypatch.setattr(limits, "CHARTS_KEPT", timedelta(hours=4))
    client = turnable_server(monkeypatch, clock)
    for name in ACCOUNTS:
        Registry(client).save_account(builders.account(name))
    return client


@pytest.fixture
def statistics(client: "redis.Redis") -> Statistics:
    return Statistics(client)


def roll_up(client: "redis.Redis") -> None:
    """Roll all up, as a worker does whose turn it is."""
    client.hdel(keys.ROLL_UP, "round_at")
    make_roll_up(client).look()


def count(client: "redis.Redis", account: str, clock: Clock, **figures: int) -> Counter[str]:
    """Count these in this minute, as the steps of sign-ups do."""
    minute = clock.us // MINUTE_US
    for name, by in figures.items():
        client.hincrby(f"{keys.account(account)}stats:{minute}", name, by)
    return Counter(figures)


def days(client: "redis.Redis", account: str) -> dict[str, str]:
    stored = client.hgetall(f"{keys.account(account)}days")
    return {str(name): str(value) for name, value in stored.items() if str(name).isdecimal()}


def test_days_are_the_sums_of_minutes_whoever_rolls_them_up_and_when(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    chance = random.Random(7)
    expected = {name: Counter[str]() for name in ACCOUNTS}
    for _ in range(150):
        account = chance.choice(ACCOUNTS)
        figures = {name: chance.randrange(1, 9) for name in chance.sample(COUNTED, 3)}
        expected[account] += count(client, account, clock, **figures)
        clock.us += chance.choice([0, 7_000_000, MINUTE_US, 5 * MINUTE_US])
        if chance.random() < 0.2:
            roll_up(client)
    clock.us += MINUTE_US
    for _ in range(2):  # the second time adds nothing
        roll_up(client)
        together = Counter[str]()
        for slot in statistics.days(90):
            together += Counter({name: getattr(slot.counts, name) for name in COUNTED})
        assert together == sum(expected.values(), Counter[str]())
        for name in ACCOUNTS:
            rows = [
                zip(COUNTED, json.loads(each), strict=True) for each in days(client, name).values()
            ]
            assert sum((Counter(dict(row)) for row in rows), Counter[str]()) == expected[name]


def test_two_processes_with_the_same_round_count_once(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    count(client, "acme", clock, accepted=5)
    clock.us += 2 * MINUTE_US
    rounds = [statistics.begin_round(timedelta()) for _ in range(2)]
    for round in rounds:
        due = sum(statistics.roll_up(round, ACCOUNTS))
    statistics.end_round(rounds[0], due)
    statistics.end_round(rounds[1], due)
    assert sum(slot.counts.accepted for slot in statistics.minutes(60)) == 5
    assert statistics.days(1)[0].counts == Counts(accepted=5)


def test_one_process_has_each_round(statistics: Statistics, clock: Clock) -> None:
    assert statistics.begin_round(timedelta(seconds=20)).mine
    assert not statistics.begin_round(timedelta(seconds=20)).mine
    clock.us += 20_000_000
    assert statistics.begin_round(timedelta(seconds=20)).mine


@pytest.mark.parametrize("gap", [30, 239])
def test_a_gap_as_long_as_minutes_are_kept_loses_nothing(
    client: "redis.Redis", statistics: Statistics, clock: Clock, gap: int
) -> None:
    roll_up(client)
    for minutes in range(0, gap, 7):
        clock.us = BEGIN_US + minutes * MINUTE_US
        count(client, "acme", clock, accepted=2)
        count(client, "books", clock, delivered=3)
    clock.us = BEGIN_US + gap * MINUTE_US
    times = len(range(0, gap, 7))
    assert statistics.begin_round(timedelta()).accounts_at_once < 40
    roll_up(client)
    counted = sum((slot.counts for slot in statistics.days(4)), Counts())
    assert counted == Counts(accepted=2 * times, delivered=3 * times)
    in_quarters = sum((slot.counts for slot in statistics.quarters(192)), Counts())
    assert in_quarters == counted


def test_many_idle_minutes_cost_one_look_an_hour(redis_client: "redis.Redis") -> None:
    statistics = Statistics(redis_client)
    now = statistics.begin_round(timedelta()).this_minute
    long_ago = Round(True, now - 600, now)
    redis_client.hset(f"{keys.account('acme')}stats:{now - 300}", "accepted", 2)
    redis_client.config_resetstat()
    assert list(statistics.roll_up(long_ago, ["acme"]))[-1] == 0
    calls = {name: each["calls"] for name, each in redis_client.info("commandstats").items()}
    assert calls["cmdstat_exists"] <= 2 * 600 // 60
    assert calls["cmdstat_hmget"] <= 60
    assert sum(slot.counts.accepted for slot in statistics.days(2)) == 2


def test_this_minute_is_in_no_slot_before_it_is_over(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    count(client, "acme", clock, accepted=1)
    roll_up(client)
    assert statistics.days(1)[0].counts.accepted == 0
    assert statistics.glances(["acme"])[0].today.accepted == 1
    count(client, "acme", clock, accepted=1)
    clock.us += MINUTE_US
    assert statistics.glances(["acme"])[0].today.accepted == 2
    roll_up(client)
    assert statistics.days(1)[0].counts.accepted == 2
    assert statistics.glances(["acme"])[0].today.accepted == 2


def test_one_account_has_its_minutes_quarters_and_days(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    clock.us = BEGIN_US + (DAY_MINUTES - 20) * MINUTE_US
    count(client, "acme", clock, accepted=4, calls=2, call_ms=500)
    clock.us += 25 * MINUTE_US  # the next day
    count(client, "acme", clock, accepted=2)
    count(client, "books", clock, accepted=9)
    clock.us += MINUTE_US
    roll_up(client)
    count(client, "acme", clock, accepted=1)  # in no slot yet
    accepted = [slot.counts.accepted for slot in statistics.minutes_of("acme", 60)]
    assert (len(accepted), accepted[-1], accepted[-26], sum(accepted)) == (60, 2, 4, 6)
    quarters = statistics.quarters_of("acme", 12)
    assert [slot.counts.accepted for slot in quarters][-3:] == [4, 0, 3]
    assert quarters[-3].counts.latency == timedelta(milliseconds=250)
    assert [slot.counts.accepted for slot in statistics.days_of("acme", 2)] == [4, 3]
    client.hset(f"{keys.account('acme')}stats:{clock.us // MINUTE_US}", "accepted", "nonsense")
    assert statistics.quarters_of("acme", 1)[0].counts.accepted == 2


def test_today_begins_at_midnight(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    clock.us = BEGIN_US + (DAY_MINUTES - 1) * MINUTE_US
    count(client, "acme", clock, delivered=4)
    clock.us += MINUTE_US
    count(client, "acme", clock, delivered=1)
    assert statistics.glances(["acme"])[0].today.delivered == 1
    roll_up(client)
    assert [slot.counts.delivered for slot in statistics.days(2)] == [4, 0]


def test_the_most_that_was_due_is_noted_even_if_nothing_else_happens(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    for due in (3, 9, 4):
        client.hset(f"{keys.account('books')}totals", "due", due)
        roll_up(client)
    clock.us += MINUTE_US
    assert [slot.due for slot in statistics.minutes(2)] == [None, 9]
    assert statistics.quarters(1)[0].due == 9
    assert statistics.days(1)[0].due == 9


def test_slots_are_bounded_also_when_the_clock_was_ahead(
    monkeypatch: pytest.MonkeyPatch, client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    bounds = {"MINUTES": 4, "QUARTERS": 5, "DAYS": 6}
    for name, most in bounds.items():
        monkeypatch.setattr(limits, f"CHARTED_{name}", most)
    for day in (*range(12), 400, 12, 13):
        clock.us = BEGIN_US + day * DAY_MINUTES * MINUTE_US
        roll_up(client)
        count(client, "acme", clock, accepted=1)
        clock.us += MINUTE_US
        roll_up(client)
    assert len(days(client, "acme")) <= 6
    assert client.hlen(keys.OF_DAYS) <= 6
    assert client.hlen(keys.OF_QUARTERS) <= 5
    assert client.hlen(keys.OF_MINUTES) <= 4
    assert statistics.days(1)[0].counts.accepted == 1


def test_an_idle_account_writes_nothing(client: "redis.Redis", clock: Clock) -> None:
    roll_up(client)
    for name in ACCOUNTS:
        client.delete(f"{keys.account(name)}days")
    clock.us += MINUTE_US
    roll_up(client)
    assert not [name for name in ACCOUNTS if client.exists(f"{keys.account(name)}days")]


def test_what_is_no_figure_counts_as_none(
    client: "redis.Redis", statistics: Statistics, clock: Clock
) -> None:
    today = clock.us // MINUTE_US // DAY_MINUTES
    client.hset(keys.OF_DAYS, str(today), "[1, {}, 3]")
    client.hset(keys.OF_QUARTERS, str(clock.us // MINUTE_US // 15), "nonsense")
    client.hset(f"{keys.account('acme')}days", str(today), '"x"')
    count(client, "acme", clock, delivered=2)
    clock.us += MINUTE_US
    assert statistics.quarters(1)[0].counts == Counts()
    roll_up(client)
    assert statistics.days(1)[0].counts == Counts(accepted=1, delivered=2, retried=3)
    assert statistics.glances(["acme"])[0].today == Counts(delivered=2)


def test_what_waits_in_jobs_leaves_the_other_dead_letters_undecided(
    redis_client: "redis.Redis",
) -> None:
    ledger, statistics = Ledger(redis_client), Statistics(redis_client)
    jobs = JobLedger(redis_client, JobPace(per_second=1, per_day=1))
    Registry(redis_client).save_account(builders.account())
    dead = [builders.bury(ledger, f"{number}@example.com") for number in range(3)]
    caught = [
        builders.accept(ledger, f"robot-{number}@example.com", quarantine="honeypot").id
        for number in range(5)
    ]
    jobs.add("acme", "again", dead[:2], by="ada", chosen="{}")
    jobs.add("acme", "anyway", caught, by="ada", chosen="{}", action=JobAction.DELIVER)
    ledger.requeue("acme", dead[0])

    (glance,) = statistics.glances(["acme"])
    assert (glance.in_jobs, glance.undecided) == (1, 1)


def test_a_glance_tells_what_is_there(redis_client: "redis.Redis") -> None:
    ledger, statistics = Ledger(redis_client), Statistics(redis_client)
    Registry(redis_client).save_account(builders.account())
    builders.bury(ledger, "dead@example.com")
    builders.accept(ledger)
    (glance,) = statistics.glances(["acme"])
    assert glance.totals == Totals(accepted=2, due=1, dead=1)
    assert (glance.due, glance.in_jobs, glance.quarantined) == (1, 0, 0)
    assert glance.dead == {DeathReason.REJECTED: 1}
    assert glance.undecided == 1
    assert glance.tokens_in_trouble
    assert glance.oldest_due is not None
    assert not glance.holds
    ledger.hold("acme", HoldReason.PAUSED, by="ada")
    assert statistics.glances(["acme"])[0].holds == {"paused"}
    assert glance.today.accepted == 2
    assert glance.today.dead == 1
    redis_client.hset(f"{keys.account('acme')}totals", "due", "nonsense")
    assert statistics.glances(["acme"])[0].totals == Totals(accepted=2, dead=1)
    assert statistics.glances([]) == []


def test_refused_requests_are_counted_beside_sign_ups(redis_client: "redis.Redis") -> None:
    Registry(redis_client).save_form(builders.form())
    tally = refused_tally(required=2, origin=1)
    for number in (1, 1, 2):  # the first flush comes twice
        FormCounts(redis_client).add("web", number, [tally])
    assert Statistics(redis_client).glances(["acme"])[0].today.refused == 6
    (key,) = redis_client.keys(f"{keys.account('acme')}stats:*")
    assert 0 < redis_client.ttl(key) <= timedelta(days=2).total_seconds()
