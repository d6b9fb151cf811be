"""How a job's sign-ups were chosen, as it is kept with the job."""

import json
from typing import Any

import pytest

from shared.domain.signup import State
from shared.operations.selection import Selection, chosen_in_words
from tests.support.builders import NOON, signup


@pytest.mark.parametrize(
    ("selection", "kept"),
    [
        (Selection(ids=("a", "b")), {"ids": 2}),
        (Selection(all=True), {"all": True}),
        (
            Selection(account="acme", form="news", reason="rejected", since=NOON),
            {
                "account": "acme",
                "form": "news",
                "reason": "rejected",
                "since": "2026-03-01T12:00:00Z",
            },
        ),
        (Selection(email="ada@example.com"), {"email": "one person"}),
    ],
)
def test_a_choice_is_kept_without_addresses(selection: Selection, kept: dict[str, Any]) -> None:
    assert not selection.is_empty
    assert json.loads(selection.to_json()) == kept


def test_nothing_chosen_is_not_everything() -> None:
    assert Selection().is_empty


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ([State.QUARANTINED, State.QUARANTINED], {"state": "quarantined", "form": "news"}),
        ([State.QUARANTINED, State.DEAD], {"form": "news"}),
        ([State.DEAD], {"form": "news"}),
    ],
)
def test_a_choice_of_quarantined_ones_says_so(states: list[State], kept: dict[str, Any]) -> None:
    chosen = chosen_in_words(Selection(form="news"), list(map(signup, states)))
    assert json.loads(chosen) == kept
