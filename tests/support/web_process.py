"""A web process as `relay web` runs it, for tests that need real sockets and signals."""

import http.client
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO

from tests.support.ports import free_port
from tests.support.valkey_server import ValkeyServer

_SERVE = """
import os
from shared.infrastructure.settings import Settings
from web.server.processes import serve
serve(Settings.from_env(os.environ))
"""


@dataclass
class WebProcess:
    """Serves the forms of `redis`, keeping its files in `data_dir`.

    `log` gets what it prints. A pipe that nobody reads is full soon, and then web waits.
    """

    redis: ValkeyServer
    data_dir: Path
    environ: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    log: "int | IO[str]" = subprocess.PIPE

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> "subprocess.Popen[str]":
        """Start a process like this one; nothing waits for it."""
        environ = {
            "REDIS_URL": self.redis.url(),
            "RELAY_BIND": f"127.0.0.1:{self.port}",
            "RELAY_PUBLIC_URL": self.url,
            "RELAY_DATA_DIR": str(self.data_dir),
            "RELAY_SECRET_KEY": "a secret only for tests",
            "CTCT_CLIENT_ID": "test-key",
            "CTCT_CLIENT_SECRET": "test-secret",
            **self.environ,
        }
        return subprocess.Popen(
            [sys.executable, "-c", _SERVE],
            env={**os.environ, **environ},
            stderr=self.log,
            text=True,
        )

    def serving(self) -> set[int]:
        """Return the ids of the serving processes."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {
            int(pid)
            for pid in children.split()
            if "resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_text()
        }

    def resident_mebibytes(self) -> float:
        """Return how much memory the serving processes have."""
        texts = [Path(f"/proc/{pid}/status").read_text() for pid in self.serving()]
        return sum(int(text.partition("VmRSS:")[2].split()[0]) for text in texts) / 1024

    def answers(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    def __enter__(self) -> "WebProcess":
        self.process = self.command()
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, "web did not start"
            time.sleep(0.02)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=15)
