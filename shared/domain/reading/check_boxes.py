"""Check boxes: what was ticked, in the words that browsers, scripts and languages use."""

import re
from collections.abc import Iterable, Sequence

# What scripts send for a variable without a value.
NOTHING = frozenset({"undefined", "null", "NaN", "[object Object]"})
# What a template leaves where it had nothing to fill in: {{first_name}}, *|FNAME|*.
_PLACEHOLDER = re.compile(r"\{\{.*\}\}|\*\|.*\|\*|%%.*%%")

# In English, German, French, Dutch, Danish, Portuguese, Slavic languages, Turkish and others.
_NO_WORDS = (
    "0 -1 false f off no n none nil - \u2013 n/a unchecked unticked disagree declined decline"
    " deny denied reject rejected refused disabled pending nein non nee nej nei não nao ne нет ні"
    " nie falsch faux falso"
    " hay\u0131r hayir いいえ 否 아니요"
)
# In an answer of a few words, these say no. A long text is what a page's box says beside it.
_NO_INSIDE = {
    *("not", "dont", "don't", "nicht", "niet", "inte", "ikke", "pas", "out", "optout"),
    *("unsubscribe", "unsubscribed"),
}
_FEW_WORDS = 5
# Only signs and zeros: an empty box, an empty list. A check mark is a yes.
_SAYS_NOTHING = re.compile(r"[\W_0]*")
_CHECK_MARKS = frozenset("✓✔☑✅")
# Words that begin no other sentence.
_NO_AT_START = {"no", "non", "nein", "nee", "nej", "nei", "não", "нет", "nie", "not", "never"}
_BETWEEN_WORDS = re.compile(r"[\s,.;:!_-]+")
_NO = frozenset(_NO_WORDS.split()) | {word.casefold() for word in NOTHING}
_UNTICKED = {"0", "false", "off", "no"}  # what a page's hidden input says, in any language
_YES_WORDS = "1 true t on yes y checked ticked ja oui si sí sì sim да так tak evet はい 是 예"
_YES = frozenset(_YES_WORDS.split())


def is_ticked(values: Iterable[str]) -> bool:
    """Whether any of a box's values is a yes.

    Pages put a hidden ``0`` before the box itself. Any text counts as a yes but one that begins
    with a word for no, since a box may have any value.
    """
    return any(value.strip() and (is_yes(value) or not is_no(value)) for value in values)


def is_no(value: str) -> bool:
    """Whether `value` says that a box is not ticked: ``0``, ``No, thanks``."""
    text = value.strip().casefold()
    if _NO.issuperset(text.split(",")) or (
        _SAYS_NOTHING.fullmatch(text) and not _CHECK_MARKS & set(text)
    ):
        return True
    first, *others = _BETWEEN_WORDS.split(text)
    is_short = len(others) < _FEW_WORDS
    return first in _NO_AT_START or (is_short and not _NO_INSIDE.isdisjoint([first, *others]))


def is_nothing(value: str) -> bool:
    """Whether a script or a template sent `value` for nothing."""
    return value in NOTHING or _PLACEHOLDER.fullmatch(value.strip()) is not None


def is_yes(value: str) -> bool:
    """Whether `value` only says that a box is ticked."""
    return value.casefold() in _YES


def without_unticked(values: Sequence[str]) -> list[str]:
    """Return the values of a group of boxes, without the hidden one that means "none".

    Pages put it before the boxes or after them.
    """
    ticked = [value for value in values if value.strip().casefold() not in _UNTICKED]
    return ticked or list(values)
