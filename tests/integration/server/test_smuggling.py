"""Where a request ends: nobody can make web and a proxy in front of it disagree about that.

Web refuses what is ambiguous, or reads it as RFC 9112 says. What follows a request is one of its
own, and never more than what was sent.
"""

import itertools

import pytest

from tests.support.raw_http import accepted, head, send, statuses, with_length
from tests.support.web_process import WebProcess

NUMBERS = itertools.count()
CHUNKED = b"Transfer-Encoding: chunked"
END = b"0\r\n\r\n"


def body() -> bytes:
    return b"email=smuggled%04d%%40example.com" % next(NUMBERS)


LENGTH = len(body())


def chunk(text: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(text), text)


def with_lines(*lines: bytes, rest: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return head(b"/f/news", *lines, version=version) + rest


@pytest.mark.parametrize(
    "value",
    [
        *(b"abc", b"-1", b"-%d" % LENGTH, b"+%d" % LENGTH, b"0x%x" % LENGTH, b"%d.0" % LENGTH),
        *(b"%d,%d" % (LENGTH, LENGTH), b"%d, 6" % LENGTH, b"1_0", b"1e2", b"", b"%d a" % LENGTH),
        *(b"\xd9\xa3", b"\xb2", b"9" * 30, b"%d" % 2**64, b"%d" % (2**64 - 1), b"%d" % 2**63),
    ],
)
@pytest.mark.parametrize("target", [b"/f/news", b"/healthz", b"/console/sign-in"])
def test_a_length_that_is_no_number_is_refused(
    web: WebProcess, target: bytes, value: bytes
) -> None:
    before = accepted(web)
    request = head(target, b"Content-Length: " + value) + body()
    assert statuses(send(web, request, cut=True)) in ([400], [413], [431])
    assert accepted(web) == before


REFUSED = {
    "two lengths": with_lines(b"Content-Length: 5", b"Content-Length: 50", rest=body()),
    "xchunked": with_lines(b"Transfer-Encoding: xchunked", rest=chunk(body()) + END),
    "identity": with_lines(b"Transfer-Encoding: identity", rest=body()),
    "chunked is not the last": with_lines(
        b"Transfer-Encoding: chunked, identity", rest=chunk(body()) + END
    ),
    "chunked, then identity": with_lines(
        CHUNKED, b"Transfer-Encoding: identity", rest=chunk(body()) + END
    ),
    "a space before the colon": with_lines(
        b"Transfer-Encoding : chunked", rest=chunk(body()) + END
    ),
    "a folded value": with_lines(b"Transfer-Encoding:\r\n chunked", rest=chunk(body()) + END),
    "a folded header": with_lines(b"Content-Length: %d" % LENGTH, b"X-More: a\r\n b", rest=body()),
    "chunked in HTTP/1.0": with_lines(CHUNKED, rest=chunk(body()) + END, version=b"HTTP/1.0"),
    "NUL": with_lines(b"Content-Length: %d" % LENGTH, b"X-More: a\0b", rest=body()),
    "CR": with_lines(b"Content-Length: %d" % LENGTH, b"X-More: a\rb", rest=body()),
}


@pytest.mark.parametrize("request_bytes", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_ambiguous_is_refused(web: WebProcess, request_bytes: bytes) -> None:
    before = accepted(web)
    answer = send(web, request_bytes, cut=True)
    assert statuses(answer) == [400]
    assert accepted(web) == before


@pytest.mark.parametrize(
    "coding", [b"gzip, chunked", b"gzip,chunked", b"deflate, Chunked", b"identity, chunked"]
)
@pytest.mark.parametrize("target", [b"/f/news", b"/console/sign-in"])
def test_a_coding_that_is_not_undone_is_refused(
    web: WebProcess, target: bytes, coding: bytes
) -> None:
    before = accepted(web)
    rest = chunk(body()) + END
    answer = send(web, head(target, b"Transfer-Encoding: " + coding) + rest, cut=True)
    assert statuses(answer) == [501]
    assert accepted(web) == before


def test_a_length_beside_chunks_does_not_count(web: WebProcess) -> None:
    before = accepted(web)
    hidden = with_length(body())
    lines = b"Content-Length: %d" % (len(END) + len(hidden)), CHUNKED
    request = head(b"/f/news", *lines, last=False) + END + hidden
    first, *others = statuses(send(web, request))
    assert first == 422  # it has no body
    assert (others, accepted(web)) in (([202], before + 1), ([], before))


def test_a_request_in_the_body_of_another_is_not_carried_out(web: WebProcess) -> None:
    before = accepted(web)
    hidden = with_length(body())
    for target in (b"/healthz", b"/connect/link/token", b"/nothing"):
        for method in (b"GET", b"POST"):
            answer = send(web, with_length(hidden, target=target, method=method))
            assert len(statuses(answer)) == 1
            chunked = head(target, CHUNKED, method=method) + chunk(hidden) + END
            assert len(statuses(send(web, chunked))) == 1
    assert accepted(web) == before


@pytest.mark.parametrize("size", [20_000, 70_000, 900_000])
@pytest.mark.parametrize("target", [b"/f/news", b"/console/sign-in", b"/healthz"])
def test_what_follows_a_refused_body_is_a_request_of_its_own(
    web: WebProcess, target: bytes, size: int
) -> None:
    before = accepted(web)
    line = b"Content-Length: %d" % size
    request = head(target, line, last=False) + b"x" * size + with_length(body())
    first, *others = statuses(send(web, request))
    assert first >= 400
    assert (others, accepted(web)) in (([202], before + 1), ([], before))


def test_requests_that_come_together_are_answered_in_their_order(web: WebProcess) -> None:
    before = accepted(web)
    requests = [
        with_length(body(), last=False),
        head(b"/healthz", method=b"GET", last=False),
        head(b"/f/news", CHUNKED, last=False) + chunk(body()) + END,
        with_length(b"email=nobody", last=False),
        with_length(body()),
    ]
    assert statuses(send(web, b"".join(requests))) == [202, 200, 202, 422, 202]
    assert accepted(web) == before + 3
