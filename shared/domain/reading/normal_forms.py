"""Unicode's normal forms of strangers' text: the one place that asks for them.

Unicode sorts the marks that follow a letter. A few thousand of them in a row would take seconds, in
which the whole process stands still. So marks are sorted at most `MOST_MARKS` at a time, as in
Unicode's stream-safe text (UAX 15, 13). No language has half as many.
"""

import re
import unicodedata
from typing import Literal

MOST_MARKS = 30
# After it, sorting begins anew. It shows nothing, and is in no normal form that is returned here.
_JOINER = "\u034f"
# Every mark is in here, with signs and blanks that need no sorting. Two marks of half width count
# as letters.
_MARK = r"[\W\uff9e\uff9f]"
_TOO_MANY = re.compile(f"{_MARK}{{{MOST_MARKS}}}(?={_MARK})")


def normalized(form: Literal["NFC", "NFKC", "NFKD"], text: str) -> str:
    """Return `text` in this form, in a time that grows with its length alone."""
    if text.isascii():
        return text
    return unicodedata.normalize(form, with_joiners(text)).replace(_JOINER, "")


def with_joiners(text: str) -> str:
    """Return `text` with a joiner after each `MOST_MARKS` marks in a row."""
    return _TOO_MANY.sub(rf"\g<0>{_JOINER}", text)
