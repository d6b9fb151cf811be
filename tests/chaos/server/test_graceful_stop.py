"""SIGTERM while visitors sign up: none who was answered is lost, and web ends soon."""

import http.client
import itertools
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlencode

import pytest

from tests.support.raw_http import accepted, head, send, with_length
from tests.support.stack import eventually
from tests.support.web_process import WebProcess
from web.server.processes import STOP_SECONDS

VISITORS = 8


def sign_up_until_the_end(web: WebProcess, visitor: int) -> list[str]:
    """Return the ids of the sign-ups that were answered. The connection is kept alive."""
    connection = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    answered: list[str] = []
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    try:
        for number in itertools.count():
            body = urlencode({"email": f"visitor{visitor}-{number}@example.com"})
            connection.request("POST", "/f/news", body, headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status == 202:
                answered.append(text.decode().partition('"id":"')[2].partition('"')[0])
    except (OSError, http.client.HTTPException):
        pass
    finally:
        connection.close()
    return answered


def ends(web: WebProcess) -> bool:
    """Whether the process has ended well within the time that it gives its requests."""
    return web.process.wait(timeout=3 * STOP_SECONDS) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_loses_no_sign_up_that_was_answered(web: WebProcess, number: signal.Signals) -> None:
    with ThreadPoolExecutor(VISITORS) as pool:
        visitors = [pool.submit(sign_up_until_the_end, web, each) for each in range(VISITORS)]
        eventually(lambda: accepted(web) > 200, within=30, what="signing up")
        web.process.send_signal(number)
        assert ends(web)
        answered = [id for visitor in visitors for id in visitor.result()]
    with web.redis.client() as client:
        stored = {str(key).rpartition(":")[2] for key in client.scan_iter("*:signup:*")}
    assert len(answered) > 200
    assert set(answered) <= stored


@pytest.mark.slow
def test_a_sign_up_that_is_under_way_is_still_answered(web: WebProcess) -> None:
    request = with_length(b"email=ada%40example.com")
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(request[:-5])
        send(web, head(b"/healthz", method=b"GET"))  # so web has read what came before
        web.process.terminate()
        eventually(lambda: not web.answers(), within=10, what="the end of new connections")
        connection.sendall(request[-5:])
        assert connection.recv(100).startswith(b"HTTP/1.1 202")
    assert ends(web)
    assert accepted(web) == 1


@pytest.mark.slow
def test_connections_that_do_nothing_prolong_no_stop(web: WebProcess) -> None:
    with ExitStack() as idle:
        for request in (b"", head(b"/f/news", b"Content-Length: 9", last=False), b"GET / HT"):
            for _ in range(10):
                connection = socket.create_connection(("127.0.0.1", web.port))
                idle.enter_context(connection).sendall(request)
        web.process.terminate()
        assert ends(web)
