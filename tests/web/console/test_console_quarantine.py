"""Reviewing the quarantine: one sign-up, some, and all that match."""

import pytest
import redis
from flask import Flask
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from shared.domain.account import HoldReason
from shared.domain.job import JobPace
from shared.domain.short_ids import short_id
from shared.domain.signup import Consent, Contact
from shared.ledger.jobs import JobLedger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support.builders import form, suspicion
from tests.support.console_browser import SignedIn
from tests.support.console_scene import ConsoleScene, text
from tests.support.signups import ADA


@pytest.fixture
def scene(app: Flask, redis_client: "redis.Redis") -> ConsoleScene:
    return ConsoleScene(app, redis_client)


def caught(scene: ConsoleScene, count: int, **fields: str) -> list[str]:
    return [scene.made.quarantined(f"{n}@example.com", **fields) for n in range(count)]


def post(scene: ConsoleScene, step: str, *picked: str, **fields: str) -> TestResponse:
    """Post as the page does, with several ticks."""
    sent = MultiDict([("csrf_token", scene.browser.token), *fields.items()])
    for id in picked:
        sent.add("pick", f"acme {id}")
    return scene.browser.client.post(
        f"/console/quarantine/{step}", data=sent, headers={"Sec-Fetch-Site": "same-origin"}
    )


# --- what to judge by


WHY = suspicion("honeypot", "of_tomorrow", score=112, honeypot="buy <b>pills</b>")


def from_network(address: str) -> Consent:
    page = "https://www.example.com/club"
    return Consent(text="Yes", version="1", box=None, address=address, page=page)


def test_the_list_tells_all_reasons_with_what_caused_them(scene: ConsoleScene) -> None:
    Registry(scene.client).save_form(form(spam_threshold=12))
    for number in (7, 8):
        consent = from_network(f"198.51.100.{number}")
        scene.made.queued(f"{number}@example.com", quarantine=WHY, consent=consent)
    scene.made.queued("7@example.com", quarantine=WHY, consent=from_network("203.0.113.9"))
    page = text(scene.browser.get("/console/quarantine"))
    for told in (
        "It filled in the field that people do not see. <q>buy <b>pills</b></q>",
        '<span class="soft">(of_tomorrow)</span>',
        "Score 112, quarantined from 12",
        "https://www.example.com/club",
        "198.51.100.0/24, as 1 other here",
        "203.0.113.0/24</p>",
        "1 other sign-up of this person",
    ):
        assert told in page, told
    assert "<b>pills" not in scene.browser.get("/console/quarantine").text


def test_the_filter_says_that_a_spike_quarantines_nothing(scene: ConsoleScene) -> None:
    scene.made.quarantined()
    page = text(scene.browser.get("/console/quarantine?reason=spike"))
    assert "A spike is an alert about a form" in page and "Nothing matches" in page
    assert "A spike is" not in text(scene.browser.get("/console/quarantine?reason=honeypot"))


def test_viewers_read_no_value_page_or_network(scene: ConsoleScene, app: Flask) -> None:
    id = scene.made.queued(quarantine=WHY, consent=from_network("198.51.100.7"))
    viewer = SignedIn(app, Role.VIEWER)
    for path in ("/console/quarantine", f"/console/signups/{id}"):
        page = text(viewer.get(path))
        assert "of_tomorrow" in page
        for hidden in ("pills", "198.51.100", "www.example.com/club"):
            assert hidden not in page, (path, hidden)


def test_the_page_of_one_tells_all_reasons(scene: ConsoleScene) -> None:
    id = scene.made.queued(quarantine=WHY, consent=from_network("198.51.100.7"))
    page = text(scene.browser.get(f"/console/signups/{id}"))
    for told in ("<q>buy <b>pills</b></q>", "of_tomorrow", "Score 112", "198.51.100.0/24"):
        assert told in page, told
    scene.browser.post(f"/console/signups/{id}/discard")
    page = text(scene.browser.get(f"/console/signups/{id}"))
    assert "Quarantined: hidden field filled in, of_tomorrow. Score: 112." in page
    assert "An operator decided against it" in page


# --- one


def test_the_page_of_one_counts_others_of_its_network_and_with_its_text(
    scene: ConsoleScene,
) -> None:
    spam = suspicion("links", "gibberish", links="casino.example", gibberish="xqzt")
    also = suspicion("links", links="casino.example")
    for n, found in enumerate((also, also, suspicion("links", links="cakes.example"))):
        scene.made.queued(f"{n}@example.com", quarantine=found)
    page = text(scene.browser.get(f"/console/signups/{scene.made.queued(quarantine=spam)}"))
    assert ", as 3 others of the account's latest in quarantine." in page
    assert "2 others of the latest in quarantine came with the same text." in page
    alone = scene.made.delivered()
    assert "in quarantine" not in text(scene.browser.get(f"/console/signups/{alone}"))


def test_one_is_delivered_at_once_and_the_list_goes_on_at_its_place(scene: ConsoleScene) -> None:
    [id] = caught(scene, 1)
    answer = post(scene, "deliver?row=3", one=f"acme {id}", form="news", email=ADA)
    assert answer.status_code == 303
    one = short_id(id)
    assert answer.location == f"/console/quarantine?form=news&delivered={one}#row-3"
    assert scene.states([id]) == ["queued"]
    assert f'href="/console/signups/{one}">See what' in text(scene.browser.get(answer.location))
    assert "See what becomes" not in scene.browser.get("/console/quarantine?delivered=<b>all").text


def test_one_is_discarded_at_once_and_can_be_undone(scene: ConsoleScene) -> None:
    [id] = caught(scene, 1)
    answer = post(scene, "discard?row=0", one=f"acme {id}")
    assert answer.location == f"/console/quarantine?discarded={short_id(id)}#row-0"
    assert scene.states([id]) == ["discarded"]
    page = text(scene.browser.get(answer.location))
    assert f'action="/console/signups/{short_id(id)}/undo-discard"' in page


def test_what_is_no_id_is_not_called_discarded(scene: ConsoleScene) -> None:
    page = scene.browser.get("/console/quarantine?discarded=all-of-it").text
    assert "is discarded" not in page


def test_what_cannot_be_sent_stays_and_says_why(scene: ConsoleScene) -> None:
    id = scene.made.quarantined(contact=Contact(fields={"email_address": "no address"}))
    post(scene, "deliver", one=f"acme {id}")
    page = text(scene.browser.get("/console/quarantine"))
    assert f"{short_id(id)} stays in quarantine. Please enter an e-mail address" in page


# --- some, and all


@pytest.mark.parametrize(("step", "becomes"), [("deliver", "queued"), ("discard", "discarded")])
def test_the_ticked_ones_are_asked_for_first(scene: ConsoleScene, step: str, becomes: str) -> None:
    one, two, other = caught(scene, 3)
    asked = text(post(scene, "confirm", one, two, what=f"{step}-ticked"))
    assert "2 sign-ups" in asked
    assert scene.states([one, two]) == ["quarantined", "quarantined"]
    assert post(scene, step, one, two, note="robots").status_code == 303
    assert scene.states([one, two, other]) == [becomes, becomes, "quarantined"]


@pytest.mark.parametrize(("step", "becomes"), [("deliver", "queued"), ("discard", "discarded")])
def test_all_that_match_are_those_of_the_filter(
    scene: ConsoleScene, step: str, becomes: str
) -> None:
    ids, others = caught(scene, 3), caught(scene, 2, form="shop")
    asked = text(post(scene, "confirm", what=f"{step}-all", form="news"))
    assert "3 sign-ups" in asked
    assert 'name="form" value="news"' in asked
    post(scene, step, all="1", form="news")
    assert scene.states([*ids, *others]) == [becomes] * 3 + ["quarantined"] * 2


def test_what_is_delivered_during_a_hold_is_told_to_wait(scene: ConsoleScene) -> None:
    ids = caught(scene, 2)
    scene.ledger.hold("acme", HoldReason.OUTAGE, by="answer")
    asked = text(post(scene, "confirm", *ids, what="deliver-ticked"))
    assert "acme is on hold (outage). What you deliver there waits until that ends." in asked
    assert "at once" not in asked
    post(scene, "deliver", *ids)
    told = text(scene.browser.get("/console/quarantine"))
    assert "2 sign-ups wait now, as acme is on hold (outage). They are sent when that" in told
    assert "can be sent now" not in told


def many(scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return three sign-ups, which are many for this test."""
    monkeypatch.setattr("shared.operations.bulk_choices.LARGE", 3)
    monkeypatch.setattr("shared.operations.quarantine_review.LARGE", 3)
    return caught(scene, 3)


def feed(redis_client: "redis.Redis") -> int:
    """Make due what waits in jobs, as a worker does."""
    return JobLedger(redis_client, JobPace(per_second=1000, per_day=9_500)).feed("acme")


@pytest.mark.parametrize("chosen", [{}, {"form": "news"}, {"reason": "honeypot"}])
def test_a_job_delivers_any_number_at_its_pace(
    scene: ConsoleScene,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
    chosen: dict[str, str],
) -> None:
    ids = many(scene, monkeypatch)
    asked = text(post(scene, "confirm", what="deliver-all", **chosen))
    for told in ("Deliver 3 sign-ups anyway?", "Requests left today", "Takes about", "half of"):
        assert told in asked
    job = str(post(scene, "deliver", all="1", **chosen).location)
    assert scene.states(ids) == ["quarantined"] * 3
    page = text(scene.browser.get(job))
    assert "Deliver 3 sign-ups anyway" in page
    listed = text(scene.browser.get("/console/quarantine"))
    assert "0 of 3 done" in listed
    assert listed.count(f'<a href="{job}">Waits for its turn in a job</a>') == 3
    assert feed(redis_client) == 3
    assert scene.states(ids) == ["queued"] * 3


def test_a_job_that_delivers_is_stopped_and_found_again(
    scene: ConsoleScene, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = many(scene, monkeypatch)
    job = str(post(scene, "deliver", all="1").location)
    assert f'href="{job}"' in scene.browser.get("/console/failed/jobs").text
    scene.browser.post(f"{job}/cancel")
    assert feed(redis_client) == 0
    assert scene.states(ids) == ["quarantined"] * 3
    assert "Stopped" in text(scene.browser.get(job))
    assert "Waits for its turn" not in text(scene.browser.get("/console/quarantine"))


def test_a_job_says_how_many_cannot_be_sent(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(scene, monkeypatch)
    wrong = scene.made.quarantined(contact=Contact(fields={"email_address": "no address"}))
    job = str(post(scene, "deliver", all="1").location)
    page = text(scene.browser.get(job))
    assert "Deliver 3 sign-ups anyway" in page
    assert "1 sign-up cannot be sent as it is and stays in quarantine" in page
    assert scene.states([wrong]) == ["quarantined"]


def test_a_job_discards_any_number_and_all_of_it_can_be_undone(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operations.bulk_choices.MOST_READ", 2)
    ids, others = caught(scene, 3), caught(scene, 3, form="shop")
    asked = text(post(scene, "confirm", what="discard-all", form="news"))
    assert "Discard up to 6 sign-ups?" in asked  # no index tells how many of them are the form's
    job = str(post(scene, "discard", all="1", form="news", note="robots").location)
    assert "state quarantined, form news" in text(scene.browser.get(job))
    assert scene.states([*ids, *others]) == ["discarded"] * 3 + ["quarantined"] * 3
    scene.browser.post(f"{job}/undo")
    assert scene.states(ids) == ["quarantined"] * 3


def test_a_job_discards_by_any_of_the_reasons(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operations.bulk_choices.MOST_READ", 2)
    ids = [
        scene.made.queued(f"{n}@example.com", quarantine=suspicion("disposable", "honeypot"))
        for n in range(3)
    ]
    other = scene.made.quarantined(reason="disposable")
    job = post(scene, "discard", all="1", reason="honeypot").location
    assert "reason honeypot" in text(scene.browser.get(str(job)))
    assert scene.states([*ids, other]) == ["discarded"] * 3 + ["quarantined"]


def test_a_person_with_too_many_is_decided_about_by_ticks(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operations.bulk_choices.MOST_READ", 2)
    ids = [scene.made.quarantined(ADA) for _ in range(3)]
    answer = post(scene, "discard", all="1", email=ADA)
    assert "too many quarantined sign-ups for one step" in text(answer, 400)
    assert scene.states(ids) == ["quarantined"] * 3


def test_a_job_discards_nothing_without_the_words_that_were_asked_for(
    scene: ConsoleScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operations.signup_lists.MOST_READ", 2)
    ids = caught(scene, 4)
    post(scene, "discard", all="1", words="words that none has")
    assert scene.states(ids) == ["quarantined"] * 4


def test_what_somebody_else_has_decided_meanwhile_is_left_out(scene: ConsoleScene) -> None:
    one, two = caught(scene, 2)
    scene.ledger.discard("acme", one)
    assert "1 sign-up that you ticked is not in quarantine any more" in text(
        post(scene, "confirm", one, two, what="deliver-ticked")
    )
    post(scene, "deliver", one, two)
    assert scene.states([one, two]) == ["discarded", "queued"]
    assert post(scene, "confirm", one, what="deliver-ticked").status_code == 303


def test_without_a_tick_nothing_is_done(scene: ConsoleScene) -> None:
    [id] = caught(scene, 1)
    for step in ("confirm", "deliver", "discard"):
        answer = post(scene, step, what="discard-ticked")
        assert "You ticked no sign-up" in text(answer, 400)
    assert "does not say what to do" in text(post(scene, "confirm", id, what="burn"), 400)
    assert scene.states([id]) == ["quarantined"]


def test_other_accounts_names_are_no_keys(scene: ConsoleScene) -> None:
    id = scene.made.quarantined()
    answer = scene.browser.post("/console/quarantine/discard", pick=f"acme}}:x {id}")
    assert answer.status_code == 303
    assert scene.states([id]) == ["quarantined"]


def test_viewers_decide_nothing(scene: ConsoleScene, app: Flask) -> None:
    [id] = caught(scene, 1)
    viewer = SignedIn(app, Role.VIEWER)
    for step in ("confirm", "deliver", "discard"):
        answer = viewer.post(f"/console/quarantine/{step}", one=f"acme {id}", what="deliver-all")
        assert answer.status_code == 403
    assert scene.states([id]) == ["quarantined"]
