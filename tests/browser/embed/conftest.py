"""One Redis and one web process for all tests of a module: each begins without sign-ups."""

import pytest

from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess


@pytest.fixture(scope="module")
def redis_server(redis_of_module: ValkeyServer) -> ValkeyServer:
    return redis_of_module


@pytest.fixture(scope="module")
def web(web_of_module: WebProcess) -> WebProcess:
    return web_of_module


@pytest.fixture(autouse=True)
def clean(no_signups: None) -> None:
    """Forget those of the test before."""
