"""From a body to fields: charsets, kinds of bodies, and JSON of any shape."""

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.signup.reading import pairs
from web.signup.reading.body_kind import ContentType, UnreadableRequest
from web.signup.reading.json_pairs import Pair
from web.signup.reading.pairs import pairs_in

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data"
PLAIN = "text/plain"
ADA = ("email", "ada@example.org")


def read(
    body: bytes | str, mimetype: str = FORM, charset: str | None = None, boundary: str | None = None
) -> list[Pair]:
    raw = body.encode() if isinstance(body, str) else body
    return pairs_in(raw, ContentType(mimetype=mimetype, charset=charset, boundary=boundary))


def part(name: bytes, value: bytes, more: bytes = b"", boundary: bytes = b"x") -> bytes:
    head = b'--%s\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n' % (boundary, name, more)
    return head + value + b"\r\n"


# --- charsets


@pytest.mark.parametrize(
    ("charset", "value", "text"),
    [
        pytest.param(None, b"J%C3%BCrgen", "Jürgen", id="UTF-8"),
        pytest.param(None, b"J%FCrgen", "Jürgen", id="windows-1252, not declared"),
        pytest.param(None, b"J\xfcrgen", "Jürgen", id="windows-1252, not escaped"),
        pytest.param("ISO-8859-1", b"%80 J%FCrgen", "€ Jürgen", id="ISO-8859-1 is windows-1252"),
        pytest.param("iso-8859-15", b"%A4", "€", id="ISO-8859-15"),
        pytest.param("windows-1251", b"%C0%ED%ED%E0", "Анна", id="Cyrillic"),
        pytest.param("koi8-r", b"%E1%CE%CE%C1", "Анна", id="Cyrillic of Unix"),
        pytest.param("Shift_JIS", b"%8ER%93c", "山田", id="Japanese"),
        pytest.param("iso-2022-jp", b"%1B$B;3ED%1B(B", "山田", id="Japanese of mail"),
        pytest.param("gb2312", b"%C0%EE", "李", id="Chinese"),
        pytest.param("us-ascii", b"J%FCrgen", "Jürgen", id="ASCII is windows-1252"),
        pytest.param("utf8", b"J%C3%BCrgen", "Jürgen", id="a label of UTF-8"),
        pytest.param("klingon", b"J%C3%BCrgen", "Jürgen", id="an unknown charset"),
        pytest.param("utf-8", b"J%FCrgen", "Jürgen", id="a wrong charset"),
        pytest.param("shift_jis", b"%FF%FF", "ÿÿ", id="a charset that does not fit"),
        pytest.param(None, b"%81%8D", "\x81\x8d", id="bytes without meaning"),
    ],
)
def test_every_charset_is_read(charset: str | None, value: bytes, text: str) -> None:
    assert read(b"name=" + value, FORM, charset) == [("name", text)]


def test_browsers_name_their_charset_in_a_hidden_field() -> None:
    assert read(b"n=%C0%ED%ED%E0&_charset_=windows-1251")[0] == ("n", "Анна")
    body = part(b"_charset_", b"windows-1251") + part(b"n", b"\xc0\xed") + b"--x--\r\n"
    assert read(body, MULTIPART, boundary="x")[1] == ("n", "Ан")


def test_what_the_header_declares_goes_before_the_hidden_field() -> None:
    assert read(b"n=%FC&_charset_=windows-1251", FORM, "iso-8859-1")[0] == ("n", "ü")


def test_parts_may_declare_their_own_charset() -> None:
    own = b'\r\nContent-Type: text/plain; charset="ISO-8859-1"'
    body = part(b"a", b"J\xfcrgen", own) + part(b"b", "Zoë".encode()) + b"--x--\r\n"
    assert read(body, MULTIPART, boundary="x") == [("a", "Jürgen"), ("b", "Zoë")]


@pytest.mark.parametrize("where", ["name", "file"])
def test_a_multipart_page_in_windows_1252_is_read_with_its_names(where: str) -> None:
    odd = {
        "name": part(b"Gr\xfc\xdfe", b"J\xfcrgen"),
        "file": part(b"cv", b"%PDF", b'; filename="J\xfcrgen.pdf"'),
    }[where]
    found = read(odd + part(b"n", b"J\xfcrgen") + b"--x--\r\n", MULTIPART, boundary="x")
    expected = {"name": ("Grüße", "Jürgen"), "file": ("cv", "(file Jürgen.pdf, not kept)")}
    assert found == [expected[where], ("n", "Jürgen")]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize(
    ("text", "mimetype"),
    [("email=ada@example.org&n=Zoë", FORM), ('{"email":"ada@example.org","n":"Zoë"}', JSON)],
)
def test_a_byte_order_mark_says_how_the_body_is_written(
    codec: str, text: str, mimetype: str
) -> None:
    assert read(text.encode(codec), mimetype) == [ADA, ("n", "Zoë")]


def test_utf_16_may_be_declared_too() -> None:
    assert read("email=ada@example.org".encode("utf-16-le"), FORM, "utf-16") == [ADA]


# --- kinds

URLENCODED = "email=ada%40example.org"
LINES = "email=ada@example.org\r\n"
DOCUMENT = '{"email": "ada@example.org"}'
PARTS = part(b"email", b"ada@example.org") + b"--x--\r\n"


@pytest.mark.parametrize(
    "body",
    [URLENCODED, DOCUMENT, f"\r\n {DOCUMENT}", PARTS, json.dumps(DOCUMENT), f"[{DOCUMENT}]"],
)
@pytest.mark.parametrize(
    "mimetype",
    [FORM, JSON, PLAIN, MULTIPART, "", "application/octet-stream", "application/vnd.api+json"],
)
def test_a_clear_body_is_read_whatever_the_header_says(body: bytes | str, mimetype: str) -> None:
    assert read(body, mimetype) == [ADA]
    assert read(body, mimetype, boundary="another") == [ADA]


def test_a_form_as_plain_text_has_a_field_on_each_line_and_nothing_is_escaped() -> None:
    body = "email=ada+news@example.org\r\nremarks=100% = all\r\nof it\r\n\r\n"
    assert read(body, PLAIN) == [
        ("email", "ada+news@example.org"),
        ("remarks", "100% = all\nof it"),
    ]
    assert read(LINES, PLAIN) == [ADA]


def test_the_declared_boundary_counts_where_it_is_in_the_body() -> None:
    body = b"preamble\r\n" + part(b"email", b"ada@example.org") + b"--x--\r\n"
    assert read(body, MULTIPART, boundary="x") == [ADA]


def test_an_empty_body_has_no_fields() -> None:
    assert read(b"") == read(b" \r\n", JSON) == read(b"--x--\r\n", MULTIPART) == []


def test_a_field_may_be_without_name_or_value() -> None:
    assert read("a&b=&=c&&d=1=2") == [("a", ""), ("b", ""), ("", "c"), ("d", "1=2")]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("ada%2Bnews%40example.org", "ada+news@example.org"),
        ("ada+news@example.org", "ada+news@example.org"),
        ("ada+news%40example.org", "ada news@example.org"),
        ("Ada+Lovelace", "Ada Lovelace"),
    ],
)
def test_a_plus_is_a_blank_but_in_an_address_that_nobody_encoded(typed: str, address: str) -> None:
    assert read(f"email={typed}") == [("email", address)]


def test_a_files_content_is_not_kept_but_its_name_is() -> None:
    body = part(b"cv", b"%PDF", b'; filename="cv.pdf"') + part(b"none", b"", b'; filename=""')
    assert read(body + b"--x--\r\n", MULTIPART, boundary="x") == [
        ("cv", "(file cv.pdf, not kept)"),
        ("none", ""),
    ]


@pytest.mark.parametrize(
    ("body", "mimetype", "status", "words"),
    [
        ("hello", MULTIPART, 400, "multipart/form-data. The body does not contain the boundary"),
        ("hello", JSON, 400, "says application/json. The body is not valid JSON."),
        ('{"a": ', JSON, 400, "not valid JSON"),
        (
            '{"a": ',
            FORM,
            400,
            "says application/x-www-form-urlencoded. The body is",
        ),
        ("hello", PLAIN, 400, "says text/plain."),
        ("--x--", PLAIN, 400, "says text/plain."),
        ("null", JSON, 400, "not valid JSON"),
        ('"text"', JSON, 400, "not valid JSON"),
        ("[]", JSON, 400, "must be one sign-up"),
        (f"[{DOCUMENT}, {DOCUMENT}]", JSON, 400, "not a list of several"),
        ("[1]", JSON, 400, "must be an object"),
        ("[" * 30_000, JSON, 400, "not valid JSON"),
        ('{"a":' * 25 + "1" + "}" * 25, JSON, 400, "more than 20 levels"),
        (part(b"email", b"ada"), MULTIPART, 400, "not a valid multipart form"),
        (part(b"a", b"b") + b"--x\r\n\xff: a\r\n\r\n", MULTIPART, 400, "not a valid multipart"),
        ("<a/>", "application/xml", 415, "does not accept the content type application/xml"),
        ('<a b="c">', "text/html", 415, "text/html"),
        ("hello", "", 415, "(none)"),
    ],
)
def test_another_body_gets_an_error_that_names_the_header(
    body: bytes | str, mimetype: str, status: int, words: str
) -> None:
    with pytest.raises(UnreadableRequest) as caught:
        read(body, mimetype)
    assert caught.value.status == status
    assert words in str(caught.value.message)


# --- JSON


def flat(document: object) -> dict[str, str]:
    return dict(read(json.dumps(document), JSON))


@pytest.mark.parametrize(
    ("document", "fields"),
    [
        ({"a": 1, "b": 1.5, "c": True, "d": None}, {"a": "1", "b": "1.5", "c": "true", "d": ""}),
        ({"a": {"b": {"c": "x"}}}, {"a[b][c]": "x"}),
        ({"a": [{"b": "x"}]}, {"a[b]": "x"}),
        ({"f": [{"label": "E-mail", "value": "x"}]}, {"E-mail": "x"}),
        ({"f": [{"type": "Email", "label": "Where to?", "value": "x"}]}, {"email": "x"}),
        ({"f": [{"name": "email", "values": ["x"]}]}, {"email": "x"}),
        ({"f": {"q1": {"title": " ", "id": "email", "value": "x"}}}, {"f[email]": "x"}),
        ({"p": {"email": {"value": "x", "versions": [{"value": "y"}]}}}, {"p[email]": "x"}),
        ({"p": {"email": {"value": "x"}}}, {"p[email]": "x"}),
        (
            {"f": [{"label": "Size", "value": "x", "unit": "cm"}]},
            {"Size": "x", "Size[unit]": "cm"},
        ),
        (
            {"f": [{"label": "L", "value": ["1", "3"], "options": [{"id": "1", "text": "one"}]}]},
            {"L": "3"},
        ),
        (
            {"d": {"email": "x", "name": "Ada", "answer": "42"}},
            {"d[email]": "x", "d[name]": "Ada", "d[answer]": "42"},
        ),
        ({"name": "Ada", "value": "42"}, {"name": "Ada", "value": "42"}),
        ({"a": [], "b": {}}, {}),
    ],
)
def test_json_of_any_shape_becomes_names_as_a_form_would_post_them(
    document: object, fields: dict[str, str]
) -> None:
    assert flat(document) == fields


def test_answers_are_found_by_the_questions_that_they_refer_to() -> None:
    document = {
        "questions": [{"id": "q1", "title": "Your e-mail"}],
        "answers": [
            {"type": "email", "email": "x", "field": {"id": "q1"}},
            {"type": "text", "text": "y", "field": {"id": "", "ref": "colour"}},
        ],
    }
    found = flat(document)
    assert (found["email"], found["colour"]) == ("x", "y")


def test_a_list_repeats_its_name() -> None:
    assert read('{"tags": ["a", "b"]}', JSON) == [("tags", "a"), ("tags", "b")]


def test_what_is_no_number_counts_as_nothing_and_half_a_character_stays_visible() -> None:
    assert read('{"a": NaN, "b": -Infinity, "c": "\\ud83d"}', JSON) == [
        ("a", ""),
        ("b", ""),
        ("c", "\ufffd"),
    ]


@pytest.mark.parametrize("name", ["payload", "rawRequest", "data.json"])
def test_json_in_a_field_of_a_form_tool_is_read(name: str) -> None:
    assert read(urlencode({name: DOCUMENT})) == [(f"{name}[email]", "ada@example.org")]
    assert read(urlencode({name: "{"})) == [(name, "{")]
    assert read(urlencode({"remarks": DOCUMENT})) == [("remarks", DOCUMENT)]


# --- multipart


@given(
    st.lists(
        st.tuples(st.sampled_from([b"a", b"a-b[c]"]), st.text('a-\r\n x"\xe9', max_size=8)),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from([b"--x--\r\n", b"--x--", b"--x-- \r\n", b"\r\n--x--\r\n", b""]),
)
def test_what_browsers_write_is_read_as_werkzeug_reads_it(
    fields: list[tuple[bytes, str]], end: bytes
) -> None:
    body = b"".join(part(name, text.encode()) for name, text in fields) + end
    if usual := pairs._usual_parts(body, b"x"):
        assert usual == pairs._parts(pairs._events(body, b"x"))


def test_what_browsers_write_needs_no_werkzeug() -> None:
    body = part(b"email", b"ada") + part(b"a[b]", b"") + b"--x--\r\n"
    assert pairs._usual_parts(body, b"x") == [(b"email", b"ada", None), (b"a[b]", b"", None)]


@pytest.mark.parametrize(
    "disposition",
    [
        *(b"form-data", b"form-data;", b"", b"attachment", b"inline; =;"),
        *(b'form-data; filename="a.txt"', b"form-data; nam\xff=a", b'form-data; "name"="a"'),
    ],
)
def test_a_part_without_a_name_is_an_error(disposition: bytes) -> None:
    nameless = b"--x\r\nContent-Disposition: %s\r\n\r\nb\r\n" % disposition
    for body in (part(b"email", b"ada") + nameless, nameless + part(b"email", b"ada")):
        with pytest.raises(UnreadableRequest) as caught:
            read(body + b"--x--\r\n", MULTIPART, boundary="x")
        assert caught.value.status == 400


def test_a_part_may_have_an_empty_name() -> None:
    body = part(b"", b"b") + part(b"", b"", b'; filename="a"') + b"--x--\r\n"
    assert read(body, MULTIPART, boundary="x") == [("", "b"), ("", "(file a, not kept)")]
