"""Of a long header, only the beginning is read: some are parsed in the event loop."""

import pytest

from web.signup import answer_kind
from web.signup.reading import head as heads
from web.signup.reading.head import LONGEST_READ, Head

# Each takes its reader 15 to 40 ms at 28 KiB.
LONG = {"accept": "a/b;q=1," * 3500, "content-type": "a/b" + ";a=b" * 7000}


def test_parsers_get_the_beginning_of_long_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    for module, parser in ((answer_kind, "parse_accept_header"), (heads, "parse_options_header")):
        parse = getattr(module, parser)

        def counted(text: str, *more: object, parse: object = parse) -> object:
            lengths.append(len(text))
            return parse(text, *more)  # type: ignore[operator]

        monkeypatch.setattr(module, parser, counted)
    assert not answer_kind.wants_json(Head(LONG))
    assert lengths
    assert max(lengths) <= LONGEST_READ


def test_what_a_long_header_begins_with_counts() -> None:
    head = Head({"accept": f"application/json,{LONG['accept']}", "content-type": "text/html"})
    assert answer_kind.wants_json(head)
    long_type = f"multipart/form-data; boundary=abc{';a=b' * 7000}"
    assert Head({"content-type": long_type}).content_type.boundary == "abc"
