"""`relay status` and `relay doctor` tell what is kept for how long, and what is cleared when."""

import re
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from shared.ledger.ledger import Ledger
from shared.ledger.script_library import Scripts
from shared.ledger.stores.fingerprints import Fingerprints
from shared.ledger.stores.registry import Registry
from shared.ledger.stores.retention import RecordKeeping, clear_some
from tests.support.builders import accept, attempt, bury, claimed
from tests.support.command_line import CommandLine
from tests.support.retention import retention
from worker.upkeep.record_clearing import RecordClearing

DAY = timedelta(days=1)


@pytest.fixture
def kept(connected: CommandLine, redis_client: "redis.Redis") -> CommandLine:
    """`acme` has a delivered sign-up and a dead letter; workers keep the first for 30 days."""
    ledger = Ledger(redis_client)
    accept(ledger)
    ledger.deliver(claimed(ledger), attempt(), contact_id="c", action="created")
    bury(ledger, "b@example.com")
    RecordClearing(
        ledger,
        RecordKeeping(redis_client, retention(delivered=30 * DAY, addresses=90 * DAY)),
        Registry(redis_client),
        lambda: Fingerprints("a key of the tests"),
        lambda: True,
        threading.Event(),
    ).look()
    return connected


def of(run: CommandLine, name: str) -> dict[str, Any]:
    found: dict[str, Any] = run("status", "--json").json["retention"][name]
    return found


def check(run: CommandLine) -> dict[str, Any]:
    checks = run("doctor", "--json").json["checks"]
    found: dict[str, Any] = next(each for each in checks if each["name"] == "retention")
    return found


def test_status_tells_what_is_kept_and_when_the_next_is_cleared(kept: CommandLine) -> None:
    delivered = of(kept, "delivered")
    since, next_at = (datetime.fromisoformat(delivered[name]) for name in ("since", "next_at"))
    assert next_at == since + 30 * DAY
    assert (delivered["kept_seconds"], delivered["records"]) == (30 * 86_400, 1)
    assert delivered["within_a_day"] == 0
    dead = of(kept, "dead")
    assert (dead["kept_seconds"], dead["records"], dead["next_at"]) == (None, 1, None)
    assert of(kept, "consent")["records"] == 0
    assert of(kept, "addresses")["kept_seconds"] == 90 * 86_400
    said = kept("status").out
    assert re.search(r"^delivered +1 +30 d +20", said, re.MULTILINE)
    assert "Retention counts from " in said
    assert "the first records are cleared on " in said


def test_status_names_no_command_for_dead_letters_that_are_cleared(
    kept: CommandLine, redis_client: "redis.Redis"
) -> None:
    assert "Failed: 1. See them with" in kept("status").out
    assert clear_some(Scripts(redis_client), "acme", "dead", kept=None, consent_kept=None) == 1
    assert "Failed: " not in kept("status").out
    (account,) = kept("status", "--json").json["accounts"]
    assert account["dead"] == 1


def test_the_doctor_tells_it_too(kept: CommandLine) -> None:
    found = check(kept)
    assert found["verdict"] == "ok"
    assert "1 dead, kept for ever." in found["found"]
    assert "Retention counts from " in found["found"]


def test_the_doctor_finds_what_nobody_clears(
    kept: CommandLine, redis_client: "redis.Redis"
) -> None:
    redis_client.hset("relay:retention", "delivered", "1")
    redis_client.zadd("relay:{acme}:delivered", {"old": 1})
    found = check(kept)
    assert found["verdict"] == "problem"
    assert "Nothing clears what is over: delivered." in found["found"]
