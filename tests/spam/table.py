"""The tables of signs, and of their hits and false alarms, measured anew."""

from collections.abc import Sequence
from pathlib import Path

from shared.domain.spam.signs import SIGNS
from tests.spam.corpora import people, robots
from tests.spam.measuring import REASONS, Result, measure

_DOCS = Path(__file__).parents[2] / "docs"
BEGIN, END = "<!-- begin: make spam-table -->\n", "<!-- end: make spam-table -->\n"


_HEAD = """\
| reason | robots: shown by | caught only with it | people: shown by | quarantined only with it |
|---|---|---|---|---|
"""


def documents() -> dict[Path, str]:
    """Return each document as it is with the tables of now."""
    parts = {
        _DOCS / "spam.md": _signs(),
        _DOCS / "internals" / "screening.md": measured(),
    }
    return {path: _written(path.read_text(encoding="utf-8"), part) for path, part in parts.items()}


def measured() -> str:
    return f"{_part('', 'The first part')}\n{_part('_later', 'The later part')}"


def _written(document: str, part: str) -> str:
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{part}{END}{after}"


def _signs() -> str:
    rows = [f"| `{sign.reason}` | {sign.says} | {sign.weight} |\n" for sign in SIGNS]
    return "".join(["| reason | sign | weight |\n|---|---|---|\n", *rows])


def _part(part: str, called: str) -> str:
    honest, spam = measure(people(part)), measure(robots(part))
    rows = [_row(reason, honest, spam) for reason in REASONS]
    counts = f"{len(spam)} sign-ups of robots, {len(honest)} of people"
    together = f"| **all together** | **{_share(spam)}** | | **{_share(honest)}** | |\n"
    return "".join([f"**{called}**: {counts}\n\n", _HEAD, *rows, together])


def _row(reason: str, honest: Sequence[Result], spam: Sequence[Result]) -> str:
    cells = [
        figure
        for results in (spam, honest)
        for figure in (
            sum(reason in result.weights for result in results),
            sum(result.caught_by(reason) for result in results),
        )
    ]
    return f"| `{reason}` | {' | '.join(map(str, cells))} |\n"


def _share(results: Sequence[Result]) -> str:
    caught = sum(result.caught() for result in results)
    return f"{caught} quarantined ({caught / len(results):.1%})"
