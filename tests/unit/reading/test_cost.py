"""No body of at most 64 KiB may hold up the process that reads it."""

import time

import pytest

from shared.domain.errors import InvalidSignup
from shared.domain.form import CustomField, Form, ListRef
from shared.domain.reading import meanings
from shared.domain.reading.field_checks import check_fields
from shared.domain.reading.posted_fields import MOST_READ, sort_fields
from shared.infrastructure.email_syntax import check_email
from web.signup.reading.body_kind import ContentType, UnreadableRequest
from web.signup.reading.head import MOST_ARGUMENTS, Head
from web.signup.reading.pairs import pairs_in

FORM = Form(
    name="news",
    account="acme",
    lists=(ListRef("id-1", "News"),),
    custom_fields=(CustomField("cf-1", "interests", "Interests"),),
    consent_box="optional",
)
LIMIT = 64 * 1024
# Steps that grow with the square of the length took 2 to 14 s for these, the others under 0.1 s.
MOST_SECONDS = 1.0


def filled(begin: bytes, unit: bytes, end: bytes = b"") -> bytes:
    """Return `begin`, `unit` as often as the limit allows, and `end`."""
    return begin + unit * ((LIMIT - len(begin) - len(end)) // len(unit)) + end


def answer(body: bytes, mimetype: str) -> str:
    """Return how the body was read: every one of them is read or refused, and none breaks."""
    posted: dict[str, list[str]] = {}
    try:
        for name, value in pairs_in(body, ContentType(mimetype=mimetype)):
            posted.setdefault(name, []).append(value)
        check_fields(posted, FORM, check_email=check_email)
    except (InvalidSignup, UnreadableRequest) as refused:
        return type(refused).__name__
    return "read"


@pytest.mark.parametrize(
    ("body", "mimetype"),
    [
        pytest.param(body, mimetype, id=name)
        for name, body, mimetype in [
            ("a street like an address", filled(b"street=", b"a:", b"!"), "form"),
            ("a part with blanks", filled(b"x=a+=+b", b"+", b"c"), "form"),
            ("a name with blanks", filled(b"first_name=%C3%A9", b"+", b"c"), "form"),
            ("a name with half brackets", filled(b"x)", b"(", b"=1"), "form"),
            ("a month in many weekdays", filled(b"birthday=", b"mon"), "form"),
            ("a domain of many labels", filled(b"email=a@", b"\xc3\xa4.", b"cc"), "form"),
            ("a huge character number", filled(b"first_name=%26%23", b"1", b";"), "form"),
            ("no header, and blanks", filled(b"a=", b" ", b"\r\nb"), ""),
            ("empty fields", filled(b"", b"a&"), "form"),
            ("a list of numbers", filled(b'{"a":[', b"1,", b"1]}"), "json"),
            ("deep", filled(b"", b'{"a":'), "json"),
        ]
    ],
)
def test_no_body_takes_long(body: bytes, mimetype: str) -> None:
    mimetypes = {"form": "application/x-www-form-urlencoded", "json": "application/json"}
    assert len(body) <= LIMIT
    started = time.process_time()
    assert answer(body, mimetypes.get(mimetype, ""))
    assert time.process_time() - started < MOST_SECONDS


def test_of_many_unknown_lists_only_the_first_are_named() -> None:
    posted = {"email": ["ada@example.org"], "_lists": ["a," * 10_000, "b"]}
    with pytest.raises(InvalidSignup) as refused:
        check_fields(posted, FORM, check_email=check_email)
    assert {error.code for error in refused.value.errors} == {"unknown_list"}
    assert len(refused.value.errors) == 20


def test_of_many_names_only_the_first_are_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_into = []

    def look_into(name: str) -> None:
        looked_into.append(name)

    monkeypatch.setattr(meanings, "meaning_of", look_into)
    many = {f"a name of its own {number}": ["x", " "] for number in range(7000)}
    found = sort_fields(many | {"_next": ["/"], "empty": [" "]}, FORM)
    assert looked_into == list(many)[:MOST_READ]
    assert found.other == dict.fromkeys(many, "x")


def test_a_query_of_many_arguments_is_read_in_part() -> None:
    query = b"&".join(b"a%d=%d" % (number, number) for number in range(7000))
    assert Head({}, query).arguments() == {f"a{n}": str(n) for n in range(MOST_ARGUMENTS)}
    assert Head({}, b"format=json&a=1&a=2").arguments() == {"format": "json", "a": "1"}
