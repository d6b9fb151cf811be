"""A form whose list does not exist any more gets another one, and what failed is retried there."""

import re
from dataclasses import replace
from html import unescape
from typing import Any

import pytest
import redis
from flask import Flask

from shared.accounts.account_api import AccountApi
from shared.accounts.account_services import AccountServices
from shared.domain.form import Form, ListRef
from shared.domain.job import JobPace
from shared.domain.short_ids import short_id
from shared.infrastructure.settings import Settings
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.sandbox_server import SandboxServer
from tests.support.web_services import services_of
from web.app import create_app

pytestmark = pytest.mark.usefixtures("no_pace")

GONE = ListRef("0190163d-0000-4000-8000-00000000001d", "Birthday club")
SECOND = ListRef("0190163d-0000-4000-8000-00000000002d", "Old birthdays")
WHY = "HTTP 404: list_id {} does not exist"
PAGE = "/console/forms/cakes/list"


class Scene:
    """The account `acme` is connected. Its form `cakes` has a list that does not exist."""

    def __init__(self, app: Flask, sandbox: SandboxServer, client: "redis.Redis") -> None:
        self.app = app
        self.tools: AccountServices = services_of(app).accounts
        self.tools.connecting.tokens.connect("acme", sandbox.connect(), by="ada")
        self.lists = {each.name: each for each in self.tools.api.lists("acme").lists}
        self.client, self.ledger, self.registry = client, Ledger(client), Registry(client)
        self.browser = SignedIn(app, Role.OPERATOR)
        self.have(GONE)

    def have(self, *lists: ListRef) -> None:
        self.registry.save_form(builders.form("cakes", lists=lists))

    def there(self, name: str) -> ListRef:
        return ListRef(self.lists[name].id, name)

    @property
    def form(self) -> Form:
        found = self.registry.form("cakes")
        assert found is not None
        return found

    def fail(self, count: int = 1, lists: tuple[ListRef, ...] = (GONE,), why: str = "") -> str:
        """Have sign-ups fail for their lists; return the path of the last one's page."""
        ids = tuple(each.id for each in lists)
        finder = services_of(self.app).operations.one_signup.finder
        for n in range(count):
            email = f"{n}@example.com"
            person = finder.fingerprints().person(email)
            of = {"form": "cakes", "lists": ids}
            last = builders.accept(self.ledger, email, person=person, **of)
            message = why or WHY.format(ids[-1])
            builders.bury_claim(self.ledger, builders.claimed(self.ledger), message=message)
        return f"/console/signups/{short_id(last.id)}"

    def page(self, path: str, browser: SignedIn | None = None) -> str:
        return text((browser or self.browser).get(path).text)

    def give(self, wanted: str, **changed: str) -> Any:
        typed = {"list": wanted, "version": self.form.version, **changed}
        return self.browser.post(PAGE, **typed)


def text(page: str) -> str:
    return " ".join(unescape(page).split())


@pytest.fixture
def scene(live_settings: Settings, redis_client: "redis.Redis", sandbox: SandboxServer) -> Scene:
    return Scene(create_app(live_settings), sandbox, redis_client)


def test_the_page_of_a_sign_up_leads_to_another_list_and_all_are_retried_there(
    scene: Scene,
) -> None:
    signup = scene.page(scene.fail(12))
    assert "The list “Birthday club” does not exist any more. 12 sign-ups of this form" in signup
    assert "What to do:</strong> Give the form another list, and retry them there." in signup
    offer = re.search(r'<a class="button primary +" href="([^"]+)">Give the form another', signup)
    assert offer and signup.count("primary") == 1  # nothing else is as bold
    assert '<button class="quiet">Retry now' in signup.partition(">Discard</a>")[2]

    page = scene.page(offer[1])
    assert "Birthday club any more, so <strong>12 sign-ups</strong> failed." in page
    assert "The list that you choose replaces it." in page and "(gone)" not in page
    assert "ask Acme Bakery (olive@acme-bakery.example): what failed waits, and nothing" in page
    assert re.search(r"They are as of <time [^>]+><span [^>]+>\d\d:\d\d UTC", page)
    assert "(0 members)" not in page and "Retrying begins now, and takes about" in page
    [group] = re.findall(r'name="group" value="(\w+)"', page)
    assert "Use it and retry 12 sign-ups</button>" in page

    done = scene.give(scene.lists["Newsletter"].id, group=group)
    assert done.status_code == 303
    job = scene.page(done.location)
    assert "The form cakes sends to Newsletter now." in job
    assert "Retry 12 sign-ups, to Newsletter" in job
    assert scene.form.lists == (scene.there("Newsletter"),)
    pace = JobPace(per_second=1_000_000, per_day=1_000_000)
    assert JobLedger(scene.client, pace).feed("acme") == 12


def test_a_hold_is_told_once_with_its_end(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.fail(2)
    cached = replace(scene.tools.api.lists("acme"), error="This API key has no requests left.")
    monkeypatch.setattr(AccountApi, "lists", lambda *_, **__: cached)
    assert "They could not be read again: This API key has no requests" in scene.page(PAGE)
    scene.ledger.hold_quota("acme", jitter=0)
    page = scene.page(PAGE)
    assert page.count("on hold") == 1 and "read again" not in page
    assert "acme is on hold (quota). Retrying begins by itself after <time" in page


def test_what_failed_for_another_cause_is_not_retried(scene: Scene) -> None:
    other = scene.page(scene.fail(why="HTTP 400: email_address is in an invalid format."))
    assert "Give the form another list" not in other
    scene.fail(3)
    page = scene.page(PAGE)
    assert "retry 3 sign-ups</button>" in page
    scene.give(scene.lists["Newsletter"].id)
    figures = scene.ledger.figures("acme")
    assert (figures.dead, scene.page("/console/failed").count("In a job")) == (4, 3)


def test_the_form_keeps_its_other_lists(scene: Scene) -> None:
    kept = scene.there("Newsletter")
    scene.have(GONE, kept)
    scene.fail(2, (kept, GONE))
    page = scene.page(PAGE)
    assert "The form keeps its other list: Newsletter." in page
    assert f'<option value="{kept.id}">' not in page
    wanted = scene.there("Weekly specials")
    scene.give(wanted.id)
    assert scene.form.lists == (kept, wanted)


@pytest.mark.parametrize(
    ("wanted", "changed", "told"),
    [
        pytest.param("", {}, "Choose a list that Constant Contact has.", id="none"),
        pytest.param(GONE.id, {}, "Choose a list that Constant Contact has.", id="the same"),
        pytest.param("Newsletter", {"version": "old"}, "Somebody has changed", id="changed"),
    ],
)
def test_what_cannot_be_given_changes_nothing(
    scene: Scene, wanted: str, changed: dict[str, str], told: str
) -> None:
    scene.fail(2)
    id = scene.lists[wanted].id if wanted in scene.lists else wanted
    answer = scene.give(id, **changed)
    assert answer.status_code == 409
    assert told in text(answer.text) and "Nothing was changed." in text(answer.text)
    assert scene.form.lists == (GONE,)
    assert services_of(scene.app).operations.jobs.all() == []


def test_a_list_for_which_sign_ups_failed_since_is_not_offered(scene: Scene) -> None:
    kept = scene.there("Newsletter")
    scene.fail(2)
    builders.accept(scene.ledger, form="other", lists=(kept.id,))
    claim = builders.claimed(scene.ledger)
    builders.bury_claim(scene.ledger, claim, message=WHY.format(kept.id))
    page = scene.page(PAGE)
    assert "Left out, as sign-ups failed for it: Newsletter." in page
    assert f'<option value="{kept.id}">' not in page
    assert scene.give(kept.id).status_code == 409


def test_a_form_that_has_a_good_list_by_now_is_offered_that_one(scene: Scene) -> None:
    path = scene.fail(2)
    scene.have(scene.there("Newsletter"))
    signup = scene.page(path)
    assert "Retry them to Newsletter." in signup and "Retry to Newsletter…</button>" in signup
    assert "Give the form another list" not in signup
    for page in ("/console/forms", "/console/forms/cakes"):
        shown = scene.page(page)
        assert "A list is gone" not in shown and "2 to retry" in shown and "Open" in shown
    answer = scene.browser.get(PAGE)  # a page that somebody had open
    assert (answer.status_code, answer.location) == (303, "/console/failed?form=cakes")
    told = "Constant Contact knows all lists of the form cakes. Retry what failed."
    assert told in scene.page(answer.location)


def test_a_form_that_got_a_dead_list_again_is_not_offered_to_retry_there(scene: Scene) -> None:
    path = scene.fail(2)
    scene.have(SECOND)
    for page in (path, "/console/forms/cakes", "/console/failed"):
        shown = scene.page(page)
        assert "The list “Old birthdays” does not exist any more" in shown
        assert "Give the form another list" in shown and "Retry to" not in shown


def test_the_search_names_the_list_of_each(scene: Scene) -> None:
    scene.have(SECOND)
    scene.fail(lists=(SECOND,))
    scene.have(GONE)
    scene.fail()
    scene.have(GONE, SECOND)
    found = text(scene.browser.post("/console/search", q="0@example.com").text)
    assert "2 sign-ups" in found and "one of its lists" not in found
    for name in ("Birthday club", "Old birthdays"):
        assert found.count(f"The list “{name}” does not exist any more.") == 1


def test_a_viewer_sees_the_cause_and_no_button(scene: Scene) -> None:
    path = scene.fail(2)
    shown = scene.page(path, SignedIn(scene.app, Role.VIEWER))
    assert "The list “Birthday club” does not exist any more." in shown
    assert "Give the form another list…" not in shown


def test_what_a_job_retries_already_is_offered_no_list(scene: Scene) -> None:
    path = scene.fail(2)
    scene.give(scene.lists["Newsletter"].id)
    signup = scene.page(path)
    assert "Failed, in a job</span>" in signup and 'class="pill problem"' not in signup
    assert signup.count("waits for its turn in a job") == 1
    assert signup.count("/console/failed/jobs/") == 1 and "The job retries it when" in signup
    assert "<strong>Lists:</strong> its own → Newsletter</p>" in signup  # nobody has its name
    scene.registry.save_form(builders.form("other", lists=(GONE,)))
    assert "<strong>Lists:</strong> Birthday club → Newsletter</p>" in scene.page(path)
    assert "another list" not in signup and "Retry to" not in signup and "primary" not in signup


def test_the_overview_names_the_list_and_leads_to_another_one(scene: Scene) -> None:
    scene.fail(3)
    told = "3 sign-ups of the form cakes failed: the list “Birthday club” does not exist any more."
    offer = re.compile(r'href="/console/forms/cakes/list\?group=\w+">Give the form another list')
    page = scene.page("/console/")
    assert told in page and offer.search(page)
    scene.fail(why="HTTP 400: email_address is in an invalid format.")
    page = scene.page("/console/live")
    assert told in page and "1 sign-up of the form cakes failed: Constant Contact" in page
    viewer = scene.page("/console/", SignedIn(scene.app, Role.VIEWER))
    assert "does not exist any more" in viewer and not offer.search(viewer)
