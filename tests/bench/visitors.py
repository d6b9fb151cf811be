"""A load generator that is cheap beside any server: ready-made requests over kept-alive sockets.

Closed loop, for the most that a server can do: each visitor waits for an answer, then sends the
next request. Open loop, at a fixed rate: a request's latency counts from when it was due, so a
server cannot hide its delays by keeping visitors from asking.
"""

import re
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

VISITORS = 64
PATIENCE = 10.0

_HEAD = re.compile(
    rb"HTTP/1.1 (\d{3}).*?\r\ncontent-length: (\d+)\r\n(?:.*?\r\n)??\r\n", re.DOTALL | re.IGNORECASE
)


@dataclass(slots=True)
class Answers:
    """What came back; `latencies`, `seconds` and `cpu`, the generator's own, are in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    bodies: list[bytes] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0


def send_all(
    address: str,
    requests: Sequence[bytes],
    *,
    rate: float | None = None,
    visitors: int = VISITORS,
) -> Answers:
    """Send all requests to HOST:PORT, `rate` a second or as fast as answers come.

    Raises `OSError` when a connection breaks, or when no answer comes for ten seconds.
    """
    answers = Answers()
    with _connected(address, visitors) as sockets:
        started, cpu = time.perf_counter(), time.process_time()
        _Loop(sockets, requests, answers, started, 1 / rate if rate else 0.0).run()
        answers.seconds = time.perf_counter() - started
        answers.cpu = time.process_time() - cpu
    return answers


@contextmanager
def _connected(address: str, visitors: int) -> Iterator[list[socket.socket]]:
    host, _, port = address.rpartition(":")
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_connection((host, int(port))))
            for _ in range(visitors)
        ]
        for each in sockets:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sockets


class _Loop:
    """Sends what is due over idle sockets, and reads what the busy ones got."""

    def __init__(
        self,
        sockets: list[socket.socket],
        requests: Sequence[bytes],
        answers: Answers,
        started: float,
        gap: float,
    ) -> None:
        self._sockets = {each.fileno(): each for each in sockets}
        self._idle = deque(self._sockets)
        self._requests = requests
        self._answers = answers
        self._started = started
        self._gap = gap
        self._sent = 0
        self._due_at: dict[int, float] = {}  # of the request that a busy socket sent
        self._partial: dict[int, bytes] = {}

    def run(self) -> None:
        with select.epoll() as poll:
            for each in self._sockets:
                poll.register(each, select.EPOLLIN)
            while self._due_at or self._sent < len(self._requests):
                self._send_due()
                for ready in self._wait(poll):
                    self._read(ready)

    def _wait(self, poll: select.epoll) -> list[int]:
        """Return the sockets with an answer, or none when the next request is due."""
        patience = self._until_next()
        # epoll alone waits for whole milliseconds, which is too coarse for an open loop.
        answered, _, _ = select.select((poll,), (), (), patience)
        if not answered and patience == PATIENCE:
            raise TimeoutError(f"no answer within {PATIENCE:g} s")
        return [ready for ready, _ in poll.poll(0)]

    def _send_due(self) -> None:
        now = time.perf_counter()
        while self._idle and self._sent < len(self._requests) and self._next_due(now) <= now:
            free = self._idle.popleft()
            self._due_at[free] = self._next_due(now)
            self._sockets[free].sendall(self._requests[self._sent])
            self._sent += 1

    def _next_due(self, now: float) -> float:
        return self._started + self._sent * self._gap if self._gap else now

    def _until_next(self) -> float:
        """Return the seconds until a request is due that can be sent; else `PATIENCE`."""
        if not self._idle or self._sent == len(self._requests):
            return PATIENCE
        now = time.perf_counter()
        return max(0.0, self._next_due(now) - now)

    def _read(self, ready: int) -> None:
        received = self._sockets[ready].recv(1 << 16)
        if not received:
            raise ConnectionError("the server closed a connection")
        received = self._partial.pop(ready, b"") + received
        head = _HEAD.match(received)
        if not head or len(received) < head.end() + int(head[2]):
            self._partial[ready] = received
            return
        self._answers.latencies.append(time.perf_counter() - self._due_at.pop(ready))
        self._answers.statuses[int(head[1])] += 1
        self._answers.bodies.append(received[head.end() :])
        self._idle.append(ready)
