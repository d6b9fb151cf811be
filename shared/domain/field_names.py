"""Names of posted fields as they may be shown and kept: short, plain, and without personal data.

A page's author chooses these names, but a stranger may post anything as a name: an e-mail address,
or a whole JSON document in a body of the wrong kind.
"""

import re
import unicodedata
from collections.abc import Iterable
from itertools import islice

from shared.domain.reading.values import in_plain_form
from shared.domain.remembering import remembered

LONGEST_NAME = 40
MOST_NAMES = 10
MASKED = "(name not shown)"

# Besides letters and digits of any language: what the names have that frameworks make, such as
# `fields[email][value]`, `ctl00$Main$txtEmail` and `E-Mail-Adresse *`.
_PUNCTUATION = frozenset("_ .:*$/#?!,'()[]&+-")
# A telephone number, alone or in a sentence. The digits of `field_1234567` and of an id are none.
_TELEPHONE = re.compile(r"(?<![\w-])\+?\d[\d .()/-]{5,}\d(?![\w-])")
# A form may post a thousand names.
_LOOKED_AT = 50
# No field has a longer name; a document in a body of the wrong kind has.
_LONGEST_LOOKED_AT = 200


def plain_name(name: str) -> str:
    """Return the name as it may be shown; `MASKED` if it may hold personal data."""
    return _plain(name) if len(name) <= _LONGEST_LOOKED_AT else MASKED


@remembered(longest=_LONGEST_LOOKED_AT)  # the same fields come again and again
def _plain(name: str) -> str:
    text = in_plain_form(name)  # format characters can hide or turn around what is beside them
    if not text or not all(map(_is_plain, text)) or _TELEPHONE.search(text):
        return MASKED
    return text if len(text) <= LONGEST_NAME else text[: LONGEST_NAME - 1] + "…"


def plain_names(names: Iterable[str]) -> tuple[str, ...]:
    """Return the first of the names as they may be shown, each once."""
    shown = dict.fromkeys(map(plain_name, islice(names, _LOOKED_AT)))
    return tuple(shown)[:MOST_NAMES]


def one_word(name: str) -> str:
    """Return the name; `MASKED` if it has several words."""
    return MASKED if " " in name else name


def _is_plain(character: str) -> bool:
    letter_number_or_mark = unicodedata.category(character)[0] in "LNM"
    return letter_number_or_mark or character in _PUNCTUATION
