"""A broker on a server of its own, which a test may end."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.valkey_server import ValkeyServer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "broker") as server:
        yield server
