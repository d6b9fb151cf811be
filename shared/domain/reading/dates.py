"""Dates as people and form tools write them.

``05/06`` is month first, unless that is impossible; ``05.06.`` with dots is day first. The year
comes first only with four digits.
"""

import re
from dataclasses import dataclass
from datetime import date

from shared.domain.reading.normal_forms import normalized

_PARTS = re.compile(r"(\d{1,2})([/.\- ])\s*(\d{1,2})(?:\2\s*(\d{4}|\d{2}))?\.?", re.ASCII)
_ISO = re.compile(r"(\d{4})([/.-])(\d{1,2})\2(\d{1,2})(?:[T ].*)?", re.ASCII)
# 17 May 1990, 17th May, 17. Mai 1990, May 17, 1990
_MONTH_NAME = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th|\.)? (?:de )?)?([^\W\d_]{3,10})\.?"
    r"(?: (\d{1,2})(?:st|nd|rd|th)?)?,?(?: (?:de )?(\d{4}))?"
)
_WEEKDAY = re.compile(r"(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? ", re.IGNORECASE)
_TIME = re.compile(r",? \d{1,2}:\d{2}.*")
_AROUND_SIGNS = re.compile(r"\s*([/.-])\s*")

# The first letters of the months in English, German, French, Spanish, Italian, Dutch, Portuguese.
_MONTHS = (
    "jan gen ene",
    "feb fev",
    "mar mae mrt maa",
    "apr avr abr",
    "may mai mei mag maj",
    "jun juin giu",
    "jul juil lug",
    "aug aou ago",
    "sep set",
    "oct okt ott out",
    "nov",
    "dec dez dic",
)
_STARTS = {start: number for number, starts in enumerate(_MONTHS, 1) for start in starts.split()}
_LEAP_YEAR = 2000
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class FoundDate:
    """A day; `year` is None where none was given."""

    month: int
    day: int
    year: int | None

    def iso(self) -> str:
        return f"{self.year:04}-{self.month:02}-{self.day:02}"


def read_date(text: str) -> FoundDate | None:
    """Return the date in `text`; None if there is none."""
    if len(text) > _LONGEST:
        return None
    text = _TIME.sub("", _WEEKDAY.sub("", " ".join(text.split()), count=1))
    if any(map(str.isalpha, text)) and "T" not in text:
        text = " ".join(text.replace("-", " ").split())
    else:
        text = _AROUND_SIGNS.sub(r"\1", text)
    if found := _ISO.fullmatch(text):
        return _checked(int(found[3]), int(found[4]), int(found[1]))
    if found := _PARTS.fullmatch(text):
        # Nobody knows the century of a year with two digits.
        year = int(found[4]) if found[4] and len(found[4]) == 4 else None
        return _either_order(int(found[1]), int(found[3]), year, day_first=found[2] == ".")
    if found := _MONTH_NAME.fullmatch(text):
        month, day = read_month(found[2]) or 0, int(found[1] or found[3] or 0)
        return _checked(month, day, int(found[4]) if found[4] else None)
    return None


def is_date(text: str) -> bool:
    """Whether `text` is a date with its year."""
    found = read_date(text)
    return found is not None and found.year is not None


def read_month(text: str) -> int | None:
    """Return the month that `text` names, also abbreviated, or by its number."""
    if len(text) > _LONGEST:
        return None
    text = text.strip(" .")
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 2 and 1 <= int(text) <= 12 else None
    plain = normalized("NFKD", text.lower())
    letters = "".join(filter(str.isalpha, plain))
    return _STARTS.get(letters[:4]) or _STARTS.get(letters[:3])


def _either_order(one: int, two: int, year: int | None, *, day_first: bool) -> FoundDate | None:
    """Return the date in its usual order, or in the other one if only that is possible."""
    month_first, other = _checked(one, two, year), _checked(two, one, year)
    return (other or month_first) if day_first else (month_first or other)


def _checked(month: int, day: int, year: int | None) -> FoundDate | None:
    try:
        date(_LEAP_YEAR if year is None else year, month, day)
    except ValueError:
        return None
    return FoundDate(month, day, year)
