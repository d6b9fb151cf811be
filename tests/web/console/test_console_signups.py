"""One sign-up's page: what it shows in each state, and what an operator can do there."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.domain.account import HoldReason
from shared.domain.form import Form, ListRef
from shared.domain.short_ids import short_id
from shared.domain.signup import Consent, Contact, CustomValue
from shared.ledger import keys
from shared.operations.operators import Role
from tests.support import builders
from tests.support.builders import suspicion
from tests.support.console_browser import SignedIn
from tests.support.console_scene import ConsoleScene, text
from tests.support.records import strip_to_evidence
from tests.support.signups import ADA, Made
from tests.support.web_services import change_services, services_of

CONTACT = "5b0c2a6e-30a5-4ce9-9b0e-5a4f2f0a8a01"
CAKE = "7f1d1c1e-0000-4000-8000-000000000001"
EVIL = '"><script>alert(1)</script>'


class Scene(ConsoleScene):
    def page(self, id: str, role: Role | None = None) -> str:
        browser = SignedIn(self.app, role) if role else self.browser
        return text(browser.get(f"/console/signups/{id}"))

    def post(self, id: str, step: str, **fields: str) -> TestResponse:
        return self.browser.post(f"/console/signups/{id}/{step}", **fields)


@pytest.fixture
def scene(app: Flask, redis_client: "redis.Redis") -> Scene:
    return Scene(app, redis_client)


# --- what it shows


def test_a_long_and_a_short_id_lead_to_the_same_page(scene: Scene) -> None:
    id = scene.made.dead()
    assert short_id(id) != id
    long, short = (re.findall(r'action="([^"]+)"', scene.page(each)) for each in (id, short_id(id)))
    assert long == short != []


@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(Made.queued, "A worker sends it within seconds.", id="queued"),
        pytest.param(Made.delivering, "A worker is sending it", id="delivering"),
        pytest.param(Made.retrying, "Attempt 2 follows by itself.", id="retrying"),
        pytest.param(Made.delivered, "Constant Contact has the contact.", id="delivered"),
        pytest.param(Made.dead, "does not accept the e-mail address", id="dead"),
        pytest.param(Made.discarded, "It is never sent.", id="discarded"),
        pytest.param(Made.quarantined, "the field that people do not see", id="quarantined"),
    ],
)
def test_each_state_says_why_and_what_to_do(
    scene: Scene, make: Callable[[Made], str], says: str
) -> None:
    page = scene.page(make(scene.made))
    assert says in page
    assert "What to do:" in page
    assert ADA in page


def test_a_dead_letter_has_its_attempt_with_all_that_support_asks_for(scene: Scene) -> None:
    page = scene.page(scene.made.dead())
    assert 'data-label="Answer"><span>HTTP 400: ' in page
    assert ">contacts.api.validation.error<" in page
    assert "email_address is in an invalid format" in page
    assert "<code>track-400</code>" in page
    assert "0.10 s" in page


def test_what_was_typed_stands_beside_what_is_sent(scene: Scene) -> None:
    contact = Contact(
        fields={"email_address": ADA, "first_name": "Ada", "phone_number": "+441234"},
        custom=(CustomValue(CAKE, "favourite_cake", "Lemon"),),
        other={"referrer": "a friend", "days": ["mon", "tue"]},
        typed={"phone": "01234"},
        cut=2,
    )
    page = scene.page(scene.made.queued(contact=contact))
    assert 'data-label="Typed">01234</td> <td data-label="Sent"><strong>+441234</strong>' in page
    assert 'Typed">Ada</td> <td data-label="Sent"><span class="soft">the same' in page
    assert 'Field">Favourite cake</td> <td data-label="Typed">Lemon' in page
    assert 'Typed">mon, tue</td> <td data-label="Sent"><span class="soft">kept, not sent' in page
    assert "2 more fields had no room" in page
    assert "<dt>Lists</dt><dd>Newsletter</dd>" in page


def test_a_field_that_only_another_version_knows_is_shown_and_stays_after_an_edit(
    scene: Scene,
) -> None:
    fields = {"email_address": "ada@exmple", "shoe_brand": "Lace & Co"}
    id = scene.made.dead(contact=Contact(fields=fields))
    kept = (
        'Field">shoe_brand</td> <td data-label="Typed">Lace & Co</td>'
        ' <td data-label="Sent"><span class="soft">kept, not sent'
    )
    assert kept in scene.page(id)
    assert "shoe_brand" not in text(scene.browser.get(f"/console/signups/{id}/edit"))

    assert scene.post(id, "edit", edits="0", **{"field-email": ADA}).status_code == 303

    assert kept in scene.page(id)
    edited = scene.ledger.find(id, ["acme"])
    assert edited is not None
    assert edited.contact.fields == fields | {"email_address": ADA}


def test_what_was_typed_at_first_stays_on_the_page_after_edits(scene: Scene) -> None:
    contact = Contact(
        fields={"email_address": ADA, "first_name": "Ada", "city": "Pars"},
        custom=(CustomValue(CAKE, "favourite_cake", "Lemon"),),
        typed={"birthday": "05/17"},
    )
    id = scene.made.dead(contact=contact)
    edit = services_of(scene.app).operations.dead_letters.edit
    edit(id, {"email": "ada.king@example.com", "city": "Paris", "favourite_cake": ""})
    edit(id, {"city": "", "phone": "1"})
    page = scene.page(id).replace('</td> <td data-label="Sent"><strong>', " -> ")
    for row in (
        f"{ADA} -> ada.king@example.com",
        "Pars -> {none}",
        "Lemon -> {none}",
        "{none} -> 1",
    ):
        assert 'Typed">' + row.format(none="\N{EN DASH}") in page, row
    assert "05/17" not in page


def test_the_consent_is_shown_as_it_was(scene: Scene) -> None:
    consent = Consent(
        text="Yes, write to me about cake.",
        version="7",
        box=True,
        address="192.0.2.9",
        page="https://acme.example/join",
    )
    page = scene.page(scene.made.queued(consent=consent))
    for told in ("about cake", "<dd>7</dd>", "ticked", "192.0.2.9", "https://acme.example/join"):
        assert told in page


def test_a_viewer_sees_nothing_personal(scene: Scene) -> None:
    contact = Contact(fields={"email_address": ADA, "first_name": "Ada"}, other={"note": "hush"})
    consent = Consent(text="Yes.", version="1", box=None, address="192.0.2.9", page=None)
    id = scene.made.dead(contact=contact, consent=consent)
    scene.post(id, "edit", edits="0", **{"field-first_name": "Augusta"})
    scene.post(id, "discard", note="she asked for it")
    page = scene.page(id, Role.VIEWER)
    for personal in (ADA, "Ada", "Augusta", "hush", "192.0.2.9", "she asked"):
        assert personal not in page
    assert "a…@e….com" in page
    assert "track-400" in page
    assert "/discard" not in page


def test_the_contact_id_is_for_those_who_may_look_it_up(scene: Scene) -> None:
    id = scene.made.delivered(contact_id=CONTACT)
    assert CONTACT in scene.page(id)
    assert CONTACT not in scene.page(id, Role.VIEWER)


def test_what_waits_says_behind_whom(scene: Scene) -> None:
    first, second = scene.made.queued(), scene.made.queued(contact=_named("Augusta"))
    page = scene.page(second)
    assert "after an earlier sign-up of the same person" in page
    assert f'href="/console/signups/{short_id(first)}"' in page


def _named(name: str) -> Contact:
    return Contact(fields={"email_address": ADA, "first_name": name})


def test_what_is_held_says_by_what_and_leads_to_the_account(scene: Scene) -> None:
    id = scene.made.queued()
    scene.ledger.hold("acme", HoldReason.PAUSED, by="ada", note="new lists")
    page = scene.page(id)
    assert "An operator has paused its account. Nothing is lost." in page
    assert "when the hold paused ends" in page
    assert "new lists" in page
    assert 'href="/console/accounts/acme"' in page


@pytest.mark.parametrize(
    ("make", "step", "fields"),
    [
        (Made.quarantined, "deliver", {}),
        (Made.dead, "retry", {}),
        (Made.dead, "edit", {"edits": "0", "field-first_name": "Ada", "send": "yes"}),
    ],
)
def test_a_hold_is_told_before_it_is_sent_and_after(
    scene: Scene, make: Callable[[Made], str], step: str, fields: dict[str, str]
) -> None:
    id = make(scene.made)
    before = "now: it is sent by itself when an operator releases the account."
    assert before not in scene.page(id)
    scene.ledger.hold("acme", HoldReason.PAUSED, by="ada")
    assert before in scene.page(id) and before not in scene.page(id, Role.VIEWER)
    told = text(scene.browser.get(str(scene.post(id, step, **fields).location)))
    assert "It waits now, as acme is on hold (paused). It is sent when an operator" in told
    assert "It is sent now" not in told and "It is sent again" not in told
    assert before not in told


def test_a_page_of_what_is_due_updates_itself_until_it_is_settled(scene: Scene) -> None:
    id = scene.made.queued()
    assert 'data-live="2"' in scene.page(id)
    claim = builders.claimed(scene.ledger)
    scene.ledger.deliver(claim, builders.attempt(), contact_id="c", action="created")
    assert "data-live" not in scene.page(id)


def test_nothing_that_a_stranger_sent_is_markup(scene: Scene) -> None:
    contact = Contact(
        fields={"email_address": ADA, "first_name": EVIL},
        custom=(CustomValue("x", EVIL, EVIL),),
        other={EVIL: EVIL},
        typed={"first_name": EVIL},
    )
    consent = Consent(text=EVIL, version=EVIL, box=None, address=EVIL, page=EVIL, posted=EVIL)
    id = scene.made.dead(contact=contact, consent=consent, message=EVIL, error_key=EVIL)
    scene.post(id, "edit", edits="0", **{"field-last_name": EVIL})
    for path in ("", "/edit", "/discard"):
        page = scene.browser.get(f"/console/signups/{id}{path}").text
        assert "<script>alert" not in page
        assert "script&gt;" in page or path == "/discard"
    scene.post(id, "discard", note=EVIL)
    assert "<script>alert" not in scene.browser.get(f"/console/signups/{id}").text


def test_the_support_report_says_why_it_was_quarantined(scene: Scene) -> None:
    why = suspicion("honeypot", "of_tomorrow", score=112, honeypot="Augusta")
    id = scene.made.queued(quarantine=why)
    page = scene.browser.get(f"/console/signups/{id}").text
    [report] = re.findall(r'<textarea id="report"[^>]*>([^<]*)<', page)
    assert "quarantined for hidden field filled in, of_tomorrow; score 112" in report
    assert "Augusta" not in report


def test_the_support_report_has_ids_and_states_and_nothing_personal(scene: Scene) -> None:
    id = scene.made.dead(contact=_named("Augusta"), message="HTTP 400: Augusta is no name")
    scene.post(id, "discard", note="Augusta wrote to us")
    page = scene.browser.get(f"/console/signups/{id}").text
    [report] = re.findall(r'<textarea id="report"[^>]*>([^<]*)<', page)
    for told in (id, short_id(id), "acme", "news", "track-400", "validation.error", "discarded"):
        assert told in report
    for personal in ("Augusta", ADA, "operator"):
        assert personal not in report
    assert "Z  failed" in report and "dead" not in report  # as the page says it


# --- what else an id may be


def test_an_unknown_id_says_what_may_have_become_of_it(scene: Scene) -> None:
    page = text(scene.browser.get("/console/signups/nothing-of-this-name"), 404)
    assert "There is no sign-up with this id" in page


def test_a_cleared_sign_up_shows_its_evidence(scene: Scene, redis_client: "redis.Redis") -> None:
    id = scene.made.delivered()
    strip_to_evidence(redis_client, id)
    page = scene.page(id)
    assert "A cleared sign-up" in page
    assert "Yes, write to me." in page


def test_a_dead_letter_that_nobody_can_read_can_be_discarded(
    scene: Scene, redis_client: "redis.Redis"
) -> None:
    id = scene.made.queued()
    redis_client.set(f"{keys.account('acme')}signup:{id}", "nonsense")
    builders.claim(scene.ledger)
    assert "Nobody can read its record" in scene.page(id)
    assert scene.post(id, "discard").status_code == 303
    assert scene.ledger.figures("acme").discarded == 1


# --- what an operator does


def test_retry_makes_it_due_and_says_who_did_it(scene: Scene) -> None:
    id = scene.made.dead()
    answer = scene.post(id, "retry")
    assert (answer.status_code, answer.location) == (303, f"/console/signups/{short_id(id)}")
    assert scene.signup(id).state == "queued"
    page = scene.page(id)
    assert "An operator retried it." in page
    assert "By operator, in the console" in page


def test_deliver_anyway_makes_it_due(scene: Scene) -> None:
    id = scene.made.quarantined()
    assert scene.post(id, "deliver").status_code == 303
    assert scene.signup(id).state == "queued"


def test_what_cannot_be_delivered_says_why(scene: Scene) -> None:
    contact = Contact(fields={"email_address": "no address"})
    id = scene.made.quarantined(contact=contact)
    page = text(scene.post(id, "deliver"), 409)
    assert "It stays in quarantine. Please enter an e-mail address" in page


def test_a_discarded_one_keeps_who_and_why(scene: Scene) -> None:
    id = scene.made.dead()
    assert "Discard this sign-up?" in scene.browser.get(f"/console/signups/{id}/discard").text
    assert scene.post(id, "discard", note="a test of ours").status_code == 303
    assert scene.signup(id).state == "discarded"
    assert "Reason: a test of ours" in scene.page(id)


def test_a_discard_can_be_undone(scene: Scene) -> None:
    id = scene.made.dead()
    scene.post(id, "discard")
    assert "Undo the discard" in scene.page(id)
    assert scene.post(id, "undo-discard").status_code == 303
    assert scene.signup(id).state == "dead"
    assert "An operator undid the discarding." in scene.page(id)


@pytest.mark.parametrize("step", ["retry", "deliver", "discard", "undo-discard"])
def test_a_change_that_somebody_else_made_first_is_said_plainly(scene: Scene, step: str) -> None:
    id = scene.made.delivered()
    page = text(scene.post(id, step), 409)
    assert "Nothing was done: the sign-up is delivered now." in page


def test_a_change_that_comes_too_late_names_the_state_as_people_read_it(scene: Scene) -> None:
    dead, waiting = scene.made.dead(), scene.made.queued()
    late = text(scene.post(dead, "deliver"), 409)
    assert "Nothing was done: the sign-up is failed now." in late
    late = text(scene.post(waiting, "retry"), 409)
    assert "Nothing was done: the sign-up is waiting now." in late
    assert "This one is waiting." in text(scene.browser.get(f"/console/signups/{waiting}/edit"))


@pytest.mark.parametrize("step", ["retry", "deliver", "discard", "undo-discard", "edit", "erase"])
def test_viewers_change_nothing(app: Flask, scene: Scene, step: str) -> None:
    id = scene.made.dead()
    viewer = SignedIn(app, Role.VIEWER)
    assert viewer.post(f"/console/signups/{id}/{step}").status_code == 403
    assert scene.signup(id).state == "dead"


def test_the_edit_form_has_the_forms_fields_with_what_there_is(scene: Scene) -> None:
    id = scene.made.dead(contact=_named("Augusta"))
    page = text(scene.browser.get(f"/console/signups/{id}/edit"))
    assert f'name="field-email" type="text" value="{ADA}"' in page
    assert 'name="field-first_name" type="text" value="Augusta"' in page
    assert 'name="field-favourite_cake"' in page
    assert "Favourite cake" in page


def edited(**changed: str) -> dict[str, str]:
    values = {"email": ADA, "first_name": "", "last_name": "", "favourite_cake": ""}
    return {f"field-{name}": value for name, value in (values | changed).items()}


def test_a_corrected_one_is_saved_and_the_difference_kept(scene: Scene) -> None:
    id = scene.made.dead("ada@exmaple.com")
    saved = scene.post(id, "edit", edits="0", **edited(favourite_cake="Lemon"))
    assert saved.status_code == 303
    signup = scene.signup(id)
    assert (signup.state, signup.contact.email) == ("dead", ADA)
    assert [each.value for each in signup.contact.custom] == ["Lemon"]
    page = scene.page(id)
    assert "It is saved. Nothing is sent yet." in page
    assert f"email: <del>ada@exmaple.com</del> → <ins>{ADA}</ins>" in page
    assert "favourite_cake: <del>(empty)</del> → <ins>Lemon</ins>" in page
    assert "first_name:" not in page


def test_save_and_retry_sends_it_again(scene: Scene) -> None:
    id = scene.made.dead("ada@exmaple.com")
    scene.post(id, "edit", edits="0", send="yes", **edited())
    assert (scene.signup(id).state, scene.signup(id).contact.email) == ("queued", ADA)


def test_it_can_be_sent_to_the_lists_that_its_form_has_now(
    scene: Scene, save_form: Callable[..., Form]
) -> None:
    id = scene.made.dead()
    before = scene.signup(id).lists
    assert "form_lists" not in text(scene.browser.get(f"/console/signups/{id}/edit"))
    save_form(lists=(ListRef("0190163d-8694-739b-aea5-966c26f8ad90", "Weekly"),))
    page = text(scene.browser.get(f"/console/signups/{id}/edit"))
    assert "Send it to Weekly, as its form does now." in page

    scene.post(id, "edit", edits="0", **edited())
    assert scene.signup(id).lists == before
    scene.post(id, "edit", edits="0", form_lists="yes", send="yes", **edited())
    signup = scene.signup(id)
    assert signup.lists == ("0190163d-8694-739b-aea5-966c26f8ad90",)
    assert signup.state == "queued"
    shown = f"lists: <del>{before[0]}</del> → <ins>{signup.lists[0]}</ins>"
    assert shown in scene.page(id)


def test_a_list_that_the_form_has_no_more_is_named_as_another_form_names_it(
    scene: Scene, save_form: Callable[..., Form]
) -> None:
    id = scene.made.dead()
    [listed] = scene.signup(id).lists
    save_form(lists=(ListRef("0190163d-8694-739b-aea5-966c26f8ad90", "Weekly"),))
    assert f"Its own: {listed}." in text(scene.browser.get(f"/console/signups/{id}/edit"))
    save_form("shop", lists=(ListRef(listed, "Birthday club"),))
    assert "Its own: Birthday club." in text(scene.browser.get(f"/console/signups/{id}/edit"))
    assert "Birthday club" in scene.page(id)


def test_save_and_deliver_lets_it_out_of_quarantine(scene: Scene) -> None:
    id = scene.made.quarantined("ada@exmaple.com")
    scene.post(id, "edit", edits="0", send="yes", **edited())
    assert scene.signup(id).state == "queued"


def test_wrong_fields_are_named_beside_them_and_what_was_typed_stays(scene: Scene) -> None:
    id = scene.made.dead()
    page = text(
        scene.post(id, "edit", edits="0", **edited(email="no address", first_name="x" * 51)), 422
    )
    assert 'id="field-email-error">Please enter an e-mail address such as' in page
    assert 'value="no address"' in page
    assert 'id="field-first_name-error">First name: please use at most 50' in page
    assert scene.signup(id).edits == 0


def test_an_edit_of_what_somebody_else_has_edited_is_refused(scene: Scene) -> None:
    id = scene.made.dead("ada@exmaple.com")
    scene.post(id, "edit", edits="0", **edited())
    page = text(scene.post(id, "edit", edits="0", **edited(first_name="Augusta")), 409)
    assert "Somebody else has changed" in page
    assert 'value="Augusta"' in page
    assert "first_name" not in scene.signup(id).contact.fields


def test_the_same_values_change_nothing(scene: Scene) -> None:
    id = scene.made.dead(contact=_named("Augusta"))
    scene.post(id, "edit", edits="0", **edited(first_name="Augusta"))
    assert scene.signup(id).edits == 0
    assert "Nothing was changed. Nothing is sent yet." in scene.page(id)
    scene.post(id, "edit", edits="0", send="yes", **edited(first_name="Augusta"))
    assert "Nothing was changed. It is retried now." in scene.page(id)
    assert scene.signup(id).state == "queued"


# --- erasing


@pytest.fixture
def admin(app: Flask) -> Iterator[SignedIn]:
    yield SignedIn(app, Role.ADMIN)


def test_erasing_asks_and_then_erases_all_of_the_person(scene: Scene, admin: SignedIn) -> None:
    id = scene.made.delivered()
    other = scene.made.dead(contact=_named("Augusta"))
    asked = text(admin.get(f"/console/signups/{id}/erase"))
    assert "2 sign-ups" in asked
    assert ADA in asked
    done = text(admin.post(f"/console/signups/{id}/erase"))
    assert "2 sign-ups erased." in done
    assert "The contact at Constant Contact stays" in done
    for gone in (id, other):
        assert admin.get(f"/console/signups/{gone}").status_code == 404


def test_what_is_being_sent_is_not_erased_and_that_is_said(
    scene: Scene, admin: SignedIn, app: Flask
) -> None:
    id = scene.made.delivering()
    impatient = replace(services_of(app).people, sleep=lambda seconds: None)
    change_services(app, people=impatient)
    assert "still being sent" in text(admin.post(f"/console/signups/{id}/erase"), 409)


def test_only_admins_erase(scene: Scene) -> None:
    id = scene.made.delivered()
    assert scene.post(id, "erase").status_code == 403
    assert "/erase" not in scene.page(id)
