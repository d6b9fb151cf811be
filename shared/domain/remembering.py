"""Remembering what a function of one text returned, as the same few texts come again and again."""

import functools
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def remembered(
    *, longest: int, most: int = 1024
) -> Callable[[Callable[[str], T]], Callable[[str], T]]:
    """Remember the last `most` results for texts of at most `longest` characters.

    Strangers choose the texts. Without a bound on their length they could fill the memory.
    """

    def decorate(find: Callable[[str], T]) -> Callable[[str], T]:
        remembering = functools.lru_cache(maxsize=most)(find)

        @functools.wraps(find)
        def found(text: str) -> T:
            return remembering(text) if len(text) <= longest else find(text)

        return found

    return decorate
