"""What commands print: sentences and tables for people, or one JSON document for scripts."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from tabulate import tabulate

from shared.domain.durations import in_words


class Output:
    """Prints to standard output, warnings to standard error. With `as_json`, only `json` prints
    anything on the former."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def json(self, document: Any) -> None:
        """Print `document` when JSON was asked for."""
        if self.as_json:
            click.echo(json.dumps(document, ensure_ascii=False, indent=2))

    def say(self, text: str) -> None:
        """Print `text` for people."""
        if not self.as_json:
            click.echo(text)

    def warn(self, text: str) -> None:
        """Print `text` for people beside what scripts read."""
        click.echo(f"WARNING: {printable(text)}", err=True)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table for people; unknown values (None) as a dash."""
        if not self.as_json:
            shown = [[_shown(cell) for cell in row] for row in rows]
            click.echo(tabulate(shown, headers=headers, tablefmt="simple", disable_numparse=True))


def _shown(cell: Any) -> str:
    """Return a cell's text."""
    return "-" if cell is None else printable(str(cell))


def printable(text: str) -> str:
    """Return the text without what would speak to the terminal: others have typed it."""
    return "".join(c if c.isprintable() or c == "\n" else "?" for c in text)


def for_people(moment: datetime | None) -> str | None:
    """Return the time as people read it, in UTC."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(span: timedelta | None) -> str | None:
    """Return a duration in words; an unknown one is None."""
    return None if span is None else in_words(span)
