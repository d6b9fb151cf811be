"""A body that is too large is refused before it is read, on every route and in every form."""

import json
import socket
import time

import pytest

from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.raw_http import accepted, first_answer, head, read, send, statuses, with_length
from tests.support.stack import eventually
from tests.support.web_process import WebProcess

SIGN_UP, SIGN_IN, COUNTED = b"/f/news", b"/console/sign-in", b"/f/counted"
OTHERS = [
    SIGN_IN,
    b"/console/sign-out",
    b"/connect/link/token",
    b"/healthz",
    b"/nothing",
    b"/f/news/thanks",
]


def chunks(total: int, size: int) -> bytes:
    return b"%x\r\n%s\r\n" % (size, b"a" * size) * (total // size)


@pytest.mark.parametrize(
    ("target", "length"),
    [(SIGN_UP, 65 * 1024), (SIGN_UP, 2**63), *((target, 100 * 2**20) for target in OTHERS)],
)
@pytest.mark.parametrize("method", [b"POST", b"GET", b"PUT"])
def test_a_large_body_that_is_announced_is_refused_at_once(
    web: WebProcess, target: bytes, length: int, method: bytes
) -> None:
    begun = time.monotonic()
    request = head(target, b"Content-Length: %d" % length, method=method)
    assert first_answer(web, request) == 413
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("target", "length"), [(SIGN_UP, 64 * 1024), *((target, 16 * 1024) for target in OTHERS)]
)
def test_a_body_up_to_the_limit_is_not_too_large(
    web: WebProcess, target: bytes, length: int
) -> None:
    assert statuses(send(web, with_length(b"a" * length, target=target))) != [413]
    assert statuses(send(web, with_length(b"a" * (length + 1), target=target))) == [413]


@pytest.mark.parametrize("target", [SIGN_UP, SIGN_IN])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"a&" * 2**21, id="four mebibytes of nothing"),
        pytest.param(b"name=admin&password=" + b"x" * 2**21, id="a password"),
    ],
)
def test_a_large_body_that_is_sent_all_the_same_is_refused(
    web: WebProcess, target: bytes, body: bytes
) -> None:
    before = web.resident_mebibytes()
    assert statuses(send(web, with_length(body, target=target))) in ([413], [])
    assert web.resident_mebibytes() - before < 20


@pytest.mark.slow
@pytest.mark.parametrize("target", [SIGN_UP, SIGN_IN])
def test_a_large_file_is_refused(web: WebProcess, target: bytes) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    request = head(
        target, b"Content-Length: %d" % (150 * 2**20), kind=b"multipart/form-data; boundary=b"
    )
    assert first_answer(web, request + part + b"x" * 700_000) == 413


@pytest.mark.parametrize("target", [SIGN_UP, SIGN_IN, b"/nothing"])
def test_a_chunked_body_without_end_is_refused_at_its_limit(web: WebProcess, target: bytes) -> None:
    request = head(target, b"Transfer-Encoding: chunked")
    assert first_answer(web, request + chunks(600_000, 1000)) == 413


@pytest.mark.parametrize("accept", [b"text/html", b"application/json"])
def test_a_page_can_read_that_its_sign_up_is_too_large(web: WebProcess, accept: bytes) -> None:
    """A browser reads no answer before it has sent all."""
    body = b"email=" + b"a" * 900_000
    request = with_length(body, b"Origin: https://shop.example", accept=accept)
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(request[:80_000])
        connection.recv(1, socket.MSG_PEEK)  # now it is answered
        connection.sendall(request[80_000:])
        answer_head, _, body = read(connection).partition(b"\r\n\r\n")
    assert statuses(answer_head) == [413]
    assert b"access-control-allow-origin: https://shop.example" in answer_head
    if accept == b"text/html":
        assert b"at most 64 KiB" in body and b"</html>" in body
    else:
        assert json.loads(body)["errors"] == []


@pytest.mark.parametrize(
    "line",
    [b"Content-Length: 200000", b"Content-Length: 2000000", b"Transfer-Encoding: chunked"],
)
def test_a_proxy_learns_that_no_request_can_follow_a_large_body(
    web: WebProcess, line: bytes
) -> None:
    """Else it would send its next one there, and answer 502 for it."""
    request = head(SIGN_UP, line, last=False) + chunks(100_000, 1000)
    with socket.create_connection(("127.0.0.1", web.port), timeout=10) as connection:
        connection.sendall(request)
        answer = connection.recv(4096)
    assert statuses(answer) == [413]
    assert b"connection: close" in answer.lower()


def test_a_form_counts_what_was_too_large_and_what_broke_off(web: WebProcess) -> None:
    stored, form = accepted(web), builders.form("counted")
    chunked = b"Transfer-Encoding: chunked"
    with web.redis.client() as client:
        Registry(client).save_form(form)
        first_answer(web, with_length(b"email=" + b"a" * 70_000, target=COUNTED))
        first_answer(web, head(COUNTED, b"Content-Length: 80000"))
        first_answer(web, head(COUNTED, chunked) + chunks(80_000, 5000))
        send(web, head(COUNTED, b"Content-Length: 60") + b"email=ada%40example.co", cut=True)
        send(web, head(COUNTED, chunked) + b"40\r\nemail=a", cut=True)

        def refused() -> dict[str, int]:
            [figures] = FormCounts(client).figures([form], ["acme"])
            return dict(figures.refused)

        eventually(lambda: sum(refused().values()) >= 5, what="counting")
        assert refused() == {"too_large": 3, "malformed": 2}
    assert accepted(web) == stored
