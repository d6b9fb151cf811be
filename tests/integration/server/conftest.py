"""A web as `relay web` runs it, which all tests here share: they only send requests."""

from collections.abc import Iterator

import pytest

from shared.ledger.format import open_ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess


@pytest.fixture(scope="package")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A web of two processes with the form `news`, behind one trusted proxy."""
    folder = tmp_path_factory.mktemp("web")
    settings = {
        "RELAY_WEB_PROCESSES": "2",
        "RELAY_VISITOR_LIMIT": "0",
        "RELAY_PERSON_LIMIT": "0",
        "RELAY_TRUSTED_PROXIES": "1",
    }
    with ValkeyServer(folder / "valkey") as valkey, (folder / "log").open("w") as log:
        with valkey.client() as client:
            open_ledger(client)
            Registry(client).save_form(builders.form())
        with WebProcess(valkey, folder, settings, log=log) as web:
            yield web
