"""Colours: read as operators type them, and moved until text on them is legible."""

import itertools

import pytest

from shared.domain.colours import (
    BLACK,
    SIGN,
    TEXT,
    WHITE,
    checked_colour,
    contrast,
    ink_on,
    legible,
    mixed,
)
from shared.domain.errors import Refused

# A grid over all colours, with those between which black and white are nearly equal.
STEPS = ("00", "33", "66", "76", "80", "99", "cc", "ff")
GRID = ["#" + "".join(parts) for parts in itertools.product(STEPS, repeat=3)]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("#1a56c4", "#1a56c4"),
        (" #1A56C4 ", "#1a56c4"),
        ("1a56c4", "#1a56c4"),
        ("#15c", "#1155cc"),
        ("  ", ""),
    ],
)
def test_a_colour_is_read_as_style_sheets_write_it(given: str, read: str) -> None:
    assert checked_colour(given) == read


@pytest.mark.parametrize("given", ["red", "#12345", "#1a56c4;}", "rgb(1,2,3)", "#gggggg", "##fff"])
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(Refused, match="is no colour"):
        checked_colour(given)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [(BLACK, WHITE, 21.0), (WHITE, "#767676", 4.54), ("#777777", WHITE, 4.48), (BLACK, BLACK, 1.0)],
)
def test_the_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert round(contrast(one, other), 2) == ratio


def test_black_or_white_is_legible_on_every_colour() -> None:
    assert min(contrast(ink_on(ground), ground) for ground in GRID) >= TEXT
    assert (ink_on("#ffdd00"), ink_on("#1a56c4")) == (BLACK, WHITE)


@pytest.mark.parametrize("least", [TEXT, SIGN])
@pytest.mark.parametrize("colour", ["#b3261e", "#1b7048", "#8ab4ff", "#777777"])
def test_every_colour_becomes_legible_on_every_ground(colour: str, least: float) -> None:
    assert min(contrast(legible(colour, ground, least), ground) for ground in GRID) >= least


def test_a_legible_colour_stays_as_it_is() -> None:
    assert legible("#1a56c4", WHITE) == "#1a56c4"
    assert legible(WHITE, WHITE) != WHITE


def test_colours_are_mixed() -> None:
    assert mixed(BLACK, WHITE, 0) == BLACK
    assert mixed(BLACK, WHITE, 1) == WHITE
    assert mixed("#100000", "#200000", 0.5) == "#180000"
