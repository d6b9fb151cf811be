"""Sign-ups' records as the ledger has them, for tests that look at what is stored, or change it."""

import json
from datetime import timedelta
from typing import Any

import redis

from shared.ledger import keys
from shared.ledger.records import (
    CONSENT,
    FIELDS,
    packed,
    read_first_line,
    read_history,
    unpacked,
)


def all_records(client: "redis.Redis", pattern: str = "*:signup:*") -> list[dict[str, Any]]:
    return [read_record(client, key) for key in client.scan_iter(pattern, count=1000)]


def read_record(client: "redis.Redis", key: Any) -> dict[str, Any]:
    """Return how the sign-up stands, and besides `sent`, `contact`, `consent` and `history`."""
    text = str(client.get(key))
    _, sent, consent, *_ = text.split("\n")
    contact = {"custom": [], "other": {}, **json.loads(sent)}
    return {
        "attempts": 0,
        "lost": 0,
        **read_first_line(text),
        "lists": contact.pop("lists", []),  # evidence has none
        "contact": contact,
        "consent": unpacked(consent, CONSENT),
        "history": read_history("", text),
    }


def record_of_any_format(client: "redis.Redis", key: Any) -> dict[str, Any]:
    """Return the fields of a record of the formats 1 and 2, or what `read_record` returns."""
    if client.type(key) == "hash":
        return {str(name): value for name, value in client.hgetall(key).items()}
    return read_record(client, key)


def change_record(client: "redis.Redis", key: str, **fields: Any) -> None:
    """Change how the sign-up stands."""
    text = str(client.get(key))
    stands = {**read_first_line(text), **fields}
    first = packed(*(stands.get(name, "") for name in FIELDS))
    client.set(key, first + "\n" + text.partition("\n")[2])


def receive_earlier(client: "redis.Redis", key: str, by: timedelta) -> None:
    """Have the sign-up be received longer ago."""
    received = float(read_record(client, key)["received_at"]) - by / timedelta(milliseconds=1)
    change_record(client, key, received_at=f"{received:.3f}")


def strip_to_evidence(client: "redis.Redis", id: str, account: str = "acme") -> None:
    """Leave of the sign-up what retention leaves."""
    key = f"{keys.account(account)}signup:{id}"
    first, _, consent, *_ = str(client.get(key)).split("\n")
    [_, *others] = json.loads(first)
    client.set(key, f"{json.dumps(['cleared', *others])}\n{{}}\n{consent}")
