"""Phrases: one thing or many, and one full stop at the end."""

import pytest

from shared.domain.outcome import ApiAnswer
from shared.domain.phrases import clause, counted, first_of, sentence, sign_ups_wait, without_ids


@pytest.mark.parametrize(
    ("count", "phrase"),
    [
        (0, "0 dead letters"),
        (1, "1 dead letter"),
        (2, "2 dead letters"),
        (1200, "1,200 dead letters"),
    ],
)
def test_one_thing_or_many(count: int, phrase: str) -> None:
    assert counted(count, "dead letter") == phrase


@pytest.mark.parametrize(
    ("count", "phrase"),
    [(0, "No sign-up waits"), (1, "1 sign-up waits"), (1200, "1,200 sign-ups wait")],
)
def test_the_verb_goes_with_it(count: int, phrase: str) -> None:
    assert sign_ups_wait(count) == phrase


@pytest.mark.parametrize(
    ("count", "phrase"),
    [(1, "0"), (2, "0, 1"), (3, "0, 1 and 1 more"), (1202, "0, 1 and 1,200 more")],
)
def test_the_first_of_many_names(count: int, phrase: str) -> None:
    assert first_of([str(each) for each in range(count)], 2) == phrase


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("it is expired", "it is expired."),
        ("it is expired.", "it is expired."),
        ("why?", "why?"),
        ("no!", "no!"),
        ("and so on…", "and so on…"),
    ],
)
def test_a_sentence_ends_once(text: str, ended: str) -> None:
    assert sentence(text) == ended


@pytest.mark.parametrize(
    "text", ["it is expired", "it is expired.", "it is expired. ", "it is expired..."]
)
def test_ours_goes_on_after_a_clause(text: str) -> None:
    assert f"{clause(text)}." == "it is expired."


def test_the_cause_of_an_answer_is_a_clause() -> None:
    assert (
        ApiAnswer(status=400, message="The address is invalid.").cause
        == "HTTP 400: The address is invalid"
    )


def test_a_list_leaves_out_ids_and_keeps_other_numbers() -> None:
    said = "HTTP 404: list_id eb2b18da-4eb0-5278-b387-1a112b807d05 does not exist"
    assert without_ids(said) == "HTTP 404: list_id … does not exist"
