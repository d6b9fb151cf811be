"""One Redis and one web process for all tests of a module: each begins without sign-ups."""

from collections.abc import Iterator

import pytest

from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def web(
    redis_server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WebProcess]:
    """It has the form `news`."""
    Registry(redis_server.client()).save_form(builders.form())
    unlimited = {"RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0"}
    with WebProcess(redis_server, tmp_path_factory.mktemp("relay"), unlimited) as web:
        yield web


@pytest.fixture(autouse=True)
def no_signups(redis_server: ValkeyServer) -> None:
    with redis_server.client() as client:
        for key in client.scan_iter("relay:{acme}:*"):
            client.delete(key)
