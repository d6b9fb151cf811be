"""The texts that the code has for visitors, and a catalogue of them that only tests use."""

import re
import tomllib
from functools import cache
from pathlib import Path

import polib
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir

from tests.architecture.project import ROOT, read

PLACEHOLDER = re.compile(r"%\(\w+\)s|<[^>]*>|%%")
_KEYWORDS = DEFAULT_KEYWORDS | {"lazy_gettext": None, "lazy_ngettext": (1, 2)}
# From the Arabic block, one for each Latin letter, so that a page of it runs from right to left.
_ARABIC = {
    letter: chr(0x0627 + place % 28) for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")
}


@cache
def texts_in_the_code() -> frozenset[str | tuple[str, ...]]:
    """Return what `make texts` finds. A text with a form for many is a pair."""
    mappings = tomllib.loads(read("pyproject.toml"))["tool"]["babel"]["mappings"]
    methods = [(each["pattern"], each["method"]) for each in mappings]
    found = extract_from_dir(ROOT, methods, {}, _KEYWORDS, strip_comment_tags=True)
    return frozenset(message for _, _, message, _, _ in found)


def pseudo_arabic(text: str) -> str:
    """Return the text in letters of a language from right to left, with its placeholders."""
    said = "".join(_ARABIC.get(each.lower(), each) for each in PLACEHOLDER.sub("\0", text))
    kept = iter(PLACEHOLDER.findall(text))
    return re.sub("\0", lambda _: next(kept), said)


def write_pseudo_arabic(folder: Path) -> None:
    """Write a complete catalogue `ar`, with Arabic's six forms of plural."""
    catalogue = polib.POFile()
    catalogue.metadata = {
        "Content-Type": "text/plain; charset=utf-8",
        "Plural-Forms": (
            "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 :"
            " n%100>=11 ? 4 : 5;"
        ),
    }
    for text in texts_in_the_code():
        catalogue.append(_entry(text))
    path = folder / "ar" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    catalogue.save(str(path))


def _entry(text: str | tuple[str, ...]) -> polib.POEntry:
    if isinstance(text, tuple):
        forms = {number: f"{number} {pseudo_arabic(text[1])}" for number in range(6)}
        return polib.POEntry(msgid=text[0], msgid_plural=text[1], msgstr_plural=forms)
    return polib.POEntry(msgid=text, msgstr="rtl" if text == "ltr" else pseudo_arabic(text))
