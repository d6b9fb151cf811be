"""What goes out over HTTP, and what comes back."""

import gzip
import io
from collections.abc import Callable

import pytest

from shared.constant_contact.http_message import (
    LARGEST_ANSWER,
    AnswerTooLong,
    read_response,
    read_url,
    request_bytes,
)
from shared.constant_contact.response import Response


class Bytes:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._content)


def read(content: bytes) -> tuple[Response, bool]:
    return read_response("GET", Bytes(content))


def answer(body: bytes, *headers: str) -> bytes:
    head = "\r\n".join(["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers])
    return f"{head}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("url", "host", "port", "authority", "target"),
    [
        ("http://h", "h", 80, "h", "/"),
        ("https://API.example.com/v3", "api.example.com", 443, "api.example.com", "/v3"),
        ("http://127.0.0.1:8090/v3?a=b#c", "127.0.0.1", 8090, "127.0.0.1:8090", "/v3?a=b"),
        ("http://[::1]:81/", "::1", 81, "[::1]:81", "/"),
        ("http://eve:secret@h/", "h", 80, "h", "/"),
        ("http://bücher.example/", *("xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/")),
        ("https://h/ü b?q=ü", "h", 443, "h", "/%C3%BC%20b?q=%C3%BC"),
        ("https://h/a%20b?email=a%40b.c", "h", 443, "h", "/a%20b?email=a%40b.c"),
    ],
)
def test_an_address_is_read(url: str, host: str, port: int, authority: str, target: str) -> None:
    found = read_url(url)

    assert (found.host, found.port, found.authority, found.target) == (
        *(host, port, authority, target),
    )
    assert found.tls == url.startswith("https")


@pytest.mark.parametrize("url", ["", "h/path", "ftp://h/", "http://[h", "http://h:x/", "http:///"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError):
        read_url(url)


def test_a_request_has_its_body_and_says_what_it_is() -> None:
    sent = request_bytes("POST", read_url("http://h/v3"), {"Accept": "x/y"}, json={"a": "ü"})

    head, body = sent.decode().split("\r\n\r\n")
    assert head.split("\r\n") == [
        "POST /v3 HTTP/1.1",
        "Host: h",
        "User-Agent: signup-relay",
        "Accept-Encoding: gzip",
        "Accept: x/y",
        "Content-Type: application/json",
        "Content-Length: 15",
    ]
    assert body == r'{"a": "\u00fc"}'


def test_a_form_is_sent_as_one() -> None:
    sent = request_bytes("POST", read_url("http://h/"), {}, data={"a b": "c&d"})

    assert b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 9\r\n" in sent
    assert sent.endswith(b"\r\n\r\na+b=c%26d")


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nX: y", "a\rX: y"])
def test_a_header_cannot_bring_another_one(value: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_bytes("GET", read_url("http://h/"), {"Authorization": value})


def test_the_names_of_headers_are_found_in_small_letters() -> None:
    response, is_last = read(answer(b"ok", "Retry-After: 5", "Connection: keep-alive"))

    assert (response.content, response.headers["retry-after"]) == (b"ok", "5")
    assert not is_last


def test_a_server_may_end_the_connection_with_its_answer() -> None:
    assert read(answer(b"", "Connection: close"))[1]


def test_a_packed_answer_is_unpacked() -> None:
    response, _ = read(answer(gzip.compress(b"plain"), "Content-Encoding: gzip"))

    assert response.content == b"plain"


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "packed"])
def test_an_answer_has_a_largest_size(pack: Callable[[bytes], bytes]) -> None:
    encoding = "identity" if pack is bytes else "gzip"

    def size_of(body: bytes) -> int:
        return len(read(answer(pack(body), f"Content-Encoding: {encoding}"))[0].content)

    assert size_of(bytes(LARGEST_ANSWER)) == LARGEST_ANSWER
    with pytest.raises(AnswerTooLong):
        size_of(bytes(LARGEST_ANSWER + 1))


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        pytest.param(b"plain", "gzip", id="not packed"),
        pytest.param(gzip.compress(b"plain" * 99)[:-9], "gzip", id="breaks off"),
        pytest.param(b"plain", "br", id="unknown"),
    ],
)
def test_a_packed_answer_that_cannot_be_unpacked_is_no_answer(body: bytes, encoding: str) -> None:
    with pytest.raises(ValueError):
        read(answer(body, f"Content-Encoding: {encoding}"))


def test_the_values_of_one_header_are_joined() -> None:
    response, _ = read(answer(b"", "Vary: Accept", "vary: Origin"))
    assert response.headers["vary"] == "Accept, Origin"
