"""What `/metrics` tells: as `relay status` in every state, and counters that never fall."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import redis
from prometheus_client.exposition import generate_latest

from shared.domain.account import HoldReason
from shared.domain.moments import read_moment
from shared.domain.refusal import RefusalCode
from shared.domain.signup import DeathReason
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.ledger import Ledger
from shared.ledger.people import People
from shared.ledger.spools import SpoolFigures
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import SETTLED, RecordKeeping
from shared.ledger.values import Claim
from shared.operations.metrics import make_metrics_reader
from tests.support import builders
from tests.support.command_line import CommandLine
from tests.support.metrics_text import counters, series, values
from tests.support.retention import retention
from web.metrics import LedgerCollector
from web.signup.spool_file import look_here

REFUSALS = {
    f'relay_submissions_refused_total{{code="{code}",form="news"}}': 0.0 for code in RefusalCode
}


@pytest.fixture
def ledger(redis_client: "redis.Redis", registry: Registry) -> Ledger:
    """An account `acme` with a form `news`, of which nothing is known yet."""
    registry.save_account(builders.account("acme"))
    registry.save_form(builders.form("news"))
    return Ledger(redis_client)


@pytest.fixture
def read(live_settings: Settings, redis_client: "redis.Redis") -> Callable[[], dict[str, float]]:
    """Return each series by its name."""
    reader = make_metrics_reader(
        live_settings, redis_client, partial(look_here, live_settings.spool_folder)
    )

    def read() -> dict[str, float]:
        found = reader.read(reader.account_names())
        return values(generate_latest(LedgerCollector(found)).decode())

    return read


def of(name: str, **labels: str) -> str:
    return series(name, account="acme", **labels)


def test_an_account_that_did_nothing_has_every_series(
    ledger: Ledger, read: Callable[[], dict[str, float]]
) -> None:
    found = read()
    expected = {
        **{of(f"relay_signups_{each}_total"): 0.0 for each in ("accepted", "delivered")},
        **{of(f"relay_signups_{each}_total"): 0.0 for each in ("discarded", "quarantined")},
        **{of("relay_signups_dead_total", reason=each): 0.0 for each in DeathReason},
        **{of("relay_signups_dead", reason=each): 0.0 for each in DeathReason},
        **{of(f"relay_signups_{each}"): 0.0 for each in ("due", "quarantined")},
        of("relay_oldest_due_seconds"): 0.0,
        **{of("relay_hold", reason=each): 0.0 for each in HoldReason},
        **REFUSALS,
        **dict.fromkeys(("relay_signups_spooled", "relay_workers", "relay_quota_used"), 0.0),
        "relay_quota_limit": 10_000.0,
        "relay_delivery_seconds_count": 0.0,
        "relay_delivery_seconds_sum": 0.0,
    }
    token = found.pop(of("relay_token_expires_timestamp_seconds"))
    assert token != token, "no moment, since the account has no token"
    assert {name: each for name, each in found.items() if "_bucket" not in name} == expected
    assert 'relay_delivery_seconds_bucket{le="+Inf"}' in found


# --- as relay status


def waits(ledger: Ledger) -> None:
    builders.accept(ledger, "ada@example.com")


def is_delivered(ledger: Ledger) -> None:
    builders.accept(ledger, "bob@example.com")
    ledger.deliver(builders.claimed(ledger), builders.attempt(), contact_id="c", action="created")


def dies(reason: DeathReason, ledger: Ledger) -> None:
    builders.bury(ledger, f"{reason}@example.com", reason=reason)


def is_quarantined(ledger: Ledger) -> None:
    builders.accept(ledger, "robot@example.com", quarantine="honeypot")


def is_discarded(ledger: Ledger) -> None:
    ledger.discard("acme", builders.bury(ledger, "cy@example.com"))


def is_retried(ledger: Ledger) -> None:
    ledger.requeue("acme", builders.bury(ledger, "di@example.com"))


def is_held(reason: HoldReason, ledger: Ledger) -> None:
    if reason == HoldReason.QUOTA:
        ledger.hold_quota("acme", jitter=0)
    else:
        ledger.hold("acme", reason, by="test")


def waits_on_a_disk(ledger: Ledger) -> None:
    figures = SpoolFigures(count=5, bytes=900, oldest=timedelta(minutes=1))
    ledger.spools.note("id-1", "web-1", figures)


def has_a_worker(ledger: Ledger) -> None:
    ledger.processes.worker_alive("worker-1")


STATES: dict[str, Callable[[Ledger], object]] = {
    "due": waits,
    "delivered": is_delivered,
    **{f"dead: {each}": partial(dies, each) for each in DeathReason},
    "quarantined": is_quarantined,
    "discarded": is_discarded,
    "retried": is_retried,
    **{f"held: {each}": partial(is_held, each) for each in HoldReason},
    "spooled": waits_on_a_disk,
    "worker": has_a_worker,
}


@pytest.mark.parametrize("state", [*STATES, "all"])
def test_gauges_are_what_status_says(
    state: str,
    connected: CommandLine,
    redis_client: "redis.Redis",
    read: Callable[[], dict[str, float]],
) -> None:
    ledger = Ledger(redis_client)
    for step in STATES.values() if state == "all" else [STATES[state]]:
        step(ledger)
    status, found = connected("status", "--json").json, read()
    assert compared(found) == told(status)
    [account] = status["accounts"]
    assert found[of("relay_signups_accepted_total")] == account["accepted"]
    assert found[of("relay_signups_delivered_total")] == account["delivered"]
    assert found[of("relay_signups_discarded_total")] == account["discarded"]


def compared(found: dict[str, float]) -> dict[str, Any]:
    return {
        "due": found[of("relay_signups_due")],
        "dead": sum(found[of("relay_signups_dead", reason=each)] for each in DeathReason),
        "quarantined": found[of("relay_signups_quarantined")],
        "oldest": round(found[of("relay_oldest_due_seconds")] / 60),
        "holds": {each for each in HoldReason if found[of("relay_hold", reason=each)]},
        "token": found[of("relay_token_expires_timestamp_seconds")],
        "spooled": found["relay_signups_spooled"],
        "workers": found["relay_workers"],
        "used": found["relay_quota_used"],
        "limit": found["relay_quota_limit"],
    }


def told(status: dict[str, Any]) -> dict[str, Any]:
    [account] = status["accounts"]
    return {
        **{name: account[name] for name in ("due", "dead", "quarantined")},
        "oldest": round((account["oldest_due_seconds"] or 0) / 60),
        "holds": {hold["reason"] for hold in account["holds"]},
        "token": read_moment(account["token"]["expires_at"]).timestamp(),
        "spooled": status["spooled"],
        "workers": status["workers"],
        "used": status["quota"]["used"],
        "limit": status["quota"]["limit"],
    }


# --- counters


class Walk:
    """Takes one step after the other with the sign-ups of `acme`, by chance."""

    def __init__(self, client: "redis.Redis", chance: random.Random) -> None:
        self.ledger, self.people = Ledger(client), People(client)
        self.keeping = RecordKeeping(
            client, retention(**dict.fromkeys(SETTLED, timedelta(milliseconds=1)))
        )
        self.keeping.begin(timedelta())
        self.chance = chance
        self.known: list[tuple[str, str]] = []  # id and person

    def step(self) -> None:
        operators = (
            self.requeue,
            self.discard,
            self.undo_discard,
            self.deliver_anyway,
            self.erase,
            self.clear,
        )
        self.chance.choice((*operators, *[self.accept, self.settle] * 3))()

    def accept(self) -> None:
        person = f"person-{len(self.known)}"
        reason = self.chance.choice((None, None, "honeypot"))
        accepted = builders.accept(self.ledger, person=person, quarantine=reason)
        self.known.append((accepted.id, person))

    def settle(self) -> None:
        claim = builders.claim(self.ledger)
        if not isinstance(claim, Claim):
            return
        claim = replace(claim, took=(self.chance.random() * 30,))
        reason = self.chance.choice((None, *DeathReason))
        if reason:
            builders.bury_claim(self.ledger, claim, reason=reason)
        else:
            self.ledger.deliver(claim, builders.attempt(), contact_id="c", action="created")

    def requeue(self) -> None:
        self.ledger.requeue("acme", self.any()[0])

    def discard(self) -> None:
        self.ledger.discard("acme", self.any()[0])

    def undo_discard(self) -> None:
        self.ledger.undo_discard("acme", self.any()[0])

    def deliver_anyway(self) -> None:
        if signup := self.ledger.find(self.any()[0], ["acme"]):
            self.ledger.deliver_anyway(signup)

    def erase(self) -> None:
        id, person = self.any()
        self.people.erase("acme", id, person)

    def clear(self) -> None:
        self.keeping.clear("acme", self.chance.choice(SETTLED))

    def any(self) -> tuple[str, str]:
        return self.chance.choice(self.known or [("none", "nobody")])


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
def test_counters_never_fall(
    seed: int, redis_client: "redis.Redis", ledger: Ledger, read: Callable[[], dict[str, float]]
) -> None:
    walk, before = Walk(redis_client, random.Random(seed)), read()
    for _ in range(250):
        walk.step()
        found = read()
        fallen = {
            name: (before[name], value)
            for name, value in counters(found).items()
            if value < before.get(name, 0)
        }
        assert not fallen
        assert counters(before).keys() <= found.keys()
        for reason in DeathReason:
            dead = found[of("relay_signups_dead", reason=reason)]
            assert found[of("relay_signups_dead_total", reason=reason)] >= dead
        before = found
    assert min(before[of("relay_signups_dead_total", reason=each)] for each in DeathReason) > 0


def test_dead_letters_that_an_older_version_cleared_have_no_reason(
    ledger: Ledger, redis_client: "redis.Redis", read: Callable[[], dict[str, float]]
) -> None:
    builders.bury(ledger)
    redis_client.hincrby(f"{keys.account('acme')}totals", "dead", 2)
    found = read()
    assert found[of("relay_signups_dead", reason="rejected")] == 1
    assert found[of("relay_signups_dead", reason="unknown")] == 2
    assert found[of("relay_signups_dead_total", reason="unknown")] == 2


def test_calls_are_counted_by_how_long_they_took(
    ledger: Ledger, read: Callable[[], dict[str, float]]
) -> None:
    for took in ((0.04, 0.05), (0.3,), (31.0,), ()):
        builders.accept(ledger)
        claim = replace(builders.claimed(ledger), took=took)
        for _ in range(2):  # the answer to the first was lost
            ledger.release_claim(claim, None)
        builders.bury_claim(ledger, builders.claimed(ledger))
    found = read()
    buckets = {
        bound: found[series("relay_delivery_seconds_bucket", le=bound)]
        for bound in ("0.05", "0.2", "0.3", "20.0", "+Inf")
    }
    assert buckets == {"0.05": 2, "0.2": 2, "0.3": 3, "20.0": 3, "+Inf": 4}
    assert found["relay_delivery_seconds_count"] == 4
    assert found["relay_delivery_seconds_sum"] == pytest.approx(31.39)
