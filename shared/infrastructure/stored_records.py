"""Reads stored records so that one which cannot be read takes no others with it.

Everything that is read from Redis or from a file of ours goes through here. What cannot be read is
skipped, stays as it is, and is reported: once to the log, and to who asks with `collecting`, such
as the doctor, a command, or a page of the console.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, is_dataclass
from enum import StrEnum
from functools import partial
from typing import Any, TypeVar

from shared.domain.errors import UnreadableRecord
from shared.domain.phrases import counted, first_of
from shared.infrastructure.declared_types import check_types

log = logging.getLogger(__name__)
log.addHandler(logging.NullHandler())  # a command, which has no log, names the records itself

T = TypeVar("T")
R = TypeVar("R")

# All that reading a text raises which something else wrote: JSON of another shape, missing and
# unknown fields, times beyond all calendars, too deep a nesting.
_ERRORS = (
    *(ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError),
    OSError,  # the clock's functions, for some numbers
)
# Of one process. More are not logged, so that a broken disk does not fill another one.
_MOST_LOGGED = 1000
_MOST_NAMED = 10


class RecordKind(StrEnum):
    """What a stored record is, in words for people."""

    ACCOUNT = "account"
    ALERT = "alert"
    AUDIT = "audit entry"
    CALLS = "count of API calls"
    CHART = "figures of charts"
    CONNECTION = "connection"  #: one that somebody began
    COUNTS = "counts of form"
    EVENT = "event of sign-up"
    FORM = "form"
    FORMS_FILE = "form in forms.json"
    GROUP = "group of failed sign-ups"
    HOLD = "hold of account"
    JOB = "job"
    LAST_SEEN = "last use of the console by operator"
    MEMORY = "note about memory"
    LINK = "client's link"
    LISTS = "lists of account"
    OPERATOR = "operator"
    OPERATOR_KEY = "key of operator"
    PROXIES = "note about proxies"
    SECOND_FACTOR = "second factor of operator"
    SECOND_STEP = "sign-in that waits for a code"
    SESSION = "session of operator"
    SIGNUP = "sign-up"
    RETENTION = "beginning of the retention of"
    SPOOL = "spool report"
    SUCCESS = "last success of account"
    TEST_SIGNUP = "test sign-up"
    TOKENS = "tokens of account"
    TOTALS = "count of account"
    WORKER = "report of worker"


@dataclass(frozen=True, slots=True, order=True)
class Unreadable:
    """A stored record that cannot be read. `name` is what people know it by, mostly an id."""

    kind: RecordKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}".strip()


_collected: ContextVar[set[Unreadable] | None] = ContextVar("unreadable records", default=None)
_logged: set[Unreadable] = set()


@contextmanager
def collecting() -> Iterator[set[Unreadable]]:
    """Give the set of what could not be read since, in this thread. It may be nested."""
    found: set[Unreadable] = set()
    outer = _collected.get()
    before = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(before)
        if outer is not None:
            outer |= found


def left_out(unreadable: Collection[Unreadable]) -> str:
    """Return what to say of records that were left out."""
    named = first_of([str(each) for each in sorted(unreadable)], _MOST_NAMED)
    return (
        f"{counted(len(unreadable), 'stored record')} cannot be read and"
        f" {'is' if len(unreadable) == 1 else 'are'} left out: {named}."
        " See what to do with: relay doctor"
    )


def read_one(kind: RecordKind, name: str, read: Callable[[], T]) -> T | None:
    """Return what `read` returns; None if the record cannot be read, which is reported."""
    try:
        return _read(read)
    except _ERRORS as error:
        _report(Unreadable(kind, name), error)
        return None


def read_or_refuse(kind: RecordKind, name: str, read: Callable[[], T]) -> T:
    """Return what `read` returns; raises `UnreadableRecord` if the record cannot be read."""
    try:
        return _read(read)
    except _ERRORS as error:
        unreadable = Unreadable(kind, name)
        _report(unreadable, error)
        raise UnreadableRecord(str(unreadable)) from error


def read_all(
    kind: RecordKind, stored: Mapping[str, T], read: Callable[[T], R], of: str = ""
) -> dict[str, R]:
    """Return those of the records that can be read, by name, in their order. `of` names what they
    belong to."""
    prefix = f"{of}: " if of else ""
    found = {
        name: read_one(kind, prefix + name, partial(read, each)) for name, each in stored.items()
    }
    return {name: each for name, each in found.items() if each is not None}


def read_named(
    kind: RecordKind, stored: Mapping[str, T], read: Callable[[T], R], called: str = "name"
) -> dict[str, R]:
    """Return what `read_all` does, of records that say themselves what they are `called`."""
    named = {name: (name, each) for name, each in stored.items()}
    return read_all(kind, named, lambda each: as_called(each[0], read(each[1]), called))


def as_called(name: str, record: T, called: str = "name") -> T:
    """Return the record. Raises `ValueError` if it says that it is another one."""
    if getattr(record, called) != name:
        raise ValueError("it is the record of another one")
    return record


def json_object(text: str) -> dict[str, Any]:
    """Return the JSON object that the text is. Raises `ValueError` for anything else."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _read(read: Callable[[], T]) -> T:
    found = read()
    if is_dataclass(found):
        check_types(found)
    return found


def _report(unreadable: Unreadable, error: Exception) -> None:
    collected = _collected.get()
    if collected is not None:
        collected.add(unreadable)
    if unreadable not in _logged and len(_logged) < _MOST_LOGGED:
        _logged.add(unreadable)
        extra = {"kind": unreadable.kind, "record": unreadable.name, "cause": type(error).__name__}
        log.warning("a stored record cannot be read", extra=extra)
