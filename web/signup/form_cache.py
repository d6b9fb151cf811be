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

from shared.domain.errors import LedgerUnavailable
from shared.domain.form import Form
from shared.domain.format import check_known

log = logging.getLogger(__name__)

T = TypeVar("T")

# What reading a file may raise that this code did not write.
_UNUSABLE = (ValueError, TypeError, KeyError, AttributeError)

# How a form gets from format 1 to 2, from 2 to 3, and so on. The file follows at the next change.
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]
UPGRADES: tuple[Upgrade, ...] = ()

FILE_NAME = "forms.json"  # in RELAY_DATA_DIR
# A form that an operator changed or disabled is the new one everywhere this soon.
FRESH = timedelta(seconds=2)


class Ask(Protocol):
    """Does `work` within the time that a visitor waits, or raises `LedgerUnavailable`."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


class Forms(Protocol):
    """Where forms are kept."""

    def forms(self) -> list[Form]: ...

    def form(self, name: str) -> Form | None: ...


class FormCache:
    """All forms as they were at most `FRESH` ago, or when Redis last answered.

    Several web processes may share `path`: each writes all the forms it read, whole.
    """

    def __init__(self, forms: Forms, path: Path, *, clock: Callable[[], float]) -> None:
        self._source = forms
        self._path = path
        self._clock = clock
        self._reading = threading.Lock()
        self._read_at = float("-inf")
        self._written = _read(path)
        self._forms = _parse(self._written)

    def knows_any(self) -> bool:
        """Whether any sign-up could be told which form it belongs to while Redis is away."""
        return bool(self._forms)

    def find(self, name: str, ask: Ask) -> Form | None:
        """Return the form, None when there is none of that name.

        Raises `LedgerUnavailable` only for a name that was never seen while Redis is away.
        """
        self.refresh(ask)
        known = self._forms.get(name)
        if known is None and ask(lambda: self._source.form(name)) is not None:
            # Made since the last look, and maybe posted to by the same script at once.
            self._read_at = float("-inf")
            self.refresh(ask)
            known = self._forms.get(name)
        return known

    def refresh(self, ask: Ask) -> None:
        """Read all forms again unless they are fresh; the old ones stay when Redis is away."""
        if self._clock() - self._read_at < FRESH.total_seconds():
            return
        # One reader is enough; the others carry on with what there is.
        if not self._reading.acquire(blocking=not self._forms):
            return
        try:
            forms = ask(self._source.forms)
        except LedgerUnavailable as error:
            log.debug("forms not read", extra={"cause": str(error)})
        else:
            self._forms = {form.name: form for form in forms}
            self._read_at = self._clock()
            self._write(forms)
        finally:
            self._reading.release()

    def _write(self, forms: list[Form]) -> None:
        document = {"format": 1 + len(UPGRADES), "forms": [form.to_dict() for form in forms]}
        text = json.dumps(document, indent=1)
        if text == self._written:
            return
        # Its own name for each process, so that two that write at once do not mix.
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
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
        return {form.name: form for form in map(Form.from_dict, forms)}
    except _UNUSABLE as error:
        log.warning("forms on disk cannot be used", extra={"cause": type(error).__name__})
        return {}
