"""A step that is repeated as its answer was lost happens once, on Valkey and an older Redis."""

from collections.abc import Iterator

import pytest

from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.redis_urls import connect
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.ledger_steps import ALL_STEPS, World, stored
from tests.support.redis_server import RedisServer
from tests.support.valkey_server import ValkeyServer

FAULTS = (Fault.REQUEST_LOST, Fault.ANSWER_LOST, Fault.ANSWER_CUT)


@pytest.fixture(scope="module", params=[ValkeyServer, RedisServer])
def proxy(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FaultProxy]:
    with request.param(tmp_path_factory.mktemp("server")) as server:
        with server.client() as client:
            # Else each step that waits for the disk would take up to a second.
            client.config_set("appendfsync", "always")
        with FaultProxy(server) as proxy:
            yield proxy


@pytest.mark.parametrize("name", ALL_STEPS)
def test_a_step_whose_answer_is_lost_and_that_is_repeated_happens_once(
    proxy: FaultProxy, name: str
) -> None:
    step = ALL_STEPS[name]
    with proxy.server.client() as client:
        world = World(client)
        step.prepare(world)
        before = stored(client)
        assert step.on(world, client) is not False
        expected = stored(client)
        assert expected != before

        for fault in FAULTS:
            world = World(client)
            step.prepare(world)
            struck = proxy.struck
            with connect(proxy.url(), socket_timeout=5) as faulty:
                proxy.arm(fault)
                with pytest.raises(LedgerUnavailable):
                    step.on(world, faulty)
                assert proxy.struck == struck + 1
                happened = stored(client)
                step.on(world, faulty)
            assert happened == (before if fault == Fault.REQUEST_LOST else expected), fault
            assert stored(client) == expected, fault
