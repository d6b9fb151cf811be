"""What is printed cannot control a terminal."""

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.printable import printable, printable_json

# Of each character: its kind of text direction that a program sets, not a person's letters.
DIRECTIONS = {"LRE", "LRO", "RLE", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def is_unsafe(character: str) -> bool:
    if character == "\n":
        return False
    kind = unicodedata.category(character)
    return kind in ("Cc", "Cs", "Zl", "Zp") or unicodedata.bidirectional(character) in DIRECTIONS


def test_no_character_that_controls_a_terminal_is_left() -> None:
    unsafe = [c for c in map(chr, range(sys.maxunicode + 1)) if is_unsafe(c)]
    assert len(unsafe) > 2000
    assert printable("".join(unsafe)) == "?" * len(unsafe)


@pytest.mark.parametrize(
    "text",
    ["Müller", "山田　太郎", "a\u00a0b", "\N{MAN}\u200d\N{PERSONAL COMPUTER}", "a\nb", "שלום"],
)
def test_what_people_write_stays(text: str) -> None:
    assert printable(text) == text
    assert printable_json(json.dumps(text, ensure_ascii=False)) == json.dumps(
        text, ensure_ascii=False
    )


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_json_says_the_same_and_is_printable(text: str) -> None:
    document = printable_json(json.dumps([text], ensure_ascii=False, indent=2))
    assert json.loads(document) == [text]
    assert printable(document) == document
