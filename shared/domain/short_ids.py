"""Short ids: a sign-up's UUID in 22 characters instead of 36, for pages and for reading aloud.

It is the same number in base 58, whose digits nobody mistakes for each other: no 0, O, I and l.
"""

import re
from uuid import UUID

_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# 58 ** 22 is the first power of 58 above 2 ** 128.
_LENGTH = 22
_SHORT = re.compile(f"[{_DIGITS}]{{{_LENGTH}}}")
_LONG = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def short_id(id: str) -> str:
    """Return the short form of a UUID. Another text is its own short form."""
    if not _LONG.fullmatch(id):
        return id
    number, digits = UUID(id).int, ""
    while len(digits) < _LENGTH:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return digits


def full_id(text: str) -> str:
    """Return the UUID whose long or short form `text` is. Another text is returned as it is."""
    if _LONG.fullmatch(text):
        return text.lower()
    if not _SHORT.fullmatch(text):
        return text
    number = 0
    for digit in text:
        number = number * len(_DIGITS) + _DIGITS.index(digit)
    return str(UUID(int=number)) if number < 2**128 else text
