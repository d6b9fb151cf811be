"""Forms in memory and on disk, so that a form's pages and checks work while Redis is away."""

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol, TypeVar

from shared.domain.errors import LedgerUnavailable, UnreadableRecord
from shared.domain.form import Form
from shared.domain.format import check_known
from shared.infrastructure.stored_records import RecordKind, collecting, read_all

log = logging.getLogger(__name__)

T = TypeVar("T")

# The errors of reading a file that this code did not write.
_UNUSABLE = (ValueError, TypeError, KeyError, AttributeError)

# How a form gets from format 1 to 2, from 2 to 3, and so on. Web rewrites an older file as soon as
# it has read the forms in Redis.
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: tuple[Upgrade, ...] = ()

FILE_NAME = "forms.json"  # in RELAY_DATA_DIR
# How soon every web process knows that an operator has changed or disabled a form.
FRESH = timedelta(seconds=2)


class AskRedis(Protocol):
    """Does `work` within the time that a visitor waits, or raises `LedgerUnavailable`."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


class FormSource(Protocol):
    """Where the forms come from: the ledger's registry."""

    def forms(self) -> list[Form]: ...

    def form(self, name: str) -> Form | None: ...


class FormCache:
    """All forms as they were at most `FRESH` ago, or when Redis last answered.

    Several web processes may share `path`: each writes all the forms that it read.
    """

    def __init__(self, source: FormSource, path: Path, *, clock: Callable[[], float]) -> None:
        self._source = source
        self._path = path
        self._clock = clock
        self._reading = threading.Lock()
        self._read_at = float("-inf")
        self._written = _read(path)
        self._forms = _parse(self._written)

    def knows_any(self) -> bool:
        """Whether any form is known, so that sign-ups can be taken while Redis is away."""
        return bool(self._forms)

    def find(self, name: str, ask: AskRedis) -> Form | None:
        """Return the form; None if there is none of that name, in whatever case.

        Raises `LedgerUnavailable` only for a name that was never seen while Redis is away.
        """
        self.refresh(ask)
        return self._known(name) or self._find_new(name, ask)

    def _find_new(self, name: str, ask: AskRedis) -> Form | None:
        """Return a form that was made just now: the script that made it may post to it at once."""
        try:
            found = ask(lambda: self._source.form(name))
        except UnreadableRecord as error:  # nor was it ever read here
            raise LedgerUnavailable(str(error)) from error
        except LedgerUnavailable:
            self._read_file()  # another process of this host may have read the form before
            if known := self._known(name):
                return known
            raise
        if found is None:
            return None
        self._read_at = float("-inf")
        self.refresh(ask)  # unless another thread does, or Redis is slow now
        return self._known(name) or found

    def fresh(self, name: str) -> Form | None:
        """Return the form if it is known, and need not be read again now. Never waits."""
        if self._is_stale() and not self._reading.locked():
            return None
        return self._known(name)

    def _is_stale(self) -> bool:
        return self._clock() - self._read_at >= FRESH.total_seconds()

    def _known(self, name: str) -> Form | None:
        exact = self._forms.get(name)
        if exact is not None:
            return exact
        alike = [form for each, form in self._forms.items() if each.lower() == name.lower()]
        return alike[0] if len(alike) == 1 else None

    def refresh(self, ask: AskRedis) -> None:
        """Read all forms again unless they are fresh. The old ones stay while Redis is away."""
        if not self._is_stale():
            return
        # One thread reads; the others use the forms that they have, if any.
        if not self._reading.acquire(blocking=not self._forms):
            return
        try:
            self._read_all(ask)
        finally:
            self._reading.release()

    def _read_all(self, ask: AskRedis) -> None:
        try:
            forms, unreadable = ask(self._ask_for_all)
        except LedgerUnavailable as error:
            log.debug("forms not read", extra={"cause": str(error)})
            return
        # A form that nobody can read any more goes on as it was when it could be read.
        as_before = {name: self._forms[name] for name in unreadable if name in self._forms}
        self._forms = {form.name: form for form in forms} | as_before
        self._read_at = self._clock()
        self._write(list(self._forms.values()))

    def _ask_for_all(self) -> tuple[list[Form], list[str]]:
        """Return the forms, and the names of those that cannot be read."""
        with collecting() as unreadable:
            forms = self._source.forms()
        return forms, sorted(each.name for each in unreadable)

    def _read_file(self) -> None:
        text = _read(self._path)
        if text != self._written:
            self._written, self._forms = text, _parse(text) or self._forms

    def _write(self, forms: list[Form]) -> None:
        document = {"format": 1 + len(UPGRADES), "forms": [form.to_dict() for form in forms]}
        text = json.dumps(document, indent=1)
        if text == self._written:
            return
        # Each process has a name of its own, so that two writers do not mix their files.
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(self._path)
        except OSError as error:
            log.warning("forms not written to disk", extra={"cause": error.strerror})
        self._written = text


def _unpacked(text: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the format of the file, and the forms in it. The first format had no number."""
    found = json.loads(text)
    return (1, found) if isinstance(found, list) else (found["format"], found["forms"])


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return "[]"
    except (OSError, UnicodeDecodeError) as error:
        log.warning("forms on disk cannot be read", extra={"cause": type(error).__name__})
        return "[]"


def check_format(path: Path) -> None:
    """Raise `Refused` if a newer version wrote the forms at `path`."""
    with contextlib.suppress(*_UNUSABLE):
        found, _ = _unpacked(_read(path))
        check_known(f"The form cache {path}", found, 1 + len(UPGRADES))


def _parse(text: str) -> dict[str, Form]:
    try:
        found, forms = _unpacked(text)
        for upgrade in UPGRADES[found - 1 :]:
            forms = [upgrade(form) for form in forms]
        by_name = {str(place): form for place, form in enumerate(forms, 1)}
        read = read_all(RecordKind.FORMS_FILE, by_name, Form.from_dict)
        return {form.name: form for form in read.values()}
    except _UNUSABLE as error:
        log.warning("forms on disk cannot be used", extra={"cause": type(error).__name__})
        return {}
