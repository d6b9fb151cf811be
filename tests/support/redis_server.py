"""A Redis server of the tests' own. It is older than the embedded Valkey, as many are that people
have: Redis 7.0 knows no WAITAOF."""

import sys
from pathlib import Path

from tests.support.valkey_server import ValkeyServer

_BINARY = Path(sys.executable).parent / "redis-server"


def is_installed() -> bool:
    return _BINARY.exists()


class RedisServer(ValkeyServer):
    """Redis with the same options as the embedded server, in `data_dir`."""

    def command(self) -> list[str]:
        assert is_installed(), "there is no Redis to try the scripts on: run make test once"
        _, *options = super().command()
        return [str(_BINARY), *options]
