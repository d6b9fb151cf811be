"""The server itself: how it starts and ends, and what of HTTP reaches the app."""

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from shared.ledger.format import open_ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from web.server.processes import STOP_SECONDS

HEAD = (
    "POST /f/news HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\nConnection: close\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    """Valkey with the form `news`, for all tests of this module."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server, server.client() as client:
        open_ledger(client)
        Registry(client).save_form(builders.form())
        yield server


@pytest.fixture(scope="module")
def web(server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """Web for all tests that do not end it."""
    behind_a_proxy = {"RELAY_TRUSTED_PROXIES": "1"}
    with WebProcess(server, tmp_path_factory.mktemp("web"), behind_a_proxy) as web:
        yield web


@pytest.fixture
def client(server: ValkeyServer) -> Iterator["redis.Redis"]:
    with server.client() as client:
        yield client


def send(web: WebProcess, request: bytes, *, cut: bool = False) -> bytes:
    """Return all that is answered; `cut` ends the request there."""
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        connection.sendall(request)
        if cut:
            connection.shutdown(socket.SHUT_WR)
        answer = b""
        while received := connection.recv(65536):
            answer += received
    return answer


def chunked(*chunks: bytes) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
    return f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode() + body


def test_a_chunked_body_is_a_sign_up_and_a_large_one_is_413(web: WebProcess) -> None:
    assert send(web, chunked(b"email=ada", b"%40example.com")).startswith(b"HTTP/1.1 202")
    assert send(web, chunked(b"a" * 65536, b"a")).startswith(b"HTTP/1.1 413")


def test_visitors_with_idle_connections_shut_nobody_out(web: WebProcess) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with ExitStack() as idle:
        for _ in range(600):
            connection = idle.enter_context(socket.create_connection(("127.0.0.1", web.port), 5))
            connection.sendall(ask)
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        assert send(web, chunked(b"email=ada%40example.com")).startswith(b"HTTP/1.1 202")


def test_of_several_lines_that_proxies_added_the_last_one_counts(
    web: WebProcess, client: "redis.Redis"
) -> None:
    lines = "X-Forwarded-For: 192.0.2.66\r\nX-Forwarded-For: [2001:db8::7]:5234\r\n"
    body = b"email=behind.a.proxy%40example.com"
    head = f"{HEAD}{lines}Content-Length: {len(body)}\r\n\r\n".encode()
    assert send(web, head + body).startswith(b"HTTP/1.1 202")
    [consent] = [
        str(record["consent"])
        for record in all_records(client)
        if "behind.a.proxy@example.com" in str(record)
    ]
    assert "2001:db8::7" in consent and "5234" not in consent and "192.0.2.66" not in consent


@pytest.mark.parametrize("size", [65_537, 900_000])
def test_a_large_body_is_413(web: WebProcess, size: int) -> None:
    head = f"{HEAD}Content-Length: {size}\r\n\r\n".encode()
    assert send(web, head + b"a" * size).startswith(b"HTTP/1.1 413")


def test_a_body_that_breaks_off_is_no_sign_up(web: WebProcess, client: "redis.Redis") -> None:
    before = len(all_records(client))
    whole = b"email=broken.off%40example.co"
    head = f"{HEAD}Content-Length: {len(whole) + 1}\r\n\r\n".encode()
    assert not send(web, head + whole, cut=True).startswith(b"HTTP/1.1 202")
    assert len(all_records(client)) == before
    assert send(web, head + whole + b"m").startswith(b"HTTP/1.1 202")
    assert len(all_records(client)) == before + 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_soon(
    server: ValkeyServer, tmp_path: Path, number: signal.Signals
) -> None:
    # Mostly at once. Under load granian now and then misses to tell a connection that has just
    # become idle; then it ends when that connection does, or is killed: see STOP_SECONDS.
    with (
        WebProcess(server, tmp_path) as web,
        socket.create_connection(("127.0.0.1", web.port)) as idle,
    ):
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65536).startswith(b"HTTP/1.1 200")  # and stays open
        web.process.send_signal(number)
        assert web.process.wait(timeout=3 * STOP_SECONDS) == 0


def test_an_address_in_use_is_one_clear_sentence(web: WebProcess) -> None:
    second = web.command()
    _, errors = second.communicate(timeout=15)
    assert second.returncode == 1
    last = errors.strip().splitlines()[-1]
    assert last.endswith(
        f"web cannot listen at 127.0.0.1:{web.port} (RELAY_BIND): Address already in use"
    )


@pytest.mark.slow  # one that dies is in test_many_processes.py
def test_serving_processes_that_all_die_are_replaced(server: ValkeyServer, tmp_path: Path) -> None:
    with WebProcess(server, tmp_path, {"RELAY_WEB_PROCESSES": "2"}) as web:
        before = web.serving()
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: len(web.serving() - before) == 2, what="new")
        eventually(web.answers, what="an answer")
