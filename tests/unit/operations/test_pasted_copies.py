"""Which change of a form makes which copies on websites old."""

from typing import Any

import pytest

from shared.domain.form import CustomField, ListRef, SourceField
from shared.operations.snippets.pasted_copies import copies_to_replace, told_copies
from tests.support import builders

COPIES = {"form", "fetch", "react"}
SCRIPTS = {"fetch", "react"}
ALL = COPIES | {"js", "popup", "iframe"}
LISTS = (ListRef("1", "One"), ListRef("2", "Two"))
CAKE = CustomField("c", "cake", "Cake")


@pytest.mark.parametrize(
    ("before", "now", "kinds", "why"),
    [
        ({}, {"consent_box": "required"}, COPIES, "visitors must now tick a box"),
        ({}, {"consent_box": "optional"}, COPIES, "visitors may now tick a box"),
        ({"consent_box": "required"}, {"consent_box": "none"}, COPIES, "there is no box to tick"),
        ({}, {"captcha": "altcha"}, COPIES, "now waits in quarantine"),
        ({"captcha": "altcha"}, {"captcha": "none"}, COPIES, "no longer needed"),
        ({}, {"lists": LISTS}, COPIES, "the lists to choose from are others"),
        ({"lists": LISTS[:1]}, {"lists": LISTS[1:]}, set(), ""),
        ({}, {"custom_fields": (CAKE,)}, COPIES, "the form has other fields"),
        ({}, {"language": "de"}, COPIES, "the language of the texts is another one"),
        ({}, {"redirect": "https://a.example/x"}, SCRIPTS, "visitors now go to another page"),
        ({"redirect": "https://a.example/x"}, {"redirect": None}, SCRIPTS, "stay on the page"),
        ({"redirect": "https://a.example/x"}, {"redirect": "https://a.example/y"}, set(), ""),
        ({}, {"sources": (SourceField("utm_term", CAKE),)}, SCRIPTS, "now tell their campaign"),
        ({}, {"sources": (SourceField("page", CAKE),)}, set(), ""),
        ({}, {"consent_text": "I agree."}, COPIES, "the consent text is another one"),
        ({}, {"title": "Our news"}, ALL, "the title is another one"),
        ({}, {"button": "Join"}, COPIES, "the button says something else"),
        ({}, {"success": "Thanks", "accent": "#000000", "spam_threshold": 5}, set(), ""),
    ],
)
def test_a_change_makes_those_copies_old_that_have_it(
    before: dict[str, Any], now: dict[str, Any], kinds: set[str], why: str
) -> None:
    found = copies_to_replace(builders.form(**before), builders.form(**before | now))
    assert {kind for kind, whys in found.items() if whys} == kinds
    assert all(why in each for whys in found.values() for each in whys)


def test_people_read_what_to_paste_again_and_what_is_up_to_date() -> None:
    told = told_copies(
        builders.form(),
        builders.form(consent_box="required", button="Join", redirect="https://a.example"),
    )
    assert told == (
        "Copies of Plain HTML: paste them again, as visitors must now tick a box and the button"
        " says something else. Copies of HTML with a script and React: paste them again, as"
        " visitors must now tick a box, visitors now go to another page and the button says"
        " something else. Drawn in place, Pop-up and Frame are up to date by themselves."
    )
    assert told_copies(builders.form(), builders.form()) == ""
