"""Pages with numbers, of what can be counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNumber:
    """The page `number` of `pages`, from 1. It has the items from `first` to before `end`, from 0,
    of `count`."""

    number: int
    pages: int
    first: int
    end: int
    count: int


def numbered(count: int, wanted: int, per_page: int) -> PageNumber:
    """Return the page `wanted` of `count` items; the nearest one if there is no such page."""
    pages = max(1, -(-count // per_page))
    number = min(max(1, wanted), pages)
    first = (number - 1) * per_page
    return PageNumber(
        number=number, pages=pages, first=first, end=min(first + per_page, count), count=count
    )
