"""Disguises: how robots write words so that no filter knows them."""

# ruff: noqa: RUF001, RUF002 - letters that look like others are meant

import re

from shared.domain.reading.normal_forms import normalized

# Letters in bold or in circles, and full-width ones, are plain in Unicode's form NFKD. There, an
# accent stands alone. A soft hyphen, a blank of no width and a joiner show nothing.
_UNSEEN = re.compile("[\u0300-\u036f\u00ad\u200b-\u200d\u2060\ufeff\u115f\u1160\u3164]")
# Cyrillic and Greek letters that look like Latin ones.
_LATIN_FOR = {
    "асеорхуіјѕһԁԛԝ": "aceopxyijshdqw",
    "АВСЕНІЈКМОРЅТХҮ": "ABCEHIJKMOPSTXY",
    "αορνικ": "aopvik",
    "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ": "ABEZHIKMNOPTYX",
}
_LOOKS_LIKE = {
    ord(letter): latin
    for letters, latins in _LATIN_FOR.items()
    for letter, latin in zip(letters, latins, strict=True)
}
_WORD = re.compile(r"[^\W\d_]+")
MANY_DISGUISED = 2
# A Latin letter beside a Cyrillic or a Greek one. Ghana's Akyerε has an epsilon.
_LATIN, _ALIKE = "[A-Za-z\u00c0-\u024f]", "[\u0370-\u03b4\u03b6-\u052f]"
_MIXED_SCRIPTS = re.compile(f"{_LATIN}{_ALIKE}|{_ALIKE}{_LATIN}")
_UNSEEN_IN_LATIN = re.compile("[A-Za-z][\u200b-\u200d\u2060\ufeff]+[A-Za-z]")
# `V.i.a.g.r.a`. Four initials are such a word, too, and no word of spam.
BETWEEN_LETTERS = ".*_"
_SPELLED_OUT = re.compile(rf"(?<![^\W_])[^\W_](?:[{BETWEEN_LETTERS}][^\W_]){{3,}}(?![^\W_])")
_TOGETHER = str.maketrans("", "", BETWEEN_LETTERS)


def undisguised(text: str) -> str:
    """Return the text in plain letters, without accents."""
    if not text.isascii():
        text = _UNSEEN.sub("", normalized("NFKD", text))
        if not text.isascii() and _MIXED_SCRIPTS.search(text):
            text = _WORD.sub(lambda word: _in_latin(word[0]), text)
    return _SPELLED_OUT.sub(lambda word: word[0].translate(_TOGETHER), text)


def mixes_scripts(text: str) -> bool:
    """Whether a word has letters of two scripts that look alike, or hides a blank of no width
    between Latin letters."""
    if text.isascii():
        return False
    return _MIXED_SCRIPTS.search(text) is not None or _UNSEEN_IN_LATIN.search(text) is not None


def disguised_words(text: str) -> list[str]:
    """Return the words that read as plain Latin, but have a Cyrillic or a Greek letter.

    The keyboards of these scripts make one such slip, as in `Cергей`, and that is no Latin word.
    """
    words = filter(_MIXED_SCRIPTS.search, _WORD.findall(text))
    return [word for word in words if _in_latin(word).isascii()]


def _in_latin(word: str) -> str:
    """Return the word in Latin letters, if it is one in disguise."""
    latin = word.translate(_LOOKS_LIKE) if _MIXED_SCRIPTS.search(word) else word
    return latin if latin.isascii() else word
