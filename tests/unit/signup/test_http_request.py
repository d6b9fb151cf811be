"""What is made of a request's headers."""

import pytest

from web.request_ids import RequestId
from web.server.http_request import HttpRequest

ID = RequestId("own")


def request(*lines: tuple[bytes, bytes], **scope: str) -> HttpRequest:
    return HttpRequest({"headers": lines, "query_string": b"", **scope}, ID)


@pytest.mark.parametrize(
    ("lines", "headers"),
    [
        pytest.param([(b"a", b"1"), (b"a", b"2")], {"a": "1,2"}, id="two values"),
        pytest.param(
            [(b"cookie", b"a=1"), (b"cookie", b"b=2")], {"cookie": "a=1; b=2"}, id="two cookies"
        ),
        pytest.param([(b"a_b", b"1"), (b"a-b", b"2")], {"a-b": "2"}, id="an underscore"),
        pytest.param([(b"a", b"\xc3\xbc\xff")], {"a": "\xc3\xbc\xff"}, id="bytes"),
    ],
)
def test_headers(lines: list[tuple[bytes, bytes]], headers: dict[str, str]) -> None:
    assert request(*lines).head.headers == headers


@pytest.mark.parametrize("method", ["POST", "post", "Post"])
def test_a_method_is_read_as_flask_reads_it(method: str) -> None:
    assert request(method=method).method == "POST"


@pytest.mark.parametrize(
    ("host", "may_be_one"),
    [
        (b"signup.example.com:8080", True),
        (b"[::1]:80", True),
        (b"xn--bcher-kva.example", True),
        (b"a" * 253 + b":65535", True),
        (b"a" * 253 + b":655355", False),
        ("bücher.example".encode(), False),
        (b"\xfc" * 14_000, False),
        (b"a,b", False),
        (b"", False),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_a_host_is_one_that_dns_can_have(host: bytes, may_be_one: bool) -> None:
    scope = {"headers": [(b"host", host)], "query_string": b"", "http_version": "1.1"}
    assert HttpRequest(scope, ID).has_one_host is may_be_one
