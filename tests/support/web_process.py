"""A web process as `relay web` runs it, for tests that need real sockets and signals."""

import http.client
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.support.ports import free_port
from tests.support.valkey_server import ValkeyServer

SECRET = "a secret only for tests"
_SERVE = """
import os
from shared.infrastructure.settings import Settings
from web.server.processes import serve
serve(Settings.from_env(os.environ))
"""


@dataclass
class WebProcess:
    """Serves the forms of `redis`, keeping its files in `data_dir`.

    It serves from one process, unless `environ` says otherwise: each costs half a second to start.
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
            "RELAY_SECRET_KEY": SECRET,
            "RELAY_WEB_PROCESSES": "1",
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

    def serving(self) -> set[int]:
        return serving_processes(self.process.pid)

    def connection_to(self, pid: int) -> http.client.HTTPConnection:
        """Return a connection that this serving process has taken. It closes idle ones after five
        seconds."""
        deadline = time.monotonic() + 60
        while True:
            assert time.monotonic() < deadline, "the process takes no connection"
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            if _has_socket(pid, self._socket_of(connection)):
                return connection
            connection.close()

    def _socket_of(self, connection: http.client.HTTPConnection) -> str:
        """Return the name of the server's end of the connection."""
        port = int(connection.sock.getsockname()[1])
        ends = (f":{self.port:04X}", f":{port:04X}")
        for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if (words[1][-5:], words[2][-5:]) == ends:
                return f"socket:[{words[9]}]"
        return ""

    def __enter__(self) -> "WebProcess":
        self.process = self.command()
        deadline = time.monotonic() + 60
        while not self.answers():
            assert self.process.poll() is None, self.process.communicate()[1]
            assert time.monotonic() < deadline, "web did not start"
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.terminate()
        self.process.communicate(timeout=15)


def serving_processes(main: int) -> set[int]:
    """Return the ids of the processes that serve: the children of `relay web`."""
    children = Path(f"/proc/{main}/task/{main}/children").read_text(encoding="ascii").split()
    return {int(pid) for pid in children if not _tracks_resources(pid)}


def _tracks_resources(pid: str) -> bool:
    with suppress(OSError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def _has_socket(pid: int, name: str) -> bool:
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            found.append(str(descriptor.readlink()))
    return name in found
