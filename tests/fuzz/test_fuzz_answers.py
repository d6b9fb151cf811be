"""What Constant Contact, or who poses as it, answers: the fate of a sign-up is always decided."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPException
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.constant_contact.answers import (
    LONGEST_MESSAGE,
    read_answer,
    read_body,
    read_subscription_status,
)
from shared.constant_contact.client import ConstantContact
from shared.constant_contact.errors import ApiError, OAuthError
from shared.constant_contact.http_message import LARGEST_ANSWER, read_response
from shared.constant_contact.oauth import OAuth, TokenEndpoint
from shared.constant_contact.response import Response
from shared.constant_contact.token_set import TokenSet
from shared.domain.outcome import decide, rest_after
from shared.domain.retry import RetryPolicy
from tests.fuzz.effort import fuzzed, json_values
from tests.support.builders import NOON

pytestmark = pytest.mark.slow

POLICY = RetryPolicy(max_attempts=12, base=timedelta(seconds=15))

# Documents with the names that are looked for.
_FIELDS = (
    *("error_key", "error_message", "message", "contact_id", "action", "contacts", "email_address"),
    *("permission_to_send", "opt_out_date", "deleted_at", "lists", "list_id", "name", "_links"),
    *("next", "href", "custom_fields", "custom_field_id", "label", "membership_count"),
    *(
        "privilege_name",
        "organization_name",
        "access_token",
        "refresh_token",
        "expires_in",
        "scope",
    ),
    *("error", "error_description", "device_code", "user_code", "verification_uri", "interval"),
)
_VALUES = json_values | st.sampled_from(
    [
        "2026-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "//elsewhere.example",
        "http://[",
        "\ud800",
    ]
)
documents = st.recursive(
    _VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_FIELDS), inner, max_size=8)
    ),
    max_leaves=20,
)
bodies = (
    documents.map(lambda document: json.dumps(document).encode())
    | st.binary(max_size=200)
    | st.sampled_from(
        [
            b"",
            b"[" * 50_000,
            b'{"a":' * 20_000,
            b"9" * 5_000,
            b'{"expires_in": 1e999, "access_token": "a"}',
            b"\xef\xbb\xbf{}",
            "{}".encode("utf-16"),
            b'"\xff"',
            b"<html>" + b"a" * 60_000,
            b'{"error_message": "' + b"a" * 60_000 + b'"}',
        ]
    )
)
header_values = st.text(max_size=40) | st.sampled_from(
    [
        *("0", "-1", "1e9", "9" * 400, "٣", "Fri, 31 Dec 9999 23:59:59 GMT"),
        *("Mon, 01 Jan 0001 00:00:00 +2359", "Mon, 01 Jan 0001 00:00:00 -2359"),
        *(
            "Fri, 31 Dec 9999 23:59:59 -2359",
            "Sun, 99 Foo 2026 99:99:99 GMT",
            "1 Jan 1 1:1:1 +9999",
        ),
        "Mon, 01 Jan 2026 00:00:00 +99999999999999999999",
    ]
)
headers = st.dictionaries(
    st.sampled_from(["retry-after", "date", "x-eig-tracking-id", "x-amzn-requestid"]),
    header_values,
    max_size=4,
)
responses = st.builds(Response, st.integers(100, 599), headers, bodies)


@fuzzed
@given(responses)
@example(Response(503, {"retry-after": "Mon, 01 Jan 2026 00:00:00 +99999999999999999999"}))
@example(Response(503, {"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}))
def test_every_answer_decides_the_fate_of_a_signup(response: Response) -> None:
    answer = read_answer(response, NOON)
    for text in (answer.message, answer.error_key, answer.tracking_id, answer.contact_id):
        assert text is None or len(text.encode(errors="strict")) <= 4 * LONGEST_MESSAGE
    for attempt in (1, 12):
        assert decide(answer, attempt=attempt, policy=POLICY, jitter=0.5)
    rest = rest_after(answer)
    assert rest is None or timedelta() < rest <= timedelta(hours=1)
    read_subscription_status(read_body(response))


class Scripted:
    """A connection that gives these answers, one after the other, and the last one for ever."""

    def __init__(self, answers: list[Response]) -> None:
        self._answers = answers

    def open(self, url: str, **_: Any) -> None: ...

    def close(self) -> None: ...

    def send(self, *_: Any, **__: Any) -> Response:
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    def __enter__(self) -> "Scripted":
        return self

    def __exit__(self, *_: object) -> None: ...


def client(answers: list[Response]) -> ConstantContact:
    connection: Any = Scripted(answers)
    return ConstantContact(
        "https://api.example/v3",
        connection,
        grant=lambda: None,
        rest=lambda span: None,
        deadline=timedelta(seconds=1),
        now=lambda: NOON,
    )


@fuzzed
@given(st.lists(responses, min_size=1, max_size=3))
def test_reading_the_account_ends_with_a_value_or_an_error_of_ours(answers: list[Response]) -> None:
    reads: list[Callable[[ConstantContact], object]] = [
        lambda api: api.privileges("t"),
        lambda api: api.summary("t"),
        lambda api: api.lists("t"),
        lambda api: api.custom_fields("t"),
        lambda api: api.contact("t", "ada@example.com"),
        lambda api: api.delete_contact("t", "id"),
    ]
    for read in reads:
        try:
            read(client(list(answers)))
        except ApiError as error:
            assert len(str(error)) <= LONGEST_MESSAGE + 200


@fuzzed
@given(responses)
def test_sending_never_raises(response: Response) -> None:
    assert client([response]).sign_up("t", {}).status == response.status_code
    client([response]).look_up("t", "ada@example.com")
    client([response]).ask("t", "id", ["list"])


@fuzzed
@given(responses)
def test_the_token_endpoint_gives_tokens_or_an_error_of_ours(response: Response) -> None:
    def connect() -> Any:
        return Scripted([response])

    oauth = OAuth("https://login.example", "key", "secret", connect=connect, grant=lambda: None)
    soon = timedelta(seconds=1)
    asked: list[Callable[[TokenEndpoint], TokenSet]] = [
        lambda endpoint: endpoint.exchange_code("code", "https://relay.example/callback"),
        lambda endpoint: endpoint.refresh("refresh"),
        lambda endpoint: endpoint.poll_device("device"),
    ]
    for ask in asked:
        try:
            with oauth.endpoint(soon) as endpoint:
                assert ask(endpoint).life(NOON) >= timedelta()
            oauth.begin_device(soon)
        except OAuthError as error:
            assert len(str(error)) <= LONGEST_MESSAGE + 200


def segment(value: Any) -> str:
    from base64 import urlsafe_b64encode

    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


_CLAIMS = st.dictionaries(st.sampled_from(["exp", "scp", "sub", "iat", "nbf"]), json_values)
jwts = st.builds(
    lambda head, claims, end: f"{segment(head)}.{segment(claims)}.{end}",
    json_values | st.just({"alg": "none"}) | st.just({"alg": "RS256", "typ": "JWT"}),
    _CLAIMS | json_values,
    st.text(alphabet="aZ09-_=.", max_size=6),
)


@fuzzed
@given(jwts | st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
@example(f"{segment({'alg': 'none'})}.{segment({'exp': 10**400})}.")
@example(f"{segment({'alg': 'none'})}.{segment({'exp': float('nan')})}.")
@example("eyJ." + "[" * 1000)
def test_an_access_token_may_be_anything(token: str) -> None:
    tokens = TokenSet(access_token=token, refresh_token=None, expires_in=None)
    assert timedelta() <= tokens.life(NOON) <= timedelta(days=366)
    tokens.scopes()
    tokens.login()
    read = TokenSet.from_json(json.loads(json.dumps(tokens.to_json(NOON))))
    assert read is None or read.access_token == token


class Wire:
    def __init__(self, sent: bytes) -> None:
        self._sent = sent

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._sent)


_HEAD_LINES = st.sampled_from(
    [
        *(b"Content-Length: 5", b"Content-Length: -1", b"Content-Length: 9999999999999"),
        *(b"Content-Length: x", b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"),
        *(b"Content-Encoding: br", b"Connection: close", b"Retry-After: 1", b" folded", b"X", b":"),
        *(b"X: \xff\x00", b"Content-Type: application/json; charset=klingon"),
    ]
)
wires = st.binary(max_size=300) | st.builds(
    lambda status, lines, body: b"HTTP/1.1 " + status + b"\r\n" + b"\r\n".join(lines) + body,
    st.sampled_from(
        [b"200 OK", b"200", b"99999 X", b"-1 X", b"", b"100 Continue\r\n\r\nHTTP/1.1 200"]
    ),
    st.lists(_HEAD_LINES, max_size=4),
    st.sampled_from(
        [b"", b"\r\n\r\n", b"\r\n\r\n5\r\n{}", b"\r\n\r\nffffffffff\r\n", b"\r\n\r\n-5\r\n"]
    )
    | st.binary(max_size=40).map(lambda body: b"\r\n\r\n" + body),
)


@fuzzed
@given(wires)
def test_bytes_on_the_wire_are_an_answer_or_an_error_that_the_connection_knows(sent: bytes) -> None:
    try:
        response, _ = read_response("GET", Wire(sent))
    except (HTTPException, ValueError, OSError):
        return
    assert len(response.content) <= LARGEST_ANSWER
    read_answer(response, NOON)
