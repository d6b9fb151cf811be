"""Restores a dump: what one version kept in Redis and in a web host's data folder.

All times in it are moved to now, so that everything is as old as it was when the dump was made:
an open claim is open, a hold that lasts until midnight lasts. README.md says what is in a dump.
"""

import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import redis

FORMAT_1 = Path(__file__).parent / "format_1"
FORMAT_2 = Path(__file__).parent / "format_2"
FORMAT_3 = Path(__file__).parent / "format_3"

# Milliseconds since 1970, and microseconds.
_EPOCH = re.compile(r"\b1\d{12}(\d{3})?\b")
_ISO = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|\+00:00)")
_DATE = re.compile(r"(?<=:)\d{4}-\d\d-\d\d(?=\")")
_COUNTED = re.compile(r"\b(stats|day):(\d+)")

Move = Callable[[str], str]


def restore(dump: Path, client: "redis.Redis", data_dir: Path) -> None:
    """Write the dump into `data_dir` and the database of `client`, and nothing else is there."""
    client.flushdb()
    text = (dump / "ledger.json").read_text(encoding="utf-8")
    taken_at = datetime.fromtimestamp(json.loads(text)["taken_at"] / 1000, UTC)
    move = _mover(taken_at, datetime.now(UTC))
    with client.pipeline(transaction=False) as calls:
        for entry in json.loads(move(text))["keys"]:
            _write(calls, entry["key"], entry["type"], entry["value"])
            if entry["ttl_ms"] is not None:
                calls.pexpire(entry["key"], entry["ttl_ms"])
        calls.execute()
    restore_folder(dump, data_dir, move)


def everything(client: "redis.Redis") -> dict[str, Any]:
    """Return all that the database holds, but for what is soon gone by itself."""
    keys = list(map(str, client.scan_iter()))
    with client.pipeline(transaction=False) as calls:
        for key in keys:
            calls.pttl(key)
            calls.type(key)
        answers = calls.execute()
        kinds = dict(zip(keys, answers[1::2], strict=True))
        lasting = [key for key, life in zip(keys, answers[::2], strict=True) if life == -1]
        for key in lasting:
            _read(calls, key, kinds[key])
        return dict(zip(lasting, calls.execute(), strict=True))


def _read(calls: "redis.client.Pipeline", key: str, kind: str) -> None:
    match kind:
        case "string":
            calls.get(key)
        case "hash":
            calls.hgetall(key)
        case "list":
            calls.lrange(key, 0, -1)
        case "set":
            calls.smembers(key)
        case "zset":
            calls.zrange(key, 0, -1, withscores=True)


def _write(client: "redis.client.Pipeline", key: str, kind: str, value: Any) -> None:
    match kind:
        case "string":
            client.set(key, value)
        case "hash":
            client.hset(key, mapping=value)
        case "list":
            client.rpush(key, *value)
        case "set":
            client.sadd(key, *value)
        case "zset":
            client.zadd(key, value)


def restore_folder(dump: Path, data_dir: Path, move: Move) -> None:
    """Write the data folder alone; `move` is applied to all times in it."""
    (data_dir / "spool").mkdir(parents=True, exist_ok=True)
    for name in ("forms.json", "secret_key"):
        shutil.copy(_file(dump, name), data_dir / name)
    connection = sqlite3.connect(data_dir / "spool" / "sign-ups.sqlite3")
    connection.executescript(move(_file(dump, "spool.sql").read_text(encoding="utf-8")))
    connection.close()


def _file(dump: Path, name: str) -> Path:
    """Return the dump's file, or that of format 1, whose other files are the same."""
    own = dump / name
    return own if own.exists() else FORMAT_1 / name


def _mover(taken_at: datetime, now: datetime) -> Move:
    """Return what moves every time in a text by as much as has gone by since `taken_at`."""
    ahead = now - taken_at
    milliseconds = round(ahead / timedelta(milliseconds=1))
    days = (now.date() - taken_at.date()).days
    counted = {"stats": round(ahead / timedelta(minutes=1)), "day": days}

    def move(text: str) -> str:
        text = _EPOCH.sub(
            lambda found: str(int(found[0]) + milliseconds * (1000 if found[1] else 1)), text
        )
        text = _ISO.sub(lambda found: _moved_iso(found[0], ahead), text)
        text = _DATE.sub(
            lambda found: str(datetime.fromisoformat(found[0]).date() + timedelta(days)), text
        )
        return _COUNTED.sub(lambda found: f"{found[1]}:{int(found[2]) + counted[found[1]]}", text)

    return move


def _moved_iso(stamp: str, ahead: timedelta) -> str:
    moved = datetime.fromisoformat(stamp) + ahead
    if stamp.endswith("Z"):
        return f"{moved:%Y-%m-%dT%H:%M:%SZ}"
    return moved.isoformat()
