"""Values: invisible and full-width characters, HTML entities, dates, ticks."""

import pytest

from shared.domain.reading.check_boxes import is_ticked, without_unticked
from shared.domain.reading.dates import FoundDate, read_date, read_month
from shared.domain.reading.values import (
    clean_address,
    clean_line,
    clean_name,
    clean_phone,
    clean_text,
    looks_like_address,
)

# "I want", with the joiner that it is written with.
PERSIAN = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
INVISIBLE = [
    *("\u200b", "\ufeff", "\u200e", "\u200f", "\u00ad", "\u202c", "\u2060", "\u200d", "\ufe0f"),
    *("\u202d", "\u061c", "\u2066", "\U000e0001", "\u180e", "\u3164", "\u034f"),
]


@pytest.mark.parametrize("character", INVISIBLE)
def test_invisible_characters_go_from_anywhere_in_addresses_and_phones(character: str) -> None:
    assert clean_address(f"{character}ada@exam{character}ple.org{character}") == "ada@example.org"
    assert clean_phone(f"{character}+1 555{character} 010{character}", 25) == "+1 555 010"


@pytest.mark.parametrize("character", [*INVISIBLE, "\u00a0", "\u3000", " ", "\t", "\x00", "\x1f"])
def test_they_go_from_the_edges_of_any_value(character: str) -> None:
    assert clean_text(f" {character}Ada {character} ") == "Ada"


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        pytest.param("\u202eAda\u202c May", "Ada May", id="bidirectional controls"),
        pytest.param(PERSIAN, PERSIAN, id="a joiner that the script needs"),
        pytest.param("O\x92Brien", "O\u2019Brien", id="windows-1252 read as ISO-8859-1"),
        pytest.param("A\x81da", "Ada", id="a byte without meaning"),
        pytest.param("A\x0bda", "A\nda", id="a line break of a word processor"),
        pytest.param("half \ud83d", "half \ufffd", id="half an emoji"),
        pytest.param("Zoë 山田 👩\u200d👧", "Zoë 山田 👩\u200d👧", id="visible text"),
    ],
)
def test_text_is_repaired_and_what_is_visible_stays(typed: str, clean: str) -> None:
    assert clean_text(typed) == clean


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("ada@example.org", "ada@example.org"),
        ("\uff41da\uff20example\u3002org", "ada@example.org"),
        ("ada@example\uff61org", "ada@example.org"),
        ("o\u2019brien@example.org", "o'brien@example.org"),
        ("jürgen@example.org", "jürgen@example.org"),
        ("ada@bücher.example", "ada@xn--bcher-kva.example"),
        ("ada@straße.example", "ada@straße.example"),
        ("\u2018ada\u2010l@example.org", "'ada-l@example.org"),
        ("ada\u2011l@example.org", "ada-l@example.org"),
        ("zoe\u0308@example.org", "zoë@example.org"),
        ("a b@example.org", "a b@example.org"),
        ("a\x00b@example.org", "a\x00b@example.org"),
    ],
)
def test_addresses(typed: str, clean: str) -> None:
    assert clean_address(typed) == clean


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("+1 (555) 010-0199", "+1 (555) 010-0199"),
        ("tel:+15550100199", "+15550100199"),
        ("\uff0b\uff11 \uff15\uff15\uff15", "+1 555"),
        ("+1 (555) 010-0199 ext. 12345", "+15550100199ext12345"),
    ],
)
def test_phones(typed: str, clean: str) -> None:
    assert clean_phone(typed, 25) == clean


@pytest.mark.parametrize(
    ("typed", "clean"),
    [
        ("O&#039;Brien &amp; Söhne", "O'Brien & Söhne"),
        ("Marks & Spencer", "Marks & Spencer"),
        ("O&amp;#039;Brien", "O'Brien"),
        ("Ada\tMay\r\nLovelace", "Ada May Lovelace"),
    ],
)
def test_names(typed: str, clean: str) -> None:
    assert clean_name(typed) == clean


def test_a_line_has_no_line_breaks() -> None:
    assert clean_line("1 Test Drive\r\nApt 2\n", ", ") == "1 Test Drive, Apt 2"


@pytest.mark.parametrize("text", ["ada@example.org", "a.b+c@d-e.co.uk", "zoë@münchen.example"])
def test_what_looks_like_an_address(text: str) -> None:
    assert looks_like_address(text)


@pytest.mark.parametrize(
    "text",
    ["", "ada", "@ada", "ada@localhost", "a@b.c", "a@b.cd, e@f.gh", "Ada <a@b.cd>", "a b@c.de"],
)
def test_what_does_not(text: str) -> None:
    assert not looks_like_address(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("05/06", (5, 6, None)),
        ("05/17", (5, 17, None)),
        ("17/05", (5, 17, None)),
        ("05/06/1990", (5, 6, 1990)),
        ("17/05/1990", (5, 17, 1990)),
        ("05-17-1990", (5, 17, 1990)),
        ("17.05.1990", (5, 17, 1990)),
        ("05.06.", (6, 5, None)),
        ("5. 6. 1990", (6, 5, 1990)),
        ("05/17/90", (5, 17, None)),
        ("1990-05-17", (5, 17, 1990)),
        ("1990/5/7", (5, 7, 1990)),
        ("1990-05-17T00:00:00.000Z", (5, 17, 1990)),
        ("May 17", (5, 17, None)),
        ("17 May 1990", (5, 17, 1990)),
        ("Sept. 3rd, 1990", (9, 3, 1990)),
        ("02/29", (2, 29, None)),
        ("05 / 17 / 1990", (5, 17, 1990)),
        ("17. Mai 1990", (5, 17, 1990)),
        ("1 août", (8, 1, None)),
        ("17 de mayo de 1990", (5, 17, 1990)),
        ("17-May-1990", (5, 17, 1990)),
        ("Thursday, May 17, 1990", (5, 17, 1990)),
        ("Thu May 17 1990 00:00:00 GMT+0200", (5, 17, 1990)),
        ("17.05.1990 00:00", (5, 17, 1990)),
    ],
)
def test_dates(text: str, found: tuple[int, int, int | None]) -> None:
    assert read_date(text) == FoundDate(*found)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "02/30",
        "13/13",
        "1990",
        "02/29/2023",
        "Ma 17",
        "May",
        "1/2/3/4",
        "\u0660\u0665/\u0661\u0667",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert read_date(text) is None


@pytest.mark.parametrize(
    ("text", "month"),
    [("May", 5), ("sep.", 9), ("12", 12), ("0", None), ("13", None), ("ma", None)],
)
def test_months(text: str, month: int | None) -> None:
    assert read_month(text) == month


@pytest.mark.parametrize(
    "values",
    [
        *(["1"], ["on"], ["yes"], ["ja"], ["0", "1"], ["", "true"], ["\u2713"]),
        *(["I agree. No spam!"], ["Notify me"]),
        ["I agree to get e-mails. I can unsubscribe at any time."],
        ["Send me the news, not advertising"],  # a shorter text would be a no
    ],
)
def test_a_ticked_box(values: list[str]) -> None:
    assert is_ticked(values)


@pytest.mark.parametrize(
    "value",
    [
        *("", " ", "0", "false", "FALSE", "no", "n", "off", "undefined", "null", "NaN", "none"),
        *("unchecked", "nein", "non", "não", "нет", "いいえ", "hay\u0131r", "[object Object]"),
        *("I do not agree", "Ich stimme nicht zu", "deny", "opt-out", "not_subscribed", "00"),
        *("false,false", "[]", "0.0", "\u2610", "unsubscribed", "do not email me"),
        "do not send me news",
        *("No, thanks", "no thank you", "Nein danke", "Non, merci", "-", "n/a", "not now"),
    ],
)
def test_a_box_that_is_not_ticked(value: str) -> None:
    assert not is_ticked([value])
    assert not is_ticked([value, value])


def test_the_hidden_value_of_a_group_of_boxes_is_none_of_them() -> None:
    assert without_unticked(["0", "Bread", "Cake"]) == ["Bread", "Cake"]
    assert without_unticked(["no"]) == ["no"]
    assert without_unticked(["Bread", "0"]) == ["Bread"]
