"""The corners of HTTP that old clients, proxies and scripts use: each is answered as it should."""

import itertools
import json
import socket

import pytest

from tests.support.raw_http import accepted, head, send, statuses, with_length
from tests.support.records import all_records
from tests.support.web_process import WebProcess

NUMBERS = itertools.count()

# The query keeps the fast path from taking it.
WAYS = {"fast": b"/f/news", "by the view": b"/f/news?format=json"}


def body() -> bytes:
    return b"email=edge%d%%40example.com" % next(NUMBERS)


def consent(web: WebProcess, id: str) -> dict[str, object]:
    with web.redis.client() as client:
        [record] = all_records(client, f"*:signup:{id}")
    found: dict[str, object] = record["consent"]
    return found


def id_in(answer: bytes) -> str:
    found: str = json.loads(answer.partition(b"\r\n\r\n")[2])["id"]
    return found


# --- the path


@pytest.mark.parametrize(
    "target",
    [
        *(b"/f/news", b"/f/news/", b"//f//news", b"/F/NEWS", b"/F/news", b"/f/news#top"),
        *(b"/f/%6eews", b"/%66/news", b"/f%2Fnews", b"/f/news%2f", b"/f/NEWS"),
        *(b"http://example.com/f/news", b"HTTP://other.example/f/news", b"https://x/F//NEWS"),
        *(b"/f/news?utm_source=x", "/f/news?name=ü".encode(), b"/f/news?%ff=%c3"),
    ],
)
def test_every_spelling_of_a_form_takes_a_sign_up(web: WebProcess, target: bytes) -> None:
    before = accepted(web)
    assert statuses(send(web, with_length(body(), target=target))) == [202]
    assert accepted(web) == before + 1


@pytest.mark.parametrize(
    ("target", "status"),
    [
        *((b"/f/news%00", 404), (b"/f/news%", 404), (b"/f/news%zz", 404), (b"/f/news;a", 404)),
        *((b"/f/../f/news", 404), ("/f/nüws".encode(), 404), (b"/f/n%C3%BCws", 404), (b"/f/", 404)),
        *((b"/f/news/more", 404), (b"*", 404), (b"http://example.com", 405)),
        *((b"f/news", 400), (b"/f/ news", 400), (b"/f/news?a=\xff", 400), (b"", 400)),
    ],
)
def test_other_paths_are_no_form(web: WebProcess, target: bytes, status: int) -> None:
    before = accepted(web)
    assert statuses(send(web, with_length(body(), target=target))) == [status]
    assert accepted(web) == before


# --- methods and versions


@pytest.mark.parametrize(
    "target", [b"/f/news", b"/healthz", b"/console/sign-in", b"/static/console.css", b"/nothing"]
)
def test_head_has_the_headers_of_get_and_no_body(web: WebProcess, target: bytes) -> None:
    got = send(web, head(target, method=b"GET")).partition(b"\r\n\r\n")
    asked = send(web, head(target, method=b"HEAD")).partition(b"\r\n\r\n")
    assert asked[2] == b""
    assert statuses(asked[0]) == statuses(got[0])
    assert b"content-length: %d\r\n" % len(got[2]) in asked[0]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        (b"OPTIONS", b"/f/news", 204),
        (b"OPTIONS", b"/nothing", 404),
        (b"OPTIONS", b"*", 404),
        (b"PUT", b"/f/news", 405),
        (b"DELETE", b"/console/sign-in", 405),
        (b"TRACE", b"/f/news", 405),
        (b"CONNECT", b"example.com:80", 405),
        (b"BREW", b"/f/news", 405),
        (b"PRI", b"*", 404),
    ],
)
def test_other_methods(web: WebProcess, method: bytes, target: bytes, status: int) -> None:
    before = accepted(web)
    assert statuses(send(web, with_length(body(), target=target, method=method))) == [status]
    assert accepted(web) == before


@pytest.mark.parametrize("last", [True, False])
def test_http_1_0_is_answered_and_closed(web: WebProcess, last: bool) -> None:
    request = with_length(body(), version=b"HTTP/1.0", host=b"", last=last)
    answer = send(web, request)
    assert answer.startswith(b"HTTP/1.0 202")


@pytest.mark.parametrize(
    ("host", "version", "status"),
    [
        (b"Host: [::1]:80", b"HTTP/1.1", 202),
        (b"Host: evil.example", b"HTTP/1.1", 202),
        (b"", b"HTTP/1.0", 202),
        (b"Host:", b"HTTP/1.0", 202),
        # RFC 9112, 3.2
        (b"", b"HTTP/1.1", 400),
        (b"Host:", b"HTTP/1.1", 400),
        (b"Host: a\r\nHost: b", b"HTTP/1.1", 400),
        (b"Host: a\r\nhost: a", b"HTTP/1.1", 400),
        (b"Host: a\r\nHost: b", b"HTTP/1.0", 400),
        # No DNS has such a name.
        (b"Host: \xff", b"HTTP/1.1", 400),
        (b"Host: " + b"a" * 1000, b"HTTP/1.1", 400),
    ],
)
def test_any_host_will_do_for_a_sign_up_but_there_must_be_one(
    web: WebProcess, host: bytes, version: bytes, status: int
) -> None:
    before = accepted(web)
    assert statuses(send(web, with_length(body(), host=host, version=version))) == [status]
    assert accepted(web) == before + (status == 202)


@pytest.mark.parametrize(
    "request_line", [b"GET /healthz\r\n\r\n", b"GET /healthz HTTP/2.0\r\n\r\n"]
)
def test_other_versions_are_refused(web: WebProcess, request_line: bytes) -> None:
    assert statuses(send(web, request_line)) == [400]


def test_a_client_that_waits_for_100_continue_gets_it(web: WebProcess) -> None:
    text = body()
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        lines = b"Expect: 100-continue", b"Content-Length: %d" % len(text)
        connection.sendall(head(b"/f/news", *lines))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(text)
        assert connection.recv(100).startswith(b"HTTP/1.1 202")


def test_a_client_that_waits_with_a_large_body_is_refused_before_it_sends(web: WebProcess) -> None:
    with socket.create_connection(("127.0.0.1", web.port), timeout=20) as connection:
        lines = b"Expect: 100-continue", b"Content-Length: 100000"
        connection.sendall(head(b"/f/news", *lines))
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_no_request_changes_the_protocol(web: WebProcess, protocol: bytes) -> None:
    lines = (
        b"Upgrade: " + protocol,
        b"Connection: Upgrade, HTTP2-Settings",
        b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
    )
    for target in (b"/f/news", b"/healthz", b"/console/sign-in", b"/nothing"):
        [status] = statuses(send(web, head(target, *lines, method=b"GET")))
        assert status in (200, 400, 404, 405)


# --- headers


@pytest.mark.parametrize(
    "line",
    [
        *("Referer: https://shop.example/ü".encode(), b"Referer: \xff", b"Origin: \xff"),
        *(b"Cookie: \xff", b"User-Agent: \xff", b"Accept-Language: \xff", b"X-Forwarded-For: \xff"),
        *(b"Content-Type: \xff", b"Accept: \xff", b"X-Empty:"),
    ],
)
@pytest.mark.parametrize(
    "target", [b"/f/news", b"/f/news?format=json"], ids=["fast", "by the view"]
)
def test_a_header_that_is_not_ascii_does_no_harm(
    web: WebProcess, line: bytes, target: bytes
) -> None:
    before = accepted(web)
    [status] = statuses(send(web, with_length(body(), line, target=target)))
    # An Accept that nobody can read asks for nothing, so a form gets a page. The others get JSON.
    assert status in (202, 303)
    assert accepted(web) == before + 1


@pytest.mark.parametrize("key", ["schlüssel".encode(), b"\xff"])
def test_a_key_that_is_not_ascii_is_the_same_key_on_both_ways(web: WebProcess, key: bytes) -> None:
    text, line = body(), b"Idempotency-Key: " + key
    fast, by_the_view = (send(web, with_length(text, line, target=way)) for way in WAYS.values())
    other = send(web, with_length(body(), line))
    assert id_in(fast) == id_in(by_the_view)
    assert statuses(other) == [422]


@pytest.mark.parametrize(
    "target", [b"/f/news", b"/f/news?format=json"], ids=["fast", "by the view"]
)
@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ((b"X-Forwarded-For: 192.0.2.66", b"X-Forwarded-For: 192.0.2.7"), "192.0.2.7"),
        ((b"X-Forwarded-For: 192.0.2.66, 192.0.2.7",), "192.0.2.7"),
        ((b"X_Forwarded_For: 192.0.2.66", b"X-Forwarded-For: 192.0.2.7"), "192.0.2.7"),
        ((b"X-Forwarded-For: 192.0.2.7", b"X_Forwarded_For: 192.0.2.66"), "192.0.2.7"),
        ((b"X_FORWARDED_FOR: 192.0.2.66",), "127.0.0.1"),
        ((b"X-Forwarded_For: 192.0.2.66",), "127.0.0.1"),
    ],
)
def test_the_visitors_address_cannot_be_made_up(
    web: WebProcess, target: bytes, lines: tuple[bytes, ...], address: str
) -> None:
    answer = send(web, with_length(body(), *lines, target=target))
    assert consent(web, id_in(answer))["address"] == address


@pytest.mark.parametrize(
    "more", [b"X-More: " + b"a" * 20_000, b"\r\n".join(b"X-%d: a" % n for n in range(90))]
)
def test_many_and_long_headers_are_taken(web: WebProcess, more: bytes) -> None:
    assert statuses(send(web, with_length(body(), more))) == [202]


def test_headers_without_limit_are_refused(web: WebProcess) -> None:
    before = accepted(web)
    request = with_length(body(), *[b"X-%d: a" % n for n in range(1000)])
    assert statuses(send(web, request, cut=True)) == [431]
    assert statuses(send(web, with_length(body(), b"X: " + b"a" * 100_000))) in ([431], [])
    assert accepted(web) == before
