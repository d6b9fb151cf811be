"""Gibberish: random strings that robots post as names, such as ``xkqjRTzpWq``.

Only words of plain Latin letters are looked at, and only long ones. So every other script passes,
and so do accents, initials and short names. A word needs two oddities, as many a real name has one.
"""

import re

# Letters that follow another one in no name, or hardly any: after b, these are c, f, g and so on.
# Real names with one of them are Ljungqvist, Izquierdo, Mxolisi and Huijbrechts.
_ODD_AFTER = {
    "b": "cfgmpqvx",
    "c": "bfjx",
    "d": "pqx",
    "f": "bcgmpqvxz",
    "g": "pqxz",
    "h": "qxz",
    "j": "bfgpqvx",
    "k": "cfgpqz",
    "l": "x",
    "m": "qx",
    "n": "x",
    "p": "gjqvxz",
    "q": "cfgjkpxyz",
    "r": "x",
    "s": "x",
    "t": "qx",
    "v": "bfjpqwx",
    "w": "fgjqvx",
    "x": "bdgjkqrvz",
    "y": "qx",
    "z": "fqx",
}
_ODD_PAIR = re.compile("|".join(f"{first}(?=[{after}])" for first, after in _ODD_AFTER.items()))
_SHORTEST = 6
# Numbers inside are of ids, which scripts and tests post, unless there are capitals, too.
_WORD = re.compile(rf"\b[A-Za-z]{{{_SHORTEST},}}\b")
_NUMBER_INSIDE = re.compile(r"(?<=[A-Za-z])\d+(?=[A-Za-z])")
# Angstschweiss has seven in a row. Of Welsh, w and y are vowels.
_MANY_CONSONANTS = re.compile(r"[b-df-hj-np-tvxz]{5}")
# DeLaCruz and MaryJaneSmith have two.
_CAPITAL_INSIDE = re.compile(r"[a-z](?=[A-Z])")
_CAPITALS_INSIDE = re.compile(r"[a-z][A-Z]{2,}[a-z]")
_CAPITAL_AT_END = re.compile(r"[a-z][A-Z]$")

# With so many oddities, a word is gibberish; with the others, it certainly is.
GIBBERISH, CERTAINLY = 2, 4


def oddities(text: str) -> int:
    """Return how many oddities the oddest word of a name has."""
    if _CAPITAL_INSIDE.search(text):
        text = _NUMBER_INSIDE.sub("", text)
    return max(map(_oddities_of_word, _WORD.findall(text)), default=0)


def has_capital_inside(text: str) -> bool:
    return _CAPITAL_INSIDE.search(text) is not None


def surely_no_oddities(text: str) -> bool:
    """Whether a text of plain letters has none that counts alone, as a quick look tells."""
    usual_case = text.istitle() or text.islower() or text.isupper()
    return usual_case and not _ODD_PAIR.search(text.lower())


def _oddities_of_word(word: str) -> int:
    lower = word.lower()
    found = len(_ODD_PAIR.findall(lower))
    found += bool(_MANY_CONSONANTS.search(lower)) + bool(_CAPITALS_INSIDE.search(word))
    found += bool(_CAPITAL_AT_END.search(word))
    return found + max(0, len(_CAPITAL_INSIDE.findall(word)) - 1)
