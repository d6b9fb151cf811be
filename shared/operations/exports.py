"""Dead letters as a file, JSON or CSV, made part by part: nothing keeps them all in memory."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from shared.domain.audit import Action
from shared.domain.csv_documents import csv_line
from shared.domain.fields import EMAIL, FIELDS
from shared.domain.printable import printable_json
from shared.domain.signup import Signup, State
from shared.ledger.script_library import batches
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.selection import Selection, SignupFinder
from shared.operations.signup_documents import DEAD_LETTER_NAMES, exported_document

# Of so many sign-ups, a part of a file is made.
EXPORTED_AT_ONCE = 200
# Of a CSV, so many characters are kept back, and one of them is sent after so many empty pages: for
# millions of records of which none matches.
_KEPT_BACK = 100
_EMPTY_PAGES = 20
_OTHER = "other_fields"
_FIELDS = tuple(field.api_name for field in FIELDS if field != EMAIL)


class ExportFormat(StrEnum):
    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Exports:
    """Yields files bit by bit. Each has an entry in the audit trail. Raises `LedgerUnavailable`."""

    finder: SignupFinder
    trail: AuditTrail

    def chosen(self, selection: Selection, to: ExportFormat) -> Iterator[str]:
        """Return a file of the chosen dead letters, the latest first. Raises `Refused`."""
        pages = batches(self.finder.chosen(selection, State.DEAD), EXPORTED_AT_ONCE)
        return self.of(pages, to, account=selection.account, chosen=selection.to_json())

    def of(
        self,
        pages: Iterable[Sequence[Signup]],
        to: ExportFormat,
        *,
        account: str | None,
        chosen: str,
    ) -> Iterator[str]:
        """Return a file of these sign-ups, with a part for each page. A page may be empty: then
        something that changes nothing is sent now and then, as proxies end an answer that is
        silent for a minute. `chosen` says how they were chosen, as JSON."""
        self.trail.add(Action.EXPORT, account=account, format=to, chosen=json.loads(chosen))
        return _json(pages) if to == ExportFormat.JSON else _csv(pages, self._custom_fields())

    def _custom_fields(self) -> list[str]:
        """Return the names of all forms' own fields, each of which is a column."""
        forms = self.finder.registry.forms()
        return sorted({each.name for form in forms for each in form.custom_fields})


def _json(pages: Iterable[Sequence[Signup]]) -> Iterator[str]:
    """Yield a JSON list, one sign-up a line, and a space for a page without any."""
    yield "["
    begun = False
    for signups in pages:
        rows = ",\n".join(map(_json_row, signups))
        yield f"{',' if begun else ''}\n{rows}" if rows else " "
        begun = begun or bool(rows)
    yield "\n]\n" if begun else "]\n"


def _json_row(signup: Signup) -> str:
    return printable_json(json.dumps(exported_document(signup), ensure_ascii=False))


def _csv(pages: Iterable[Sequence[Signup]], custom_fields: Iterable[str]) -> Iterator[str]:
    """Yield a header and a row for each sign-up. Other fields are one cell, as JSON."""
    columns = [*_COLUMNS, *map(_custom_column, custom_fields), _OTHER]
    parts = ("".join(_csv_row(signup, columns) for signup in signups) for signups in pages)
    return _never_silent(chain([csv_line(columns)], parts))


def _never_silent(parts: Iterable[str]) -> Iterator[str]:
    """Yield the parts. The end of each is kept back, and follows bit by bit while parts are empty:
    a CSV has nothing that says nothing, as JSON has its spaces."""
    kept, empty = "", 0
    for part in parts:
        if part:
            yield kept + part[:-_KEPT_BACK]
            kept, empty = part[-_KEPT_BACK:], 0
            continue
        empty += 1
        now = 1 if empty % _EMPTY_PAGES == 0 else 0
        yield kept[:now]
        kept = kept[now:]
    yield kept


def _csv_row(signup: Signup, columns: Iterable[str]) -> str:
    values = _values(exported_document(signup))
    return csv_line(values.get(name) for name in columns)


def _values(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document's values by column."""
    other = document.pop(_OTHER)
    fields = {_column(name): value for name, value in document.pop("fields").items()}
    custom = {_custom_column(name): value for name, value in document.pop("custom_fields").items()}
    other_cell = json.dumps(other, ensure_ascii=False) if other else None
    document["reasons"] = " ".join(document["reasons"])
    return {**custom, **fields, **document, _OTHER: other_cell}


def _column(field: str) -> str:
    """Return the column of a field. `state` is that of the sign-up; the address has one, too."""
    return f"field_{field}" if field in DEAD_LETTER_NAMES else field


# The columns that every file has, before those of custom fields and the last one.
_COLUMNS = (*DEAD_LETTER_NAMES, *map(_column, _FIELDS))


def _custom_column(name: str) -> str:
    return f"custom_{name}" if name in (*_COLUMNS, _OTHER) else name
