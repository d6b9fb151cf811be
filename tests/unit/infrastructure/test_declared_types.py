"""Values are compared with the types that a dataclass declares."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

import pytest

from shared.infrastructure.declared_types import check_types
from tests.support.builders import NOON


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Part:
    name: str


@dataclass(frozen=True)
class Whole:
    count: int = 1
    share: float = 1
    flag: bool = True
    text: str | None = None
    colour: Colour = Colour.RED
    word: Literal["a", "b"] = "a"
    at: datetime = NOON
    span: timedelta = timedelta()
    names: tuple[str, ...] = ("x",)
    kinds: frozenset[Colour] = frozenset({Colour.RED})
    by_name: dict[str, int | None] | None = None
    part: Part | None = Part("p")
    parts: tuple[Part, ...] = (Part("p"),)
    anything: Any = None


def test_values_of_the_declared_types_pass() -> None:
    check_types(Whole())
    check_types(Whole(share=0.5, text="", by_name={"x": None}, part=None, kinds=frozenset()))


@pytest.mark.parametrize(
    "wrong",
    [
        {"count": "1"},
        {"count": True},
        {"count": 1.5},
        {"share": "1"},
        {"flag": 1},
        {"text": 5},
        {"colour": "red"},
        {"word": "c"},
        {"at": "2026-01-01"},
        {"span": 5},
        {"names": ["x"]},
        {"names": (5,)},
        {"kinds": frozenset({"red"})},
        {"by_name": {"x": "1"}},
        {"by_name": {1: 1}},
        {"by_name": []},
        {"part": {"name": "p"}},
        {"part": Part(5)},  # type: ignore[arg-type]
        {"parts": (Part("p"), None)},
    ],
    ids=str,
)
def test_a_value_of_another_type_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=next(iter(wrong))):
        check_types(replace(Whole(), **wrong))
