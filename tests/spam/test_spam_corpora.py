"""Screening, measured: honest people get through, and much of what robots post does not."""

from collections.abc import Callable

import pytest

from tests.spam.corpora import PARTS, Sample, people, robots
from tests.spam.measuring import Result, measure
from tests.spam.table import documents, measured

# The share of robots' sign-ups that must be caught, of each part. Some look like anybody's.
FLOORS = {"": 0.75, "_later": 0.6}
MOST_PEOPLE = 0.01


def _caught(results: list[Result]) -> list[str]:
    return [result.sample.called for result in results if result.caught()]


@pytest.mark.parametrize("part", PARTS)
def test_hardly_any_honest_sign_up_is_quarantined(part: str) -> None:
    results = measure(people(part))
    caught = _caught(results)
    assert len(caught) <= MOST_PEOPLE * len(results), caught


@pytest.mark.parametrize("part", PARTS)
def test_most_spam_is_quarantined(part: str) -> None:
    results = measure(robots(part))
    assert len(_caught(results)) >= FLOORS[part] * len(results)


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("samples", [people, robots])
def test_each_sample_is_there_once(samples: Callable[[str], list[Sample]], part: str) -> None:
    called = [sample.called for sample in samples(part)]
    assert len(called) >= 100
    assert len(set(called)) == len(called)


def test_the_documents_have_the_tables_as_they_are_measured() -> None:
    print(measured())  # noqa: T201 - pytest shows it where a figure has changed
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, "run: make spam-table"
