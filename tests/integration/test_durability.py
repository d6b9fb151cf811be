"""A server that could lose sign-ups is recognised; one that keeps them is left in peace."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from shared.ledger.durability import durability_problems
from shared.redis_urls import connect
from tests.valkey_server import ValkeyServer


@pytest.fixture
def careless(tmp_path: Path) -> Iterator["redis.Redis"]:
    """A server set up as many are by default."""
    with ValkeyServer(tmp_path) as server, server.client() as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")
        yield client


def test_the_embedded_server_keeps_everything(redis_client: "redis.Redis") -> None:
    assert durability_problems(redis_client) == []


def test_a_careless_server_is_told_what_to_set(careless: "redis.Redis") -> None:
    problems = " ".join(durability_problems(careless))
    assert "appendonly yes" in problems
    assert "maxmemory-policy noeviction" in problems


def test_a_server_that_does_not_answer_is_not_judged() -> None:
    assert durability_problems(connect("redis://127.0.0.1:9/0", socket_connect_timeout=0.5)) == []
