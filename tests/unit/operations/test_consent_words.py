"""The evidence of consent in words."""

from dataclasses import replace

import pytest

from shared.domain.signup import Consent
from shared.operations.consent_words import consent_in_words

BARE = Consent(text="Write to me.", version="v1", box=None, address="192.0.2.1", page=None)
KNOWN = replace(
    BARE,
    box=True,
    page="https://example.org/join",
    posted="on",
    stated=True,
    language="de",
    referrer="https://example.com/",
)


def test_all_that_is_known_is_told() -> None:
    assert consent_in_words(KNOWN) == {
        "Version of the text": "v1",
        "Text shown": "the page said that it showed this text",
        "Consent box": "ticked",
        "Posted for the box": "on",
        "Language of the page": "de",
        "Page": "https://example.org/join",
        "Came from": "https://example.com/",
        "Network address": "192.0.2.1",
    }


def test_what_is_not_known_is_said_to_be_so() -> None:
    told = consent_in_words(BARE)
    assert told["Text shown"].startswith("the page did not say which text it showed")
    assert told["Posted for the box"] == "nothing"
    assert {told[name] for name in ("Language of the page", "Page", "Came from")} == {"not known"}


@pytest.mark.parametrize(
    ("box", "words"), [(None, "the form had none"), (True, "ticked"), (False, "not ticked")]
)
def test_the_box(box: bool | None, words: str) -> None:
    assert consent_in_words(replace(KNOWN, box=box))["Consent box"] == words


def test_viewers_do_not_learn_who_it_was() -> None:
    told = consent_in_words(KNOWN, whole=False)
    hidden = {name for name, words in told.items() if words == "not shown to viewers"}
    assert hidden == {"Posted for the box", "Page", "Came from", "Network address"}
    assert told.keys() == consent_in_words(KNOWN).keys()
