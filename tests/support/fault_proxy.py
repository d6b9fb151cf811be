"""A proxy on the way to a Redis server that breaks it where a test wants: the request never
arrives, or it does and its answer is lost, cut short, late, or comes byte by byte."""

import selectors
import socket
import threading
from dataclasses import dataclass, field
from enum import StrEnum

from tests.support.valkey_server import PASSWORD, ValkeyServer


class Fault(StrEnum):
    """What becomes of a request; its connection is closed then, but for `LATE` and `SLOW`."""

    REQUEST_LOST = "request lost"
    ANSWER_LOST = "answer lost"
    ANSWER_CUT = "answer cut"
    LATE = "late"
    SLOW = "slow"


_RUNS_A_SCRIPT = b"\r\nEVALSHA\r\n"


@dataclass
class FaultProxy:
    """Stands before `server`; everything passes until a fault is armed. `writes` counts what came
    from clients in one piece."""

    server: ValkeyServer
    struck: int = 0
    writes: int = 0
    # What becomes of the next requests that run a script, the last one first.
    _armed: list[tuple[Fault | None, float]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self) -> str:
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    def arm(self, fault: Fault, *, seconds: float = 0) -> None:
        """Let `fault` strike the next request that runs a script. `seconds` is how late its answer
        is, or each of its bytes."""
        self._armed = [(fault, seconds)]

    def arm_every(self, faults: list[Fault], *, apart: int) -> None:
        """Let these faults strike, one after the other, requests that run scripts, so far apart."""
        spared: list[tuple[Fault | None, float]] = [(None, 0)] * (apart - 1)
        self._armed = [each for fault in reversed(faults) for each in (*spared, (fault, 0.0))]

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def _strike(self, request: bytes) -> tuple[Fault | None, float] | None:
        """Return the fault that this request meets, if any."""
        with self._lock:
            if not self._armed or _RUNS_A_SCRIPT not in request:
                return None
            fault, seconds = self._armed.pop()
            self.struck += fault is not None
            return fault, seconds

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        """Carry one connection until either side, or a fault, ends it."""
        with client:
            try:
                with socket.create_connection(("127.0.0.1", self.server.port)) as server:
                    self._pass_on(client, server)
            except OSError:
                return  # which the other side sees as its connection's end

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        met: tuple[Fault | None, float] = (None, 0)
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ)
            ready.register(server, selectors.EVENT_READ)
            while not self._ended.is_set():
                for key, _ in ready.select(timeout=0.2):
                    data = key.fileobj.recv(65536)  # type: ignore[union-attr]
                    if not data:
                        return
                    if key.fileobj is client:
                        self.writes += 1
                        met = self._strike(data) or met
                        if met[0] == Fault.REQUEST_LOST:
                            return
                        server.sendall(data)
                    elif self._answer(client, data, *met):
                        return

    def _answer(
        self, client: socket.socket, data: bytes, fault: Fault | None, seconds: float
    ) -> bool:
        """Give the client what the fault leaves of its answer; True when that was all."""
        match fault:
            case Fault.ANSWER_LOST:
                return True
            case Fault.ANSWER_CUT:
                client.sendall(data[: len(data) // 2])
                return True
            case Fault.LATE:
                self._ended.wait(seconds)
            case Fault.SLOW:
                for byte in data:
                    client.sendall(bytes([byte]))
                    self._ended.wait(seconds)
                return False
        client.sendall(data)
        return False

    def __enter__(self) -> "FaultProxy":
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.2)
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._accepting.join()
        self._listener.close()
