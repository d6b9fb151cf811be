"""Retention for tests: nothing is cleared but what a test is about; and records to clear."""

from datetime import timedelta
from typing import Any

import redis

from shared.domain.retention import Retention
from shared.ledger import keys
from shared.ledger.records import FIELDS, consent_json, packed, sent_json
from shared.ledger.time_units import in_milliseconds
from tests.support import builders

FOR_EVER: dict[str, Any] = dict.fromkeys(
    ("delivered", "discarded", "quarantined", "dead", "consent", "addresses")
)


def retention(**kept: timedelta | None) -> Retention:
    return Retention(**{**FOR_EVER, **kept})


def store_delivered(client: "redis.Redis", account: str, count: int, age: timedelta) -> list[str]:
    """Store so many delivered sign-ups of as many people, and return their ids. They were received
    and delivered `age` ago, one a millisecond."""
    prefix, first = keys.account(account), int(client.time()[0]) * 1000 - in_milliseconds(age)
    ids = [f"{account}-{number}" for number in range(count)]
    for start in range(0, count, 1000):
        with client.pipeline(transaction=False) as writes:
            for place, id in enumerate(ids[start : start + 1000], start):
                at, person = first + place, f"{place:032x}"
                writes.set(f"{prefix}signup:{id}", _record(id, at, person))
                writes.zadd(f"{prefix}received:delivered", {id: at})
                writes.zadd(f"{prefix}person:{person}", {id: -at * 1000})
            writes.execute()
    client.hset(f"{prefix}totals", mapping={"accepted": count, "delivered": count})
    client.hset(f"{prefix}consent-texts", "1", "Yes, write to me.")
    return ids


def _record(id: str, at: int, person: str) -> str:
    sent = builders.submission(f"{id}@example.com")
    stands = {
        "state": "delivered",
        "form": "news",
        "person": person,
        "received_at": f"{at}.000",
        "attempts": 1,
        "settled_at": at,
        "contact_id": "0c3a4a10-9d31-11ee-a3f2-fa163e56c9b0",
        "action": "created",
    }
    first = packed(*(stands.get(name, "") for name in FIELDS))
    lines = [first, sent_json(sent, sent.contact), consent_json(sent.consent)]
    return "\n".join([*lines, builders.attempt().to_json()])
