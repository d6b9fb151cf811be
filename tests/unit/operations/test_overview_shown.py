"""Which accounts, causes and forms the overview shows, as tables."""

from typing import Any

import pytest

from shared.domain.counts import Counts
from shared.domain.signup import DeathReason
from shared.domain.totals import Totals
from shared.ledger.stores.form_counts import FormFigures
from shared.ledger.stores.statistics import Glance
from shared.operations.overview import shown
from tests.support import refusals
from tests.support.builders import form
from tests.support.few_failures import cause
from tests.support.overviews import glance


def failed(name: str, count: int, **fields: Any) -> Glance:
    return glance(name, dead={DeathReason.REJECTED: count}, **fields)


@pytest.mark.parametrize(
    ("given", "look", "person"),
    [
        ({}, False, False),
        ({"due": 5, "quarantined": 1}, False, False),
        ({"tokens_in_trouble": True}, True, True),
        ({"dead": {DeathReason.REJECTED: 1}}, True, True),
        ({"dead": {DeathReason.REJECTED: 1}, "in_jobs": 1}, False, False),
        ({"holds": {"paused", "quota"}}, False, False),
        ({"holds": {"outage"}}, True, False),
        ({"holds": {"outage", "reconnect"}}, True, True),
        ({"holds": {"forbidden"}}, True, True),
        ({"holds": {"of a newer version"}}, True, True),
    ],
)
def test_who_needs_a_look_and_who_a_person(given: dict[str, Any], look: bool, person: bool) -> None:
    found = glance(**given)
    assert (shown.needs_a_look(found), shown.needs_a_person(found)) == (look, person)


def test_those_in_trouble_are_shown_first_and_then_the_busiest() -> None:
    in_order = [
        failed("z", 1),
        glance("y", holds={"outage"}, quarantined=1),
        glance("x", holds={"outage"}, due=9),
        glance("w", quarantined=1),
        glance("v", today=Counts(accepted=2), totals=Totals(accepted=2, due=2)),
        glance("u", today=Counts(accepted=3)),
        glance("t", due=2),
        *(glance("A"), glance("b"), glance("C"), glance("d"), glance("e")),
    ]
    others = [glance("f"), glance("g")]
    assert shown.choose([*others, *in_order[::-1]]) == (in_order, others)


def test_the_accounts_are_explained_in_which_most_failed() -> None:
    glances = [failed("a", 2), failed("b", 9, in_jobs=9), failed("c", 4), failed("d", 3)]
    assert shown.most_failed(glances) == ["c", "d", "a"]
    assert shown.most_failed([*glances, failed("e", 1)]) == ["c", "d", "a"]
    assert shown.most_failed(glances[:2]) == ["a"]


def test_the_largest_causes_are_those_of_which_most_waits_for_a_decision() -> None:
    of_blue = cause(1, account="blue")
    in_jobs, gone = cause(9, jobs={"job": 6}), cause(8, account="gone", jobs={"job": 8})
    groups = [cause(2), cause(1), in_jobs, of_blue, cause(5), gone]
    found = shown.largest_causes(groups)
    assert found["acme"] == [cause(5), in_jobs, cause(2)]
    assert found["blue"] == [of_blue]
    assert not found.get("gone")


def figures(name: str, account: str = "acme", **refused: int) -> FormFigures:
    of = form(name, account=account)
    return FormFigures(form=of, accepted=0, quarantined=0, refused=refused)


def test_forms_that_refused_sign_ups_are_those_with_the_most_first() -> None:
    a, b = figures("a", origin=1, not_shown=9), figures("b", invalid=1, required=1)
    of_blue, views = figures("c", "blue", origin=1), figures("d", not_shown=5)
    found = shown.refusing_forms([a, views, of_blue, b, figures("e")])
    assert found == {"acme": [b, a], "blue": [of_blue]}
    assert shown.forms_to_explain(found) == [a.form, of_blue.form]


def test_of_many_forms_a_few_are_explained() -> None:
    of_acme = [figures(f"a{number}", origin=1) for number in range(7)]
    of_blue = [figures(f"b{number}", "blue", origin=1) for number in range(7)]
    found = shown.forms_to_explain({"acme": of_acme, "blue": of_blue})
    assert found == [each.form for each in [*of_acme, *of_blue][:10]]


def test_the_newest_website_is_named_that_sent_sign_ups() -> None:
    last = [
        refusals.kept("not_shown", origin="https://viewed.example"),
        refusals.kept(origin="https://old.example"),
        refusals.kept(origin="https://older.example"),
    ]
    own = form(origins=("https://www.example.com",))
    found = shown.newest_website(own, last)
    assert found and found.origin == "https://old.example"
    assert shown.newest_website(own, last[:1]) is None
