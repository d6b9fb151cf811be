"""Requests byte by byte, as no HTTP client would send them, and the answers to them."""

import contextlib
import http.client
import re
import socket

from tests.support.web_process import WebProcess

FORM = b"application/x-www-form-urlencoded"


def head(
    target: bytes = b"/f/news",
    *lines: bytes,
    method: bytes = b"POST",
    kind: bytes = FORM,
    accept: bytes = b"application/json",
    version: bytes = b"HTTP/1.1",
    host: bytes = b"Host: localhost",
    last: bool = True,
) -> bytes:
    """Return a request's head. `last` asks the server to close the connection afterwards."""
    first = b" ".join((method, target, version))
    common = [host, b"Accept: " + accept, b"Content-Type: " + kind]
    all_lines = [first, *common, *lines, *([b"Connection: close"] if last else [])]
    return b"\r\n".join(line for line in all_lines if line) + b"\r\n\r\n"


def with_length(body: bytes, *lines: bytes, **options: bytes | bool) -> bytes:
    """Return a request with `body`; `options` are those of `head`."""
    target = options.pop("target", b"/f/news")
    length = b"Content-Length: %d" % len(body)
    return head(target, length, *lines, **options) + body  # type: ignore[arg-type]


def send(web: WebProcess, request: bytes, *, cut: bool = False) -> bytes:
    """Return all that is answered until the server closes; `cut` ends the request there."""
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        with contextlib.suppress(OSError):  # it may be answered and closed before its end
            connection.sendall(request)
            if cut:
                connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while received := connection.recv(65536):
                answer += received
    return bytes(answer)


def read(connection: socket.socket) -> bytes:
    """Return all that the server sends until it closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def first_answer(web: WebProcess, request: bytes) -> int:
    """Return the status of the first answer, and close. The request need not be whole."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer.status


def statuses(answer: bytes) -> list[int]:
    """Return the statuses of all answers, but those of `100 Continue`."""
    found = map(int, re.findall(rb"HTTP/1\.[01] (\d{3}) ", answer))
    return [status for status in found if status != 100]


def accepted(web: WebProcess) -> int:
    """Return how many sign-ups the ledger has taken for the account `acme`."""
    with web.redis.client() as client:
        return int(client.hget("relay:{acme}:totals", "accepted") or 0)
