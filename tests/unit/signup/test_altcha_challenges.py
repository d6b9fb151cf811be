"""Proofs of work: solved by any browser, for one form, for a day, and not without the work."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.ledger.limits import SOLUTION_LIFE
from tests.support.proof_of_work import counter_in, solution_of
from web.signup.altcha_challenges import AltchaChallenges

NEW, OLD = "a new key of the installation", "the key before it, still known"


@pytest.fixture(autouse=True)
def little_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.signup.altcha_challenges._ITERATIONS", 1)


def challenges(*keys: str, age: float = 0) -> AltchaChallenges:
    return AltchaChallenges(keys or (NEW,), clock=lambda: time.time() - age)


def solved(solution: str, *, form: str = "news", by: AltchaChallenges | None = None) -> str | None:
    return (by or challenges()).solved(form, {"email": ["ada@example.com"], "altcha": [solution]})


def changed(solution: str, change: Callable[[dict[str, Any]], object]) -> str:
    content = json.loads(base64.b64decode(solution))
    change(content)
    return base64.b64encode(json.dumps(content).encode()).decode()


def test_a_solution_is_right_in_every_process_with_the_same_key() -> None:
    challenge = challenges().make("news")
    assert solved(solution_of(challenge)) == challenge["signature"]


def test_a_challenge_of_the_key_before_stays_good_when_the_key_is_changed() -> None:
    solution = solution_of(challenges(OLD).make("news"))
    assert solved(solution, by=challenges(NEW, OLD))
    assert not solved(solution, by=challenges(NEW))
    signed_anew = solution_of(challenges(NEW, OLD).make("news"))
    assert not solved(signed_anew, by=challenges(OLD)), "the new key signs"


def test_all_solutions_of_one_challenge_have_one_name() -> None:
    challenge = challenges().make("news")
    one = solution_of(challenge)
    other = solution_of(challenge, after=counter_in(one))
    assert one != other
    assert solved(one) == solved(other) is not None


def test_it_counts_for_its_form_alone() -> None:
    assert not solved(solution_of(challenges().make("club")))


def test_it_counts_no_longer_than_the_ledger_knows_that_it_was_used() -> None:
    nearly = SOLUTION_LIFE.total_seconds() - 60
    assert solved(solution_of(challenges(age=nearly).make("news")))
    assert not solved(solution_of(challenges(age=nearly + 120).make("news")))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda all: all["challenge"]["parameters"].update(cost=0), id="no work"),
        pytest.param(lambda all: all["challenge"]["parameters"].update(keyPrefix=""), id="easy"),
        pytest.param(
            lambda all: all["challenge"]["parameters"].update(expiresAt=2**40), id="for ever"
        ),
        pytest.param(lambda all: all["challenge"].update(signature=None), id="not signed"),
        pytest.param(lambda all: all["solution"].update(counter=-1), id="no counter"),
        pytest.param(lambda all: all["solution"].update(derivedKey="00" * 32), id="another key"),
        pytest.param(lambda all: all.pop("solution"), id="not solved"),
    ],
)
def test_a_forged_one_is_none(change: Callable[[dict[str, Any]], object]) -> None:
    solution = solution_of(challenges().make("news"))
    assert solved(changed(solution, lambda all: None)), "as it was, it is right"
    assert not solved(changed(solution, change))


@pytest.mark.parametrize(
    "given",
    ["", "null", "e30=", "W10=", "x" * 60_000, "\udc80", base64.b64encode(b"[[[[").decode()],
)
def test_anything_else_is_none(given: str) -> None:
    assert solved(given) is None


def test_without_one_there_is_none_and_an_empty_one_is_passed_over() -> None:
    assert challenges().solved("news", {"email": ["ada@example.com"]}) is None
    solution = solution_of(challenges().make("news"))
    assert challenges().solved("news", {"altcha": ["", solution]})
