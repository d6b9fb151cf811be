"""Sign-ups' records as the ledger has them, for tests that look at what is stored, or change it."""

import json
from datetime import timedelta
from typing import Any

import redis


def all_records(client: "redis.Redis", pattern: str = "*:signup:*") -> list[dict[str, Any]]:
    return [read_record(client, key) for key in client.scan_iter(pattern, count=1000)]


def read_record(client: "redis.Redis", key: Any) -> dict[str, Any]:
    """Return how the sign-up stands, and besides `sent`, `contact`, `consent` and `history`."""
    first, sent, consent, *history = str(client.get(key)).split("\n")
    contact = {"custom": [], "other": {}, **json.loads(sent)}
    return {
        "attempts": 0,
        "lost": 0,
        **json.loads(first),
        "lists": contact.pop("lists", []),  # evidence has none
        "contact": contact,
        "consent": {"box": None, "page": None, "posted": None, **json.loads(consent)},
        "history": [json.loads(event) for event in history],
    }


def record_of_any_format(client: "redis.Redis", key: Any) -> dict[str, Any]:
    """Return the fields of a record of the formats 1 and 2, or what `read_record` returns."""
    if client.type(key) == "hash":
        return {str(name): value for name, value in client.hgetall(key).items()}
    return read_record(client, key)


def change_record(client: "redis.Redis", key: str, **fields: Any) -> None:
    """Change how the sign-up stands."""
    first, rest = str(client.get(key)).split("\n", 1)
    client.set(key, json.dumps({**json.loads(first), **fields}) + "\n" + rest)


def receive_earlier(client: "redis.Redis", key: str, by: timedelta) -> None:
    """Have the sign-up be received longer ago."""
    received = float(read_record(client, key)["received_at"]) - by / timedelta(milliseconds=1)
    change_record(client, key, received_at=f"{received:.3f}")
