"""A Valkey server of the tests' own: started on a free port, killed, frozen and brought back."""

import os
import signal
import subprocess
import time
from pathlib import Path

import redis

from relay.start.embedded_valkey import remove_leftovers, server_command, server_input
from shared.infrastructure.redis_urls import connect
from tests.support.ports import free_port

PASSWORD = "only-for-tests"
MEMORY = 1 << 30


class ValkeyServer:
    """The embedded server exactly as `relay up` runs it, in `data_dir`, which is made if needed."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.data_dir = data_dir
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: int = 0) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def client(self, database: int = 0) -> "redis.Redis":
        return connect(self.url(database), socket_timeout=5)

    def command(self) -> list[str]:
        return server_command(self.data_dir, port=self.port, memory=MEMORY)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        remove_leftovers(self.data_dir)
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        with self._process.stdin as given:
            given.write(server_input(PASSWORD))
        deadline = time.monotonic() + 60
        while not self._answers():
            assert time.monotonic() < deadline, "valkey-server did not start"
            time.sleep(0.01)

    def _answers(self) -> bool:
        client = self.client()
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End the server and what it began at once, as a power cut would."""
        assert self._process is not None
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._wait()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.thaw()
            self._signal(signal.SIGTERM)
            self._wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _wait(self) -> None:
        assert self._process is not None
        self._process.wait(timeout=10)

    def __enter__(self) -> "ValkeyServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
