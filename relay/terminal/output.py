"""The output of commands: sentences and tables for people, or one JSON document for scripts."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from shared.domain.durations import in_words
from shared.domain.printable import printable, printable_json
from shared.infrastructure.typed_commands import as_typed

LONGEST_TABLE = 50


class Output:
    """Prints to standard output, and warnings to standard error.

    With `as_json`, standard output has the JSON document only.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def json(self, document: Any) -> None:
        """Print `document` if the user asked for JSON."""
        if self.as_json:
            click.echo(printable_json(json.dumps(document, ensure_ascii=False, indent=2)))

    def say(self, text: str) -> None:
        """Print `text` for people."""
        if not self.as_json:
            click.echo(as_typed(printable(text)))

    def warn(self, text: str) -> None:
        """Print `text` to standard error, where it does not disturb scripts."""
        click.echo(f"WARNING: {as_typed(printable(text))}", err=True)

    def table(self, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Print a table for people. An unknown value (None) is a dash."""
        if not self.as_json:
            from tabulate import tabulate

            shown = [[_shown(cell) for cell in row] for row in rows]
            click.echo(tabulate(shown, headers=headers, tablefmt="simple", disable_numparse=True))

    @property
    def most_rows(self) -> int | None:
        """How many of the latest to show; None for all, which scripts get."""
        return None if self.as_json else LONGEST_TABLE

    def latest(
        self, what: str, headers: Sequence[str], rows: Sequence[Sequence[Any]], next_steps: str
    ) -> None:
        """Print the latest of something, `most_rows` at most, and what can be done with them."""
        if not rows:
            self.say(f"No {what}.")
            return
        self.table(headers, rows)
        if len(rows) == LONGEST_TABLE:
            self.say(f"\nThese are the latest {LONGEST_TABLE}. Add --json to list all.")
        self.say(next_steps)


def _shown(cell: Any) -> str:
    return "-" if cell is None else printable(str(cell))


def by_name(counts: Mapping[str, int]) -> str:
    """Return the counts with their names, the largest first, such as ``3 acme, 1 blue``."""
    largest_first = sorted(counts.items(), key=lambda each: each[1], reverse=True)
    return printable(", ".join(f"{count:,} {name}" for name, count in largest_first))


def for_people(moment: datetime | None) -> str | None:
    """Return the time in UTC, as text for people."""
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def duration(span: timedelta | None) -> str | None:
    """Return the duration in words; None if it is unknown."""
    return None if span is None else in_words(span)
