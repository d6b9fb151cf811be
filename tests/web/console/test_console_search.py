"""The search: to the only sign-up, a list of several, and what is known if there is none."""

from datetime import timedelta

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.domain.refusal import Refusal, RefusalCode
from shared.domain.short_ids import short_id
from shared.domain.signup import Contact
from shared.ledger.spools import SpoolFigures
from shared.ledger.stores.form_counts import FormCounts, FormTally
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_scene import ConsoleScene, text
from tests.support.records import strip_to_evidence
from tests.support.refusals import wrong
from tests.support.signups import ADA
from tests.support.web_services import services_of
from web.signup.checked_signup import CheckedSignup

CONTACT = "5b0c2a6e-30a5-4ce9-9b0e-5a4f2f0a8a01"
EVIL = '"><script>alert(1)</script>@x.example'


class Scene(ConsoleScene):
    def search(self, question: str) -> TestResponse:
        return self.browser.post("/console/search", q=question)


@pytest.fixture
def scene(app: Flask, redis_client: "redis.Redis") -> Scene:
    return Scene(app, redis_client, Role.VIEWER)


def leads_to(answer: TestResponse) -> str:
    assert answer.status_code == 303, answer.text
    return str(answer.location)


@pytest.mark.parametrize("typed", [ADA, ADA.upper(), f"  {ADA} "])
def test_an_address_with_one_sign_up_leads_to_it(scene: Scene, typed: str) -> None:
    id = scene.made.dead()
    assert leads_to(scene.search(typed)) == f"/console/signups/{short_id(id)}"


def test_an_id_leads_to_its_sign_up_long_or_short(scene: Scene) -> None:
    id = scene.made.delivered()
    for typed in (id, id.upper(), short_id(id)):
        assert leads_to(scene.search(typed)) == f"/console/signups/{short_id(id)}"


def test_a_contact_id_leads_to_the_sign_up_that_made_it(scene: Scene) -> None:
    scene.made.delivered("other@example.com")
    id = scene.made.delivered(contact_id=CONTACT)
    assert leads_to(scene.search(CONTACT)) == f"/console/signups/{short_id(id)}"


def test_several_are_listed_in_all_states_the_newest_first(scene: Scene) -> None:
    ids = [scene.made.delivered(), scene.made.dead(contact=_named("A")), scene.made.quarantined()]
    page = text(scene.search(ADA))
    assert "3 sign-ups" in page
    for id, state in zip(ids, ("Delivered", "Failed", "Quarantined"), strict=True):
        assert f'href="/console/signups/{short_id(id)}"' in page
        assert f"</span> {state}</span>" in page
    assert "Constant Contact has the contact." in page  # why each stands as it does
    places = [page.index(short_id(id)) for id in ids]
    assert places == sorted(places, reverse=True)


def _named(name: str) -> Contact:
    return Contact(fields={"email_address": ADA, "first_name": name})


def test_a_cleared_one_is_found_by_its_evidence(scene: Scene) -> None:
    id = scene.made.delivered()
    strip_to_evidence(scene.client, id)
    assert leads_to(scene.search(ADA)) == f"/console/signups/{short_id(id)}"
    assert leads_to(scene.search(id)) == f"/console/signups/{short_id(id)}"


def test_what_waits_on_this_hosts_disk_is_found(scene: Scene) -> None:
    sent = builders.submission(ADA)
    entry = CheckedSignup(submission=sent, compared_email=ADA, idempotency_key=None)
    services_of(scene.app).spool.add(entry)
    for question in (ADA, sent.id, short_id(sent.id)):
        assert leads_to(scene.search(question)) == f"/console/signups/{short_id(sent.id)}"
    page = text(scene.browser.get(f"/console/signups/{sent.id}"))
    assert "on this host's disk" in page


def test_nothing_found_says_what_is_known(scene: Scene) -> None:
    refuse(scene, RefusalCode.REQUIRED)
    figures = SpoolFigures(count=4, bytes=4000, oldest=timedelta(minutes=3))
    scene.ledger.spools.note("a-spool", "web-2", figures)
    page = text(scene.search(ADA))
    assert "No sign-up is found" in page
    assert "required: phone was empty" in page
    assert "https://shop.example, by the hosted form" in page
    assert 'href="/console/forms/news#refused"' in page
    assert "web-2: 4 sign-ups" in page
    assert "nobody can tell whose these were" in page


def refuse(scene: Scene, code: RefusalCode) -> None:
    refusal = Refusal(
        code=code,
        fields=("email",),
        origin="https://shop.example",
        client="Firefox",
        wrong=(wrong("phone", code),),
        hosted=True,
    )
    tally = FormTally(
        form="news",
        account="acme",
        refused={code: 1},
        faults=1,
        streak={code: 1},
        streak_began_ago=timedelta(),
        streak_went_on_ago=timedelta(),
        last=[(timedelta(), refusal)],
        unsent={},
    )
    FormCounts(scene.client).add("web", 1, [tally])


def test_an_id_that_nobody_has_says_how_far_it_looked(scene: Scene) -> None:
    page = text(scene.search(CONTACT))
    assert "none of the latest 2,000 delivered sign-ups" in page


@pytest.mark.parametrize("typed", ["tim", "Tim Knuth", "tim@", "@example.com", "tim@example"])
def test_a_name_or_a_part_of_an_address_is_told_what_the_search_takes(
    scene: Scene, typed: str
) -> None:
    page = text(scene.search(typed), 422)
    assert f"“{typed}” is no whole e-mail address and no id." in page
    assert '<a href="/console/failed">failed</a>' in page
    assert "No sign-up is found" not in page


def test_without_a_question_the_page_says_what_the_search_takes(scene: Scene) -> None:
    assert "The person's whole e-mail address" in text(scene.browser.get("/console/search"))
    assert "The person's whole e-mail address" in text(scene.search(" "), 422)


def test_what_was_typed_is_no_markup_and_in_no_address(scene: Scene) -> None:
    answer = scene.search(EVIL)
    assert "<script>alert" not in answer.text
    assert "script&gt;" in answer.text
    assert "Location" not in answer.headers


def test_every_page_has_the_search(scene: Scene) -> None:
    page = scene.browser.get("/console/").text
    assert 'action="/console/search"' in page
