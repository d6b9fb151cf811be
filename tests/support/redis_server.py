"""A Redis server of the tests' own. It is older than the embedded Valkey, as many are that people
have: Redis 7.0 knows no WAITAOF."""

import sys
from pathlib import Path

from tests.support.valkey_server import ValkeyServer


class RedisServer(ValkeyServer):
    """Redis with the same options as the embedded server, in `data_dir`."""

    def command(self) -> list[str]:
        binary = Path(sys.executable).parent / "redis-server"
        assert binary.exists(), "there is no Redis to try the scripts on: run make test once"
        _, *options = super().command()
        return [str(binary), *options]
