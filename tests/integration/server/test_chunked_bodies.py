"""A chunked body is read if it is whole. One that breaks off is no sign-up, of whatever kind."""

import itertools
import socket
import struct
from collections.abc import Callable

import pytest

from tests.support.raw_http import FORM, accepted, head, send, statuses, with_length
from tests.support.web_process import WebProcess

NUMBERS = itertools.count()
MULTIPART = b"multipart/form-data; boundary=b"
KINDS = {
    "urlencoded": (FORM, b"email=%s"),
    "JSON": (b"application/json", b'{"email": "%s"}'),
    "multipart": (
        MULTIPART,
        b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\n%s\r\n--b--\r\n',
    ),
}
CHUNKED = b"Transfer-Encoding: chunked"


def somebody() -> bytes:
    return b"chunked%d@example.community" % next(NUMBERS)


def chunks(body: bytes, size: int, extension: bytes = b"") -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x%s\r\n%s\r\n" % (len(each), extension, each) for each in pieces)


def body_of(kind: str) -> bytes:
    return KINDS[kind][1] % somebody()


def request(kind: str, rest: bytes) -> bytes:
    return head(b"/f/news", CHUNKED, kind=KINDS[kind][0]) + rest


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "extension", "end"),
    [
        pytest.param(1, b"", b"0\r\n\r\n", id="of one byte each"),
        pytest.param(7, b"", b"0\r\n\r\n", id="of seven bytes"),
        pytest.param(9999, b"", b"0\r\n\r\n", id="one"),
        pytest.param(7, b"", b"000\r\n\r\n", id="with a long zero"),
        pytest.param(7, b";name=value", b"0;last\r\n\r\n", id="with extensions"),
        pytest.param(7, b"", b"0\r\nX-Checksum: a\r\n\r\n", id="with a trailer"),
    ],
)
def test_a_whole_chunked_body_is_a_sign_up(
    web: WebProcess, kind: str, size: int, extension: bytes, end: bytes
) -> None:
    before = accepted(web)
    sent = request(kind, chunks(body_of(kind), size, extension) + end)
    assert statuses(send(web, sent)) == [202]
    assert accepted(web) == before + 1


def test_a_trailer_is_no_header(web: WebProcess) -> None:
    before = accepted(web)
    end = b"0\r\nContent-Length: 3\r\nX-Forwarded-For: 192.0.2.66\r\n\r\n"
    assert statuses(send(web, request("urlencoded", chunks(body_of("urlencoded"), 9) + end))) == [
        202
    ]
    assert accepted(web) == before + 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "broken",
    [
        pytest.param(lambda body: b"%x\r\n%s" % (len(body) - 6, body), id="longer than it says"),
        pytest.param(lambda body: b"%x\r\n%s" % (len(body) + 9, body), id="shorter than it says"),
        pytest.param(lambda body: chunks(body, 9999), id="no last chunk"),
        pytest.param(lambda body: chunks(body[:-5], 9), id="a part"),
        pytest.param(lambda body: chunks(body, 9) + b"x\r\n\r\n", id="no number"),
        pytest.param(lambda body: chunks(body, 9) + b"-1\r\n\r\n", id="a negative number"),
        pytest.param(lambda body: b"0x%x\r\n%s\r\n0\r\n\r\n" % (len(body), body), id="0x"),
        pytest.param(lambda body: b"%x\r\n%s\r\n0\r\n\r\n" % (2**64 + len(body), body), id="huge"),
        pytest.param(lambda body: b"%x\n%s\n0\n\n" % (len(body), body), id="without CR"),
        pytest.param(lambda body: body, id="no chunks at all"),
    ],
)
@pytest.mark.parametrize("junk", [b"", b"zz\r\n" * 20], ids=["ends there", "goes on"])
def test_a_broken_chunked_body_is_none(
    web: WebProcess, kind: str, broken: Callable[[bytes], bytes], junk: bytes
) -> None:
    before = accepted(web)
    sent = request(kind, broken(body_of(kind)) + junk)
    assert statuses(send(web, sent, cut=not junk)) in ([], [400])
    assert accepted(web) == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_chunked_body_without_its_last_line_is_none(web: WebProcess, kind: str) -> None:
    before = accepted(web)
    sent = request(kind, chunks(body_of(kind), 9999) + b"0\r\n")
    assert statuses(send(web, sent, cut=True)) in ([], [400])
    assert accepted(web) == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [5, 9999])
def test_a_client_that_resets_the_connection_signs_nobody_up(
    web: WebProcess, kind: str, size: int
) -> None:
    before = accepted(web)
    with socket.create_connection(("127.0.0.1", web.port)) as connection:
        connection.sendall(request(kind, chunks(body_of(kind), size)))
        at_once = struct.pack("ii", 1, 0)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
    assert statuses(send(web, with_length(b"email=" + somebody()))) == [202]
    assert accepted(web) == before + 1
