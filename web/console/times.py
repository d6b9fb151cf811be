"""Times within sentences: each page shows them as it shows times in tables.

Sentences are made for pages, commands and alerts alike, and have UTC in one of two shapes:
``2026-03-01 14:05 UTC`` (`minute`), and ``14:05 UTC`` on this UTC day (`short_minute`).
"""

import re
from datetime import datetime, timedelta

from markupsafe import Markup

_TIME = re.compile(r"\b(?:([0-9]{4}-[0-9]{2}-[0-9]{2}) )?([0-9]{2}:[0-9]{2}) UTC\b")
_MIDNIGHT = "00:00"


def times_in(sentence: str, now: datetime) -> Markup:
    """Return the sentence with a `<time>` around each time, which console.js shows in the reader's
    zone. Everything else is escaped, unless it is markup already. `now` is in UTC."""
    if isinstance(sentence, Markup):
        return sentence
    told, end = Markup(), 0
    for found in _TIME.finditer(sentence):
        told += sentence[end : found.start()]
        told += _time(found, now)
        end = found.end()
    return told + sentence[end:]


def _time(found: re.Match[str], now: datetime) -> str:
    """Return the time that was found as an element, or as it is if no clock shows it."""
    day, clock = found.groups()
    try:
        at = _moment(day, clock, now)
    except ValueError:
        return found[0]
    return Markup('<time datetime="{}" title="{}"><span data-clock="{}">{}</span></time>').format(
        at.isoformat(), f"{at:%Y-%m-%d %H:%M} UTC", "" if day else "short", found[0]
    )


def _moment(day: str | None, clock: str, now: datetime) -> datetime:
    """Return the moment. Without a day it is one of today, and midnight is the next one."""
    if clock == _MIDNIGHT:
        now += timedelta(days=1)
    return datetime.fromisoformat(f"{day or now.date()}T{clock}+00:00")
