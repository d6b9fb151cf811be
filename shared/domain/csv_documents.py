"""CSV documents whose cells are safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence

# A cell that begins so is a formula to a spreadsheet, and may come from a stranger.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


# Excel reads UTF-8 only if the file begins with this.
BYTE_ORDER_MARK = "\ufeff"


def csv_document(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Return the document with its line of column names."""
    return csv_line(columns) + "".join(map(csv_line, rows))


def csv_line(cells: Iterable[object]) -> str:
    """Return a line, with its end. None is an empty cell."""
    line = io.StringIO()
    csv.writer(line).writerow(map(_safe, cells))
    return line.getvalue()


def _safe(value: object) -> object:
    """Return the value so that it is shown as it is, and never calculated: with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
