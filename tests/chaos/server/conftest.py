"""A web of its own for each test, as `relay web` runs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess


@pytest.fixture
def web(valkey: ValkeyServer, redis_client: object, tmp_path: Path) -> Iterator[WebProcess]:
    """A web of two processes, which does not count how many sign-ups come from one address."""
    with valkey.client() as client:
        Registry(client).save_form(builders.form())
    settings = {"RELAY_WEB_PROCESSES": "2", "RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0"}
    with (
        (tmp_path / "log").open("w") as log,
        WebProcess(valkey, tmp_path, settings, log=log) as web,
    ):
        yield web
