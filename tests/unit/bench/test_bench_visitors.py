"""The load generator of `make bench`: what it counts, and that it hides no waiting."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.bench.correctness import LostSignups, expect
from tests.bench.visitors import send_all
from tests.support.ports import free_port

ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def serving(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """Answer each request of one connection after the other, in these pieces; yield HOST:PORT."""
    port, ended = free_port(), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1 << 16):
                for piece in pieces:
                    ended.wait(pause)
                    connection.sendall(piece)
                if not pieces:
                    return

    with socket.create_server(("127.0.0.1", port)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            ended.set()
            thread.join(timeout=10)


def test_every_answer_is_kept_with_its_status() -> None:
    with serving(ANSWER) as address:
        answers = send_all(address, [b"1", b"2", b"3"], visitors=1)
    assert answers.statuses == {202: 3}
    assert answers.bodies == [b"ok"] * 3


def test_an_answer_in_pieces_is_one_answer() -> None:
    with serving(ANSWER[:20], ANSWER[20:-1], ANSWER[-1:], pause=0.01) as address:
        assert send_all(address, [b"1"], visitors=1).bodies == [b"ok"]


def test_at_a_fixed_rate_waiting_counts_from_when_a_request_was_due() -> None:
    with serving(ANSWER, pause=0.1) as address:
        answers = send_all(address, [b"1", b"2", b"3"], rate=1000, visitors=1)
    assert answers.latencies[2] > 0.28, "the third waited for the two before it"


def test_a_connection_that_breaks_ends_the_run() -> None:
    with serving() as address, pytest.raises(ConnectionError):
        send_all(address, [b"1"], visitors=1)


def test_what_is_not_as_expected_fails_the_run() -> None:
    expect("answers", {202: 3}, {202: 3})
    with pytest.raises(LostSignups, match=r"answers: \{202: 2\}, not \{202: 3\}"):
        expect("answers", {202: 2}, {202: 3})
