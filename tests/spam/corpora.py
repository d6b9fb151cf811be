"""The corpora: sign-ups of people and of robots, as text files that anybody can add to.

A line is `address | first name | last name | other=value`. The first part was looked at when the
signs and weights were chosen. The part called `later` was not: of what was written last, every
other line went there. A line of it that makes somebody change a sign moves to the first
part.
"""

import re
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "corpus"
PARTS = ("", "_later")
_NAMED = re.compile(r"[a-z][\w-]*=|_\w+=")


@dataclass(frozen=True, slots=True)
class Sample:
    """A sign-up that was posted. `age` is how many seconds its page was open; None if the page has
    no time token."""

    posted: dict[str, str]
    age: float | None

    @property
    def called(self) -> str:
        return " | ".join(self.posted.values())


def people(part: str) -> list[Sample]:
    return _samples(f"people{part}.txt")


def robots(part: str) -> list[Sample]:
    return _samples(f"robots{part}.txt")


def _samples(name: str) -> list[Sample]:
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [_sample(line) for line in lines if line.strip() and not line.startswith("#")]


def _sample(line: str) -> Sample:
    columns = [column.strip() for column in line.split(" | ")]
    named = [column for column in columns[1:] if _NAMED.match(column)]
    names = [column for column in columns[1:] if column not in named]
    posted = dict(zip(("email", "first_name", "last_name"), [columns[0], *names], strict=False))
    for column in named:
        name, _, value = column.partition("=")
        posted[name] = value.replace("\\n", "\n")
    age = posted.pop("age", None)
    return Sample(posted, float(age) if age else None)
