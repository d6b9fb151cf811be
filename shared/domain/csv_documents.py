"""CSV documents whose cells are safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

# A cell that begins so is a formula to a spreadsheet, and may come from a stranger.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def csv_document(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return the document with its line of column names. None is an empty cell."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([_safe(value) for value in row] for row in rows)
    return written.getvalue()


def _safe(value: object) -> object:
    """Return the value so that it is shown as it is, and never calculated: with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
