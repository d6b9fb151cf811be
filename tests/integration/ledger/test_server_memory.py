"""The server's memory: what workers note of it, and what comes of the notes."""

from datetime import timedelta
from typing import Any

import pytest
import redis

from shared.infrastructure.redis_urls import connect
from shared.ledger import keys, limits
from shared.ledger.redis_server.memory import ServerMemory
from shared.ledger.redis_server.server_inspection import inspect_server
from shared.ledger.script_library import Scripts
from tests.support.command_line import CommandLine
from tests.support.ledger_model import Clock, turnable_server
from tests.support.redis_settings import configured
from tests.support.valkey_server import ValkeyServer

MIB = 1 << 20
DAY = timedelta(days=1)
HOUR_US = 3_600_000_000
BEGIN_US = 1_700_000_000_000_000 // HOUR_US * HOUR_US


def grow(client: "redis.Redis", *, hours: int) -> None:
    """Write the notes of a server that has grown by half of its memory in so many hours."""
    now_ms, used = int(client.time()[0]) * 1000, client.info("memory")["used_memory"]
    for ago in range(hours, 0, -1):
        note = f"{now_ms - ago * 3_600_000} {round(used * (1 - ago / hours / 2))}"
        client.hset(keys.MEMORY, f"long:{ago}", note)


def test_workers_note_the_memory_once_in_each_slot(redis_client: "redis.Redis") -> None:
    for _ in range(3):
        ServerMemory(redis_client).note()
    kinds = sorted(str(field).split(":")[0] for field in redis_client.hkeys(keys.MEMORY))
    assert kinds in (["long", "short"], ["long", "short", "short"])  # a slot may end meanwhile
    (used,) = {str(note).split()[1] for note in redis_client.hvals(keys.MEMORY)}
    assert MIB / 2 < int(used) < 100 * MIB


def test_the_notes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LONG_MEMORY_SLOTS", 3)
    monkeypatch.setattr(limits, "MEMORY_SLOTS", 2)
    clock = Clock(BEGIN_US)
    client = turnable_server(monkeypatch, clock)
    for minutes in (*range(0, 600, 5), 30):  # at last, the clock is turned back
        clock.us = BEGIN_US + minutes * 60_000_000
        Scripts(client).run("memory/note", history=keys.MEMORY, used=minutes)
        assert client.hlen(keys.MEMORY) <= 5
    assert [str(note).split()[1] for note in client.hvals(keys.MEMORY)] == ["30", "30"]


def test_a_server_that_will_be_full_is_told_by_status_and_doctor(
    run: CommandLine, redis_client: "redis.Redis"
) -> None:
    grow(redis_client, hours=48)
    used = redis_client.info("memory")["used_memory"]
    with configured(redis_client, "maxmemory", used * 2):
        found = run("status", "--json").json["memory"]
        said = run("status").out
        checks = run("doctor", "--json").json["checks"]
    assert found["limited"]
    assert DAY * 3 < timedelta(seconds=found["full_in_seconds"]) < DAY * 5
    assert "At this pace Redis is full in" in said
    assert "RELAY_RETAIN_DELIVERED" in said
    (check,) = (each for each in checks if each["name"] == "redis_memory")
    assert check["verdict"] == "problem"
    assert "At this pace Redis is full in" in check["found"]


def test_a_server_without_a_limit_has_the_machines_memory(redis_client: "redis.Redis") -> None:
    with configured(redis_client, "maxmemory", 0):
        memory = inspect_server(redis_client).memory
    assert memory is not None
    assert not memory.limited
    assert memory.limit == redis_client.info("memory")["total_system_memory"]


def test_a_server_that_does_not_report_its_memory(
    redis_client: "redis.Redis", valkey: ValkeyServer
) -> None:
    admin: Any = valkey.client()
    admin.execute_command("ACL", "SETUSER", "quiet", "on", ">pw", "~*", "+@all", "-info")
    client = connect(f"redis://quiet:pw@127.0.0.1:{valkey.port}/0")
    try:
        ServerMemory(client).note()
        assert ServerMemory(client).forecast() is None
        assert not redis_client.exists(keys.MEMORY)
    finally:
        client.close()
        admin.execute_command("ACL", "DELUSER", "quiet")
        admin.close()
