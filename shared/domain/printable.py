"""Text that is safe to print: strangers' text must not control a terminal, or reorder what it
shows."""

import re

# Control characters but line feeds, characters that reverse the direction of text or separate
# lines, invisible tags, and surrogates, which no encoding has.
_UNSAFE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    """Return the text with a question mark for each unsafe character."""
    return _UNSAFE.sub("?", text)


def printable_json(document: str) -> str:
    """Return the same JSON document, with unsafe characters escaped."""
    return _UNSAFE.sub(lambda found: _escaped(found[0]), document)


def _escaped(character: str) -> str:
    """Return the character as JSON escapes it: as two surrogates if it needs them."""
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))
