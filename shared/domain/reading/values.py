"""Values: what was typed, without what nobody can see.

Text that is pasted from a chat, a PDF or a spreadsheet carries invisible characters. They go from
the edges of every value, and from anywhere in an address or a phone number. Inside a name, joiners
stay, as some scripts need them. Nothing visible is removed or shortened.
"""

import html
import re
import unicodedata

from shared.domain.reading.normal_forms import normalized
from shared.domain.web_addresses import dns_name

# Characters that the page's charset got wrong: windows-1252 read as ISO-8859-1. Five of them mean
# nothing in windows-1252 either.
_C1 = {n: bytes([n]).decode("windows-1252", "ignore") for n in range(0x80, 0xA0)}
_INVISIBLE_CONTROLS = {n: None for n in (*range(0x20), 0x7F) if chr(n) not in "\t\n\v\f\r"}
_BIDIRECTIONAL = dict.fromkeys(
    map(ord, "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
)
_REPAIRS = _C1 | _INVISIBLE_CONTROLS | _BIDIRECTIONAL
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")  # cannot be stored

# From the first blank on: a match is not tried at each blank of a long run again.
_LINE_BREAKS = re.compile(r"(?<!\s)\s*[\n\v\f\r\x85\u2028\u2029]\s*")
_PHONE_SCHEME = re.compile(r"^tel:\s*", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+\.[^\s@<>,;:\".]{2,}")
_PHONE_SIGNS = re.compile(r"[\s().\-/]")
# Neither an address nor a phone number may have a third as many characters.
_LONGEST_NORMALIZED = 300
# The full stop of an Asian keyboard, and the apostrophe that a phone makes of ', have no place in
# an address.
_TYPED_IN_ADDRESS = str.maketrans({"\u3002": ".", "\u2019": "'", "\u2018": "'", "\u2010": "-"})


def clean_text(text: str) -> str:
    """Return `text` without control characters and invisible edges; line breaks stay."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = _HALF_CHARACTER.sub("\ufffd", text.translate(_REPAIRS))
    return _trim(text.replace("\v", "\n").replace("\f", "\n"))


def clean_line(text: str, line_break: str = " ") -> str:
    """Return `text` on one line, with single blanks."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = clean_text(text)
    return re.sub(r"\t+", " ", _LINE_BREAKS.sub(line_break, text))


def clean_name(text: str) -> str:
    """Return a person's or a company's name; a page may have encoded it as HTML, even twice."""
    return clean_line(_unescaped(_unescaped(text)) if "&" in text else text)


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a character's number with thousands of digits
        return text


def clean_street(text: str) -> str:
    return clean_line(text, ", ")


def clean_address(text: str) -> str:
    """Return an e-mail address in the characters that mail uses.

    A control character inside stays, and makes it invalid: nobody knows what was meant.
    """
    address = plain_address(text)
    if address.isascii() or not looks_like_address(address):
        return address
    local, at, domain = address.rpartition("@")
    try:  # Constant Contact refuses `bücher.example`, and takes `xn--bcher-kva.example`
        return f"{local}{at}{dns_name(domain)}"
    except UnicodeError:
        return address


def plain_address(text: str) -> str:
    """Return an e-mail address as `clean_address` does, its domain in any alphabet."""
    if text.isascii() and text.isprintable():
        return text.strip()
    return in_plain_form(_trim(text)).translate(_TYPED_IN_ADDRESS)


def clean_phone(text: str, limit: int) -> str:
    """Return a phone number in plain digits; without signs between them where it is too long."""
    phone = _PHONE_SCHEME.sub("", in_plain_form(clean_text(text)))
    return phone if len(phone) <= limit else _PHONE_SIGNS.sub("", phone)


def looks_like_address(text: str) -> bool:
    """Whether `text` is one e-mail address and nothing else, as far as its shape tells."""
    return _ADDRESS.fullmatch(text) is not None


def in_plain_form(text: str) -> str:
    """Return `text` without invisible characters, full-width ones in plain form, on one line.

    A text that is too long for whatever needs this stays in the form that it has.
    """
    whole = " ".join("".join(c for c in text if not _is_invisible(c)).split())
    if len(whole) > _LONGEST_NORMALIZED:
        return whole
    return " ".join(normalized("NFKC", whole).split())


def _trim(text: str) -> str:
    """Return `text` without blanks and invisible characters at its edges."""
    start, end = 0, len(text)
    while start < end and _is_edge(text[start]):
        start += 1
    while end > start and _is_edge(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_edge(character: str) -> bool:
    return character.isspace() or _is_invisible(character) or ord(character) in _INVISIBLE_CONTROLS


def _is_invisible(character: str) -> bool:
    """Whether it is a format character, a variation selector, or a filler that shows nothing."""
    return (
        unicodedata.category(character) == "Cf"
        or 0xFE00 <= ord(character) <= 0xFE0F
        or 0xE0100 <= ord(character) <= 0xE01EF
        or character in "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0"
    )
