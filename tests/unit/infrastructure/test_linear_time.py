"""Every regular expression takes time in proportion to the text, whoever wrote that.

The test finds the patterns and how each is used, so a new one is tried, too. Time is compared with
time: twice the text may not take three times as long.
"""

import importlib
import pkgutil
import re
import time
from collections.abc import Callable, Iterator
from itertools import product, takewhile
from types import ModuleType
from typing import Any

import pytest

import relay
import shared
import web
import worker

PACKAGES = (relay, shared, web, worker)
SHORT, LONG = 4_000, 8_000
# So little time is noise.
WORTH_COMPARING = 0.002
USES = ("search", "match", "fullmatch", "sub", "split", "findall", "finditer")
# Their texts are never long, or never a stranger's.
BOUNDED = {
    "shared.domain.field_names._TELEPHONE": "names of 200 characters",
    "shared.domain.reading.dates._AROUND_SIGNS": "texts of 200 characters",
    "shared.domain.reading.dates._TIME": "texts of 200 characters",
    "shared.domain.reading.dates._WEEKDAY": "texts of 200 characters",
    "shared.domain.reading.meanings._ASIDE": "the text has a bracket that closes at its end",
    "shared.infrastructure.email_syntax._PLAIN": "addresses of 64 characters",
    "shared.infrastructure.alert_services._BETWEEN": "the operator's setting",
    "shared.ledger.script_library._STATEMENT": "our own scripts",
}
UNITS = (
    *("a", "A", "1", "é", " ", "\n", "\t ", ".", "-", "_", "@", ":", "/", "(", ")", "{", "'", '"'),
    *("a@", "a.", "a-", "a_", "a:", "a/", "a://", "eyJ-", "eyJa.", "bearer ", "1(", "(1-", "1 "),
    *("mon", "a=", "&a", "{{", "%%", "*|", "user ", "relay ", "x://a", "a@b", "..", "--", "\r\n"),
)
ENDS = ("", "!", "\n", "@", "a")


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def used(package: ModuleType) -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """Yield each pattern of a module by its name, and each way in which it is used there."""
    for module in modules(package):
        file = module.__file__ or ""
        with open(file, encoding="utf-8") as text:  # noqa: PTH123 - a module's own file
            source = text.read()
        for name, value in vars(module).items():
            full_name = f"{module.__name__}.{name}"
            if isinstance(value, re.Pattern) and full_name not in BOUNDED:
                for use in USES:
                    if re.search(rf"\b{name}\.{use}\b", source):
                        yield full_name, value, use


def seconds(work: Callable[[], object], enough: float) -> float:
    """Return the least CPU time of three runs, or the first that is less than `enough`."""
    least = float("inf")
    for _ in range(3):
        began = time.process_time()
        work()
        least = min(least, time.process_time() - began)
        if least < enough:
            break
    return least


def run(pattern: re.Pattern[Any], use: str, text: str, enough: float = 0) -> float:
    subject: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    replacement: Any = b"" if isinstance(subject, bytes) else ""
    if use == "sub":
        return seconds(lambda: pattern.sub(replacement, subject), enough)
    return seconds(
        lambda: (
            list(getattr(pattern, use)(subject) or ())
            if use == "finditer"
            else (getattr(pattern, use)(subject))
        ),
        enough,
    )


def compared(pattern: re.Pattern[Any], use: str, unit: str, end: str) -> tuple[float, float] | None:
    """Return what a text and one twice as long take; None if that is too little to compare."""
    long = run(pattern, use, unit * (LONG // len(unit)) + end, enough=WORTH_COMPARING)
    if long < WORTH_COMPARING:
        return None
    return run(pattern, use, unit * (SHORT // len(unit)) + end), long


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_twice_the_text_takes_twice_the_time(package: ModuleType) -> None:
    for name, pattern, use in used(package):
        for unit, end in product(UNITS, ENDS):
            # Something else on the machine may slow down one comparison, but hardly each of three.
            tries = (compared(pattern, use, unit, end) for _ in range(3))
            slow = takewhile(lambda seen: seen and seen[1] >= 3 * seen[0], tries)
            assert len(list(slow)) < 3, (name, use, unit, end)


def test_the_patterns_are_found() -> None:
    names = {name for package in PACKAGES for name, _, _ in used(package)}
    assert "shared.infrastructure.logs._EMAIL" in names
    assert len(names) > 40
