"""A person of whom something is stored in every state, and the search for what is left of any."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import redis

EMAIL = "Ada.Lovelace@example.com"
NAME = "Zebulonia"
# What would tell who it was, however it is written.
TRACES = re.compile(r"ada\.lovelace|zebulonia|198\.51\.100\.77|ada%2elovelace", re.IGNORECASE)


def everything_stored(client: "redis.Redis") -> Iterator[tuple[str, str]]:
    """Yield every key with all that it holds, as a text; and the server's log of slow calls."""
    for key in client.scan_iter("*", count=1000):
        yield str(key), json.dumps(_value(client, str(key)), ensure_ascii=False, default=str)
    yield "the slow log", json.dumps(client.slowlog_get(-1), ensure_ascii=False, default=str)


def _value(client: "redis.Redis", key: str) -> Any:
    match client.type(key):
        case "hash":
            return client.hgetall(key)
        case "zset":
            return client.zrange(key, 0, -1)
        case "list":
            return client.lrange(key, 0, -1)
        case "set":
            return list(client.smembers(key))
        case "string":
            return client.get(key)
    return None


def traces_in_redis(client: "redis.Redis", traces: re.Pattern[str] = TRACES) -> list[str]:
    """Return the keys that tell who the person was."""
    return [key for key, value in everything_stored(client) if traces.search(f"{key} {value}")]


def traces_in_files(folder: Path, traces: re.Pattern[str] = TRACES) -> list[str]:
    """Return the files below `folder` that tell it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in files if traces.search(path.read_bytes().decode("latin-1"))]
