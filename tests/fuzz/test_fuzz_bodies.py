"""What visitors post: it is refused with a documented status, or stored as it was read."""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given
from hypothesis import strategies as st

from shared.domain.errors import InvalidSignup
from shared.domain.form import Form
from shared.domain.reading.field_checks import CheckedFields, check_fields
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from tests.fuzz.effort import fuzzed, fuzzed_slowly, json_values
from tests.support import builders
from tests.support.entrance_client import EntranceClient
from tests.support.web_services import services_of
from web.app import create_app
from web.signup.reading.body_kind import FORM, MULTIPART, ContentType, UnreadableRequest
from web.signup.reading.head import Head
from web.signup.reading.pairs import pairs_in
from web.signup.reading.request_body import read_posted

pytestmark = pytest.mark.slow

# docs/forms.md has them. 429 and 503 are of another minute.
STATUSES = {202, 303, 400, 403, 404, 405, 413, 415, 422}
# A page that keeps what was typed has up to 64 KiB of that, and itself.
LARGEST_ANSWER = 80 * 1024

_NAMES = st.text(max_size=10) | st.sampled_from(
    [
        *("email", "first_name", "last_name", "phone", "birthday", "anniversary", "street"),
        *("favourite_cake", "_next", "_lists", "_gotcha", "_page", "fields[email]", "name", ""),
        *("_charset_", "a" * 300, "\u202e", "__proto__", "list", "x[y][z]", "email[]"),
        *("rawRequest", "consent"),
    ]
)
_VALUES = st.text(max_size=30) | st.sampled_from(
    [
        *("ada@example.com", "ada@bücher.example", "", "on", "0", "a" * 5000, "\x00", "31/12"),
        *("https://other.example", "//x", "\\x", '{"a":1}', "&#0;", "+49 30 1", "utf-16"),
    ]
)
pairs = st.lists(st.tuples(_NAMES, _VALUES), max_size=12)


def urlencoded(fields: list[tuple[str, str]]) -> bytes:
    return urlencode(fields, errors="replace").encode()


def multipart(fields: list[tuple[str, str]]) -> bytes:
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields
    )
    return ("".join(parts) + "--b--\r\n").encode("utf-8", "replace")


def lines(fields: list[tuple[str, str]]) -> bytes:
    return "\r\n".join(f"{name}={value}" for name, value in fields).encode("utf-8", "replace")


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def cut(body: bytes, at: int) -> bytes:
    return body[: at % (len(body) + 1)]


def recoded(body: bytes, charset: str) -> bytes:
    return body.decode("latin-1").encode(charset, "replace")


_WHOLE = (
    pairs.map(urlencoded)
    | pairs.map(multipart)
    | pairs.map(lines)
    | pairs.map(lambda fields: as_json(dict(fields)))
    | json_values.map(as_json)
)
_CHARSETS = ["utf-16", "utf-16-be", "utf-8-sig", "shift_jis", "utf-7"]
bodies = (
    _WHOLE
    | st.builds(cut, _WHOLE, st.integers(min_value=0))
    | st.builds(recoded, _WHOLE, st.sampled_from(_CHARSETS))
    | st.binary(max_size=300)
    | st.sampled_from(
        [b"[" * 30_000, b'{"a":' * 8_000, b"9" * 10_000, b"a&" * 9_000, b"%" * 9_000, b"e=%ff%fe"]
    )
)
types = st.sampled_from(
    [
        *(FORM, f"{FORM}; charset=utf-16", f"{FORM}; charset=klingon", MULTIPART, "text/plain"),
        *(f"{MULTIPART}; boundary=b", f'{MULTIPART}; boundary="'),
        f"{MULTIPART}; boundary={'b' * 300}",
        *("application/json", "application/json; charset=utf-32", "application/x-unknown", ""),
        *("text/plain;charset=UTF-8", "application/xml", "\xff", ";"),
    ]
)
_PRINTABLE = st.characters(min_codepoint=32, max_codepoint=255, blacklist_characters="\x7f")
header_values = st.text(_PRINTABLE, max_size=40) | st.sampled_from(
    [
        *("null", "https://www.example.com", "http://[", "file://", "https://a:b@c:99999"),
        *("a" * 5000, "1.2.3.4, 5.6.7.8", "[::1]:80", "application/json", "text/html;q=x"),
        *("*/*", ",,,"),
    ]
)
headers = st.dictionaries(
    st.sampled_from(
        [
            *("Origin", "Referer", "X-Forwarded-For", "Idempotency-Key", "Accept", "User-Agent"),
            *("Sec-Fetch-Mode", "Accept-Language", "X-Requested-With", "Content-Encoding"),
            *("Access-Control-Request-Method", "Forwarded", "X-Forwarded-Host"),
        ]
    ),
    header_values,
    max_size=5,
)


def read(body: bytes, kind: ContentType, form: Form) -> CheckedFields | None:
    posted: dict[str, list[str]] = {}
    try:
        for name, value in pairs_in(body, kind):
            posted.setdefault(name, []).append(value)
        return check_fields(posted, form, check_email=check_email)
    except UnreadableRequest as refused:
        assert refused.status in (400, 413, 415)
    except InvalidSignup as refused:
        assert 0 < len(refused.errors) <= 20
        assert all(error.code and error.message for error in refused.errors)
    return None


@fuzzed
@given(
    bodies,
    st.sampled_from([FORM, MULTIPART, "application/json", "text/plain", ""]),
    st.sampled_from([None, "utf-8", "utf-16", "klingon", "latin-1", "idna", "hex", "\x00"]),
    st.sampled_from([None, "b", "", "b" * 300, '"', "\xff"]),
)
def test_a_body_is_read_or_refused(
    body: bytes, mimetype: str, charset: str | None, boundary: str | None
) -> None:
    kind = ContentType(mimetype=mimetype, charset=charset, boundary=boundary)
    read(body, kind, builders.form(consent_box="optional"))


# --- through the whole of web


@pytest.fixture
def client(
    settings: Settings, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> Iterator[FlaskClient]:
    monkeypatch.setattr(Flask, "test_client_class", EntranceClient)
    registry = Registry(redis_client)
    registry.save_account(builders.account("acme"))
    registry.save_form(builders.form())
    registry.save_form(builders.form("shop", origins=("https://www.example.com",)))
    made = create_app(replace(settings, visitor_limit=None))
    yield made.test_client()
    services_of(made).form_tallies.close()


@pytest.fixture
def find(redis_client: "redis.Redis") -> Callable[[str], Any]:
    ledger = Ledger(redis_client)
    return lambda id: ledger.find(id, ["acme"])


@fuzzed_slowly
@given(bodies, types, headers, st.sampled_from(["news", "shop", "NEWS", "none", "%00", "a" * 300]))
@example(b"", "", {}, "news")
def test_every_request_gets_a_documented_answer_of_bounded_size(
    client: FlaskClient,
    find: Callable[[str], Any],
    body: bytes,
    content_type: str,
    sent: dict[str, str],
    form: str,
) -> None:
    answer = client.post(f"/f/{form}", data=body, content_type=content_type, headers=sent)
    assert answer.status_code in STATUSES, answer.get_data(as_text=True)
    assert len(answer.get_data()) <= LARGEST_ANSWER
    if answer.status_code == 202:
        assert find(answer.get_json()["id"]) is not None


@fuzzed_slowly
@given(pairs)
def test_what_was_accepted_is_read_back_the_same(
    client: FlaskClient, find: Callable[[str], Any], fields: list[tuple[str, str]]
) -> None:
    someone = f"{uuid.uuid4()}@example.com"  # nobody's repeat
    body = urlencoded([("email", someone), *fields])
    answer = client.post(
        "/f/news", data=body, content_type=FORM, headers={"Accept": "application/json"}
    )
    if answer.status_code != 202:
        return
    stored = find(answer.get_json()["id"])
    posted = read_posted(Head({"content-type": FORM}), body)
    if stored.reason is None:  # what is quarantined is kept as it came
        expected = check_fields(posted, builders.form(), check_email=check_email)
        assert stored.contact == expected.contact
