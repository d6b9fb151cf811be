"""A primary, its replica and three Sentinels that watch them, as real processes: for tests in
which the primary dies and the replica takes over."""

import time
from pathlib import Path

import redis

from relay.start.embedded_valkey import server_command
from tests.support.valkey_server import MEMORY, PASSWORD, ValkeyServer

MASTER = "relay"
SENTINEL_PASSWORD = "only-for-sentinels"
QUORUM = 2
# How long a primary does not answer until it counts as down.
DOWN_AFTER_MS = 1000


class Replica(ValkeyServer):
    """A server that follows another one, or leads it, as the Sentinels say."""

    def __init__(self, data_dir: Path, *, of: ValkeyServer | None = None) -> None:
        super().__init__(data_dir)
        self._of = of

    def command(self) -> list[str]:
        more = ["--masterauth", PASSWORD, "--repl-diskless-sync-delay", "0"]
        if self._of is not None:
            more += ["--replicaof", f"127.0.0.1 {self._of.port}"]
        return [*super().command(), *more]


class Sentinel(ValkeyServer):
    """One Sentinel; its configuration is a file, which it writes to."""

    def __init__(self, data_dir: Path, primary: ValkeyServer) -> None:
        super().__init__(data_dir)
        self._primary = primary

    def command(self) -> list[str]:
        config = self.data_dir / "sentinel.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.data_dir}\nlogfile sentinel.log\n"
            f"requirepass {SENTINEL_PASSWORD}\n"
            f"sentinel monitor {MASTER} 127.0.0.1 {self._primary.port} {QUORUM}\n"
            f"sentinel auth-pass {MASTER} {PASSWORD}\n"
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER_MS}\n"
            f"sentinel failover-timeout {MASTER} 10000\n"
        )
        binary, *_ = server_command(self.data_dir, port=self.port, memory=MEMORY)
        return [binary, str(config), "--sentinel"]

    def client(self, database: int = 0) -> "redis.Redis":
        return redis.Redis(
            port=self.port, password=SENTINEL_PASSWORD, socket_timeout=5, decode_responses=True
        )


class Sentinels(ValkeyServer):
    """The five processes, to be used as if they were one server: whichever leads just now."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.primary = Replica(_made(folder / "primary"))
        self.replica = Replica(_made(folder / "replica"), of=self.primary)
        self.sentinels = [Sentinel(_made(folder / f"s{n}"), self.primary) for n in range(3)]

    def url(self, database: int = 0) -> str:
        hosts = ",".join(f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels)
        options = f"db={database}&sentinel_password={SENTINEL_PASSWORD}"
        return f"sentinel://:{PASSWORD}@{hosts}/{MASTER}?{options}"

    def start(self) -> None:
        for server in self._all:
            server.start()
        deadline = time.monotonic() + 60
        while not self._know_each_other():
            assert time.monotonic() < deadline, "the Sentinels did not find each other"
            time.sleep(0.1)

    def thaw(self) -> None:
        """Nothing is ever frozen here."""

    def stop(self) -> None:
        for server in self._all:
            server.stop()

    def replicate(self) -> None:
        """Wait until the replica has all that the primary has."""
        with self.primary.client() as client:
            client.set("tests:marker", "1")
            assert client.wait(1, 10_000) == 1

    def replica_leads(self) -> bool:
        try:
            with self.replica.client() as client:
                return bool(client.info("replication")["role"] == "master")
        except redis.ConnectionError:  # it ends all connections when its role changes
            return False

    @property
    def _all(self) -> tuple[ValkeyServer, ...]:
        return self.primary, self.replica, *self.sentinels

    def _know_each_other(self) -> bool:
        """Whether every Sentinel can take part in a failover."""
        for sentinel in self.sentinels:
            with sentinel.client() as client:
                state = client.sentinel_master(MASTER)
            if state["num-other-sentinels"] < 2 or state["num-slaves"] < 1:
                return False
        return self._follows()

    def _follows(self) -> bool:
        with self.replica.client() as client:
            return bool(client.info("replication").get("master_link_status") == "up")


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
