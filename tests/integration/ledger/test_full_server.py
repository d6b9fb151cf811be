"""A server that takes no writes does no step by half, be it full, a replica or without replicas.
A sign-up that was sent is settled even on a full server."""

from collections.abc import Callable, Iterator

import pytest
import redis

from shared.domain.errors import LedgerUnavailable
from tests.support.builders import attempt, claimed
from tests.support.ledger_steps import (
    ALL_STEPS,
    CLEARING,
    INTAKE,
    RENEWING,
    SETTLING,
    STARTING,
    World,
    stored,
)
from tests.support.redis_server import RedisServer
from tests.support.refused_writes import demote, fill, isolate, restore
from tests.support.valkey_server import ValkeyServer

# What lanes and refreshes do with what came of a call that was made already, and what makes room.
# They begin with a write that frees memory, after which the server lets a script go on.
NEED_NO_MEMORY = SETTLING | RENEWING | CLEARING
NEED_MEMORY = (*INTAKE, *STARTING, "hold_quota", "rest")


@pytest.fixture(scope="module", params=[ValkeyServer, RedisServer])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ValkeyServer]:
    with request.param(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def client(server: ValkeyServer) -> Iterator["redis.Redis"]:
    """A client of the server. The server takes writes again afterwards."""
    with server.client() as client:
        client.config_set("appendfsync", "always")
        yield client
        restore(client)


@pytest.mark.parametrize("name", NEED_NO_MEMORY)
def test_the_outcome_of_a_call_is_written_even_on_a_full_server(
    client: "redis.Redis", name: str
) -> None:
    step = NEED_NO_MEMORY[name]
    world = World(client)
    step.prepare(world)
    step.on(world, client)
    expected = stored(client)

    world = World(client)
    step.prepare(world)
    fill(client)
    step.on(world, client)
    assert stored(client) == expected


@pytest.mark.parametrize("name", NEED_MEMORY)
def test_a_full_server_refuses_what_needs_memory_and_keeps_none_of_it(
    client: "redis.Redis", name: str
) -> None:
    assert_refused_whole(client, name, fill)


@pytest.mark.parametrize("stop", [demote, isolate])
@pytest.mark.parametrize("name", ALL_STEPS)
def test_a_server_that_may_not_write_refuses_every_step_and_keeps_none_of_it(
    client: "redis.Redis", name: str, stop: Callable[["redis.Redis"], None]
) -> None:
    assert_refused_whole(client, name, stop)


def assert_refused_whole(
    client: "redis.Redis", name: str, stop: Callable[["redis.Redis"], None]
) -> None:
    world = World(client)
    ALL_STEPS[name].prepare(world)
    before = stored(client)
    stop(client)
    with pytest.raises(LedgerUnavailable):
        ALL_STEPS[name].on(world, client)
    assert stored(client) == before


@pytest.mark.parametrize("stop", [fill, demote, isolate])
def test_everything_flows_when_the_server_takes_writes_again(
    client: "redis.Redis", stop: Callable[["redis.Redis"], None]
) -> None:
    world = World(client)
    stop(client)
    with pytest.raises(LedgerUnavailable):
        world.claim()
    restore(client)
    for _ in range(2):
        sent = claimed(world.ledger)
        assert world.ledger.deliver(sent, attempt(), contact_id="c", action="created")
    figures = world.ledger.figures("acme")
    assert (figures.accepted, figures.delivered, figures.due) == (2, 2, 0)
