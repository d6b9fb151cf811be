"""Colours that an operator chooses for a form's pages, and what makes all text on them legible.

Contrast is that of WCAG 2.2: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio. Black or white has
4.58 on every colour, so each text has a colour that reaches `TEXT`.
"""

import re
from collections.abc import Iterable

from shared.domain.errors import Refused

# The least contrasts of level AA: of text, and of edges and other signs.
TEXT, SIGN = 4.5, 3.0
BLACK, WHITE = "#000000", "#ffffff"

_COLOUR = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})")
_STEPS = 20  # from a colour to black or white


def checked_colour(given: str) -> str:
    """Return the colour as ``#rrggbb``; "" for none. Short ones such as ``#15c`` are a colour."""
    if not (wanted := given.strip().lower()):
        return ""
    if not (found := _COLOUR.fullmatch(wanted)):
        raise Refused(
            f"{given!r} is no colour. A colour is # and six digits of 0 to 9 and a to f, such as"
            " #1a56c4. It can be copied from the website's style sheet."
        )
    digits = found[1]
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def contrast(one: str, other: str) -> float:
    """Return how much two colours contrast, from 1 to 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def ink_on(ground: str) -> str:
    """Return black or white, whichever contrasts more with the ground."""
    return max(BLACK, WHITE, key=lambda ink: contrast(ink, ground))


def legible(colour: str, ground: str, least: float = TEXT) -> str:
    """Return the colour, or the nearest one towards black or white that has the `least` contrast
    on the ground."""
    steps = (mixed(colour, ink_on(ground), step / _STEPS) for step in range(_STEPS + 1))
    return next(each for each in steps if contrast(each, ground) >= least)


def mixed(one: str, other: str, share: float) -> str:
    """Return the colour between both that has this share of the `other`, 0 to 1."""
    pairs = zip(_parts(one), _parts(other), strict=True)
    return _colour(round(a + (b - a) * share) for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))


def _colour(parts: Iterable[int]) -> str:
    return "#" + bytes(parts).hex()
