"""The failed page: causes, filters, and retrying, discarding and exporting some or all of them."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from html import unescape
from typing import Any

import pytest
import redis
from flask import Flask
from werkzeug.test import TestResponse

from shared.domain.account import HoldReason
from shared.domain.form import Form, ListRef
from shared.domain.job import LARGE, JobPace
from shared.domain.short_ids import short_id
from shared.domain.signup import Contact, CustomValue, DeathReason, Signup
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.timestamps import timestamp
from shared.ledger.jobs import JobLedger
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.builders import accept, bury_claim, claimed
from tests.support.console_browser import SignedIn
from tests.support.job_steps import job_feeder, job_steps
from tests.support.web_services import services_of

SaveForm = Callable[..., Form]
FAST = JobPace(per_second=1_000_000, per_day=1_000_000)

EVIL = "<script>alert(1)</script>"


class Scene:
    """The accounts `acme` and `other`, and an operator who is signed in."""

    def __init__(self, app: Flask, client: "redis.Redis") -> None:
        self.app = app
        self.client = client
        self.ledger = Ledger(client)
        self.operations = services_of(app).operations
        self.browser = SignedIn(app, Role.OPERATOR)

    def dead(self, *emails: str, account: str = "acme", form: str = "news", **of: Any) -> list[str]:
        """Return the ids of new dead letters of these people."""
        fingerprints = self.operations.one_signup.finder.fingerprints()
        ids = [
            accept(
                self.ledger,
                email,
                account=account,
                form=form,
                person=fingerprints.person(check_email(email)),
                contact=of.get("contact", Contact(fields={"email_address": email})),
            ).id
            for email in emails
        ]
        how = {name: value for name, value in of.items() if name != "contact"}
        for _ in ids:
            bury_claim(self.ledger, claimed(self.ledger, account=account), **how)
        return ids

    def many(self, count: int, **of: Any) -> list[str]:
        return self.dead(*(f"{number}@example.com" for number in range(count)), **of)

    def found(self, id: str) -> Signup:
        signup = self.ledger.find(id, ["acme", "other"])
        assert signup is not None
        return signup

    def states(self, ids: Iterable[str]) -> list[str]:
        return [str(self.found(id).state) for id in ids]

    def post(self, path: str, pick: Iterable[str] = (), **fields: str) -> TestResponse:
        """Post what a form of the page would, with these sign-ups ticked."""
        picks = [f"{self.found(id).account} {id}" for id in pick]
        return self.browser.client.post(
            path,
            data={"csrf_token": self.browser.token, "pick": picks, **fields},
            headers={"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        )

    def page(self, path: str = "/console/failed") -> str:
        return text(self.browser.get(path))

    def confirm(self, what: str, pick: Iterable[str] = (), **fields: str) -> str:
        return text(self.post("/console/failed/confirm", pick, what=what, **fields))

    def following(self, answer: TestResponse) -> str:
        assert answer.status_code == 303, answer.text
        return self.page(str(answer.location))


def text(response: TestResponse, status: int = 200) -> str:
    assert response.status_code == status, response.text
    return " ".join(unescape(response.text).split())


def listed(page: str) -> list[str]:
    """Return the addresses of the listed sign-ups, in their order."""
    return re.findall(r'data-label="E-mail"><a [^>]*>([^<]*)<', page)


def by_reason(page: str) -> dict[str, str]:
    """Return how many of each reason the page shows."""
    return dict(re.findall(r"([a-z_]+)(?:</code>)?</dt> <dd>(?:<a [^>]*>)?([\d,]+)<", page))


@pytest.fixture
def scene(app: Flask, redis_client: "redis.Redis") -> Iterator[Scene]:
    registry = Registry(redis_client)
    for name in ("acme", "other"):
        registry.save_account(builders.account(name))
    registry.save_form(builders.form("club"))
    registry.save_form(builders.form("far", account="other"))
    yield Scene(app, redis_client)


# --- what it shows


def test_without_dead_letters_it_says_what_would_be_here(scene: Scene) -> None:
    page = scene.page()
    assert "Nothing has failed" in page
    assert by_reason(page)["rejected"] == "0"


def test_each_reason_has_a_line_with_its_name_and_count(scene: Scene) -> None:
    scene.many(2)
    scene.dead("c@example.com", reason=DeathReason.GAVE_UP)
    scene.dead("d@example.com", reason=DeathReason.GAVE_UP, account="other", form="far")
    page = scene.page()
    assert by_reason(page) == {
        "rejected": "2",
        "gave_up": "2",
        "poison": "0",
        "unsubscribed_since": "0",
        "unreadable": "0",
    }
    assert page.index("unsubscribed_since") < page.index("Causes") < page.index("Filter")
    assert '<option value="gave_up" >Given up</option>' in page
    assert 'data-label="Reason" class="whole">given up</td>' in page
    assert by_reason(scene.page("/console/failed?account=other"))["gave_up"] == "1"


def test_one_cause_is_one_row_that_leads_to_its_sign_ups(scene: Scene) -> None:
    scene.many(3, message="list does not exist", error_key="lists.not_found")
    scene.dead("other@example.com", message="invalid e-mail", error_key="contacts.invalid")
    page = scene.page()
    rows = re.findall(r'class="num"><strong>([\d,]+)</strong>.*?<a href="([^"]+)">([^<]+)<', page)
    assert [(count, said) for count, _, said in rows] == [
        ("3", "list does not exist"),
        ("1", "invalid e-mail"),
    ]
    assert '<code class="soft">lists.not_found</code>' in page
    opened = scene.page(rows[0][1])
    assert "3 sign-ups of one cause: list does not exist. Form news, account acme." in opened
    assert sorted(listed(opened)) == ["0@example.com", "1@example.com", "2@example.com"]


@pytest.mark.parametrize(
    ("query", "who"),
    [
        ("account=other", ["far@example.com"]),
        ("form=club", ["club@example.com"]),
        ("reason=gave_up", ["gone@example.com"]),
        ("words=no+SUCH", ["list@example.com"]),
        ("words=lists.not_found", ["list@example.com"]),
        ("since=2099-01-01", []),
        ("until=2020-01-01T12:00", []),
        ("since=2020-01-01&form=club", ["club@example.com"]),
    ],
)
def test_filters(scene: Scene, query: str, who: list[str]) -> None:
    scene.dead("far@example.com", account="other", form="far")
    scene.dead("club@example.com", form="club")
    scene.dead("gone@example.com", reason=DeathReason.GAVE_UP)
    scene.dead("list@example.com", message="no such list", error_key="lists.not_found")
    page = scene.page(f"/console/failed?{query}")
    assert listed(page) == who
    assert ("No failed sign-up matches" in page) == (not who)


def test_an_e_mail_address_is_posted_and_in_no_address(scene: Scene) -> None:
    scene.dead("lovelace@example.com", "bob@example.com")
    page = text(scene.post("/console/failed", email="lovelace@example.com"))
    assert listed(page) == ["lovelace@example.com"]
    assert not re.findall(r'(?:href|action)="[^"]*lovelace', page)
    assert "Retry 1 failed sign-up?" in scene.confirm("retry-all", email="lovelace@example.com")
    retried = scene.post("/console/failed/retry", email="lovelace@example.com", all="1")
    assert "lovelace" not in str(retried.location)
    assert "1 sign-up can be retried now." in scene.following(retried)


@pytest.mark.parametrize(
    "query",
    [
        "reason=nonsense",
        "account=nobody",
        "since=yesterday",
        "since=0001-01-01",
        "cursor=x",
        "group=%3C",
    ],
)
def test_a_wrong_filter_is_named(scene: Scene, query: str) -> None:
    answer = scene.browser.get(f"/console/failed?{query}")
    assert 400 <= answer.status_code < 500


def test_pages_have_each_dead_letter_once(scene: Scene) -> None:
    scene.many(120)
    seen: list[str] = []
    page = scene.page()
    while True:
        seen += listed(page)
        older = re.search(r'href="([^"]+)" rel="next">Older<', page)
        if not older:
            break
        page = scene.page(older[1])
        assert "Causes" not in page
    assert len(seen) == len(set(seen)) == 120


def test_a_page_that_has_read_enough_offers_to_search_on(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operations.signup_lists.MOST_READ", 10)
    scene.dead("first@example.com", message="no such list")
    scene.many(30)
    page = scene.page("/console/failed?words=no+such")
    assert "None among the last 10 looked at" in page
    steps = 0
    while not listed(page):
        page = scene.page(re.findall(r'href="([^"]+)" rel="next">Search on<', page)[0])
        steps += 1
    assert (listed(page), steps) == (["first@example.com"], 3)


def test_what_the_api_said_is_no_markup(scene: Scene) -> None:
    scene.dead("ada@example.com", message=EVIL, error_key=EVIL)
    assert EVIL not in scene.browser.get("/console/failed").text
    assert EVIL not in scene.browser.get("/console/failed?words=%3Cscript%3Ealert(1)").text


# --- changing some, or all


def test_from_a_cause_to_all_of_it_retried_in_two_steps(scene: Scene) -> None:
    ids = scene.many(3, message="list does not exist")
    (other,) = scene.dead("other@example.com", message="invalid")
    group = re.findall(r"group=([0-9a-f]+)", scene.page())[0]
    page = scene.confirm("retry-all", account="acme", group=group)
    assert "Retry 3 failed sign-ups?" in page
    assert "<dt>Sign-ups</dt><dd>3 of acme</dd>" in page
    assert "<dt>Requests that they use</dt><dd>3</dd>" in page
    assert re.search(r"<dt>Requests left today</dt><dd>\d,\d{3}\. A fifth", page)
    assert "<dt>Takes about</dt><dd>1 s</dd>" in page

    done = scene.post("/console/failed/retry", account="acme", group=group, all="1")
    assert "3 sign-ups can be retried now." in scene.following(done)
    assert scene.states([*ids, other]) == ["queued"] * 3 + ["dead"]


def test_a_retry_that_has_to_wait_says_so_before(scene: Scene) -> None:
    scene.many(2)
    scene.dead("ada@example.com", account="other")
    scene.ledger.hold("acme", HoldReason.PAUSED, by="ada")
    page = scene.confirm("retry-all")
    waits = "What you retry there waits until an operator releases the account."
    assert f"acme is on hold (paused). {waits}" in page
    assert "Those of other accounts are due at once." in page
    assert "other is on hold" not in page
    assert "is on hold" not in scene.confirm("discard-all")


def test_a_retry_that_only_waits_promises_nothing_sooner(scene: Scene) -> None:
    ids = scene.many(2)
    scene.ledger.hold_quota("acme", jitter=0)
    page = scene.confirm("retry-all")
    assert "acme is on hold (quota). What you retry there waits until that ends:" in page
    midnight = scene.operations.retries.cost({"acme": 2})[1].begins_at
    assert midnight and f'<dt>Waits until</dt><dd><time datetime="{midnight.isoformat()}' in page
    assert "<dt>Takes about</dt><dd>1 s after that, if no hold is left then</dd>" in page
    assert "They are sent as soon as no hold is left. Fresh sign-ups go before them." in page
    assert "at once" not in page
    told = scene.following(scene.post("/console/failed/retry", ids))
    assert "2 sign-ups wait now, as acme is on hold (quota). They are sent when that ends:" in told
    assert "can be sent again" not in told


def test_only_ticked_ones_are_changed(scene: Scene) -> None:
    first, second, third = ids = scene.many(3)
    assert "Retry 2 failed sign-ups?" in scene.confirm("retry-ticked", [first, third])
    scene.post("/console/failed/retry", [first, third])
    assert scene.states(ids) == ["queued", "dead", "queued"]
    assert scene.ledger.history(scene.found(first))[-1]["by"] == "operator"
    assert scene.found(second).state == "dead"


def test_what_somebody_else_settled_meanwhile_is_left_out_and_said(scene: Scene) -> None:
    first, second, third = scene.many(3)
    scene.ledger.discard("acme", first)
    page = scene.confirm("retry-ticked", [first, second, third])
    assert "Retry 2 failed sign-ups?" in page
    assert "1 sign-up that you ticked has not failed any more." in page
    scene.ledger.discard("acme", second)
    done = scene.post("/console/failed/retry", [first, second, third])
    assert "1 sign-up can be retried now. 2 were left out" in scene.following(done)
    gone = scene.post("/console/failed/confirm", [first, second], what="discard-ticked")
    assert "Nothing that you chose has failed now." in scene.following(gone)


def test_nothing_ticked_is_not_everything(scene: Scene) -> None:
    (id,) = scene.many(1)
    for path in ("confirm", "retry", "discard", "export"):
        answer = scene.post(f"/console/failed/{path}", what="retry-ticked")
        assert answer.status_code == 400, path
    assert scene.states([id]) == ["dead"]


def test_ticks_of_an_account_that_is_gone_are_not_everything(scene: Scene) -> None:
    (id,) = scene.many(1)
    tick = f"gone {id}"
    asked = scene.browser.post("/console/failed/confirm", what="discard-ticked", pick=tick)
    assert "Nothing that you chose has failed now." in scene.following(asked)
    for step in ("retry", "discard"):
        done = scene.browser.post(f"/console/failed/{step}", pick=tick)
        assert "1 was left out" in scene.following(done)
        assert scene.states([id]) == ["dead"], step
    file = scene.browser.post("/console/failed/export", what="json-ticked", pick=tick)
    assert file.json == []


def test_many_are_retried_as_a_job_that_can_be_stopped(scene: Scene) -> None:
    scene.many(LARGE)
    page = scene.confirm("retry-all")
    assert "Retry 100 failed sign-ups?" in page
    assert "half of the rate" in page
    begun = scene.post("/console/failed/retry", all="1")
    assert re.fullmatch(r"/console/failed/jobs/[0-9a-f-]{36}", str(begun.location))
    page = scene.following(begun)
    assert "You may close this page" in page
    assert "Retry 100 sign-ups" in page
    assert '<progress value="0" max="100"' in page
    assert "Stop it" in page
    assert "Retry 100 sign-ups" in scene.page()  # found again

    stopped = scene.following(scene.post(f"{begun.location}/cancel"))
    assert "Stopped" in stopped and "100 left as they were" in stopped
    assert scene.ledger.figures("acme").dead == LARGE


# --- sending to the lists that forms have now

GONE = "HTTP 400: list_memberships: no such list"
WEEKLY = ListRef("0190163d-8694-739b-aea5-966c26f8ad90", "Weekly")


def test_a_cause_about_lists_offers_what_helps_next(scene: Scene, save_form: SaveForm) -> None:
    ids = scene.many(3, message=GONE)
    scene.dead("gone@example.com", message=GONE, form="gone")
    scene.dead("other@example.com", message="invalid", form="club")
    page = scene.page()
    [group] = re.findall(
        r'href="/console/forms/news/list\?group=(\w+)">Give the form another', page
    )
    assert "Retry to" not in page
    save_form(lists=(WEEKLY,))
    page = scene.page()
    assert page.count("Retry to Weekly…") == 1
    assert "Give the form another list" not in page

    cause = scene.page(f"/console/failed?account=acme&group={group}")
    assert "The form has another list by now. Retry them to Weekly." in cause
    assert "Retry to Weekly…" in cause
    page = scene.confirm("form_lists-all", account="acme", group=group)
    assert "Retry 3 failed sign-ups, to the lists of their forms?" in page
    assert '<td data-label="Form">news</td>' in page
    assert '>3</td> <td data-label="Go to"><span>Weekly</span>' in page

    begun = scene.post(
        "/console/failed/retry", account="acme", group=group, all="1", form_lists="y"
    )
    page = scene.following(begun)
    assert "Retry 3 sign-ups, to Weekly" in page
    assert "for the lists that it has" in page  # what waits, if it is stopped
    assert JobLedger(scene.client, FAST).feed("acme") == 3
    assert scene.states(ids) == ["queued"] * 3
    assert {scene.found(id).lists for id in ids} == {(WEEKLY.id,)}
    edited = scene.ledger.history(scene.found(ids[0]))[-2]
    assert (edited["event"], edited["by"], edited["via"]) == ("edited", "operator", "console")


@pytest.mark.parametrize("is_ticked", [False, True])
def test_what_a_job_sends_again_is_asked_for_nowhere(
    scene: Scene, save_form: SaveForm, is_ticked: bool
) -> None:
    """A job of a cause knows its group; one of ticked sign-ups knows none."""
    ids = scene.many(12, message=GONE)
    save_form(lists=(WEEKLY,))
    scene.ledger.hold_quota("acme", jitter=0)
    assert "12 to retry" in scene.page("/console/forms")
    assert "12 sign-ups failed" in scene.page("/console/forms/news")
    [group] = scene.operations.lists.groups()
    cause = {"account": "acme", "group": group.id}
    chosen = {} if is_ticked else {**cause, "all": "1"}
    ticked = ids if is_ticked else []
    begun = scene.post("/console/failed/retry", ticked, form_lists="yes", **chosen)
    link = f'<a href="{begun.location}">a job</a>'

    [group] = scene.operations.lists.groups()
    assert (group.in_jobs, group.undecided) == (12, 0)
    forms, form = scene.page("/console/forms"), scene.page("/console/forms/news")
    assert "to retry" not in forms and "(12 being retried)" in forms
    assert "to retry" not in form and "sign-ups failed" not in form
    assert "A job goes on with sign-ups of this form" in form and "Retry to Weekly" not in form
    failed = scene.page()
    assert f"They are being retried by {link}." in failed
    assert failed.count(f'<a href="{begun.location}">In a job</a>') == 12
    assert "Retry to Weekly" not in failed and failed.count('value="retry-all"') == 1
    assert f"They are being retried by {link}." in scene.page(
        f"/console/failed?account=acme&group={group.id}"
    )

    again = scene.confirm("form_lists-all", **cause)
    assert f"12 are already in {link}. Nothing is left to do." in again
    assert "<button" not in again.partition("<h1")[2]
    raced = scene.post("/console/failed/retry", form_lists="yes", all="1", **cause)
    assert "Nothing was sent. They are in a job already" in scene.following(raced)


def test_what_no_job_has_yet_is_still_asked_for(scene: Scene, save_form: SaveForm) -> None:
    ids = scene.many(12, message=GONE)
    save_form(lists=(WEEKLY,))
    begun = scene.post("/console/failed/retry", ids[:7], form_lists="yes")
    assert "5 to retry" in scene.page("/console/forms")
    form = scene.page("/console/forms/news")
    assert "5 sign-ups failed" in form and "Retry to Weekly…" in form
    link = f'<a href="{begun.location}">a job</a>'
    failed = scene.page()
    assert f"7 of them are being retried by {link}." in failed and "Retry to Weekly…" in failed
    page = scene.confirm("form_lists-ticked", ids)
    assert f"7 are already in {link}, and stay there." in page
    assert '<button class="primary">Retry 5 failed sign-ups</button>' in page


@pytest.mark.parametrize("what", ["form_lists-all", "retry-all"])
def test_of_many_it_says_how_many_a_job_has(scene: Scene, save_form: SaveForm, what: str) -> None:
    ids = scene.many(LARGE + 5, message=GONE)
    save_form(lists=(WEEKLY,))
    begun = scene.post("/console/failed/retry", ids[:7], form_lists="yes")
    page = scene.confirm(what)
    assert f'7 are already in <a href="{begun.location}">a job</a>, and stay there.' in page
    assert f"{LARGE - 2} failed sign-ups</button>" in page
    assert "They are sent at half of the rate" in page


@pytest.mark.parametrize("what", ["retry-all", "retry-ticked"])
def test_before_a_retry_it_names_the_form_that_still_sends_to_an_unknown_list(
    scene: Scene, save_form: SaveForm, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    ids = scene.many(2, message=GONE)
    ticked = ids if what == "retry-ticked" else []
    if not ticked:
        monkeypatch.setattr("shared.operations.bulk_choices.LARGE", 2)
    warning = "still sends to a list that Constant Contact did not know"
    page = scene.confirm(what, ticked)
    assert warning in page and 'href="/console/forms/news/list">news</a>' in page
    assert '<button class="primary">' not in page  # retrying alone does not help
    save_form(lists=(WEEKLY,))
    assert warning not in scene.confirm(what, ticked)


def test_before_it_says_which_stay_as_they_are(scene: Scene, save_form: SaveForm) -> None:
    sent = scene.dead("ada@example.com", message=GONE)
    gone = scene.many(2, message=GONE, form="gone")
    save_form(lists=(WEEKLY,))
    page = scene.confirm("form_lists-ticked", [*sent, *gone])
    assert "Retry 1 failed sign-up, to the lists of their forms?" in page
    assert "nowhere: they stay as they are. The form is gone, or has no list" in page
    done = scene.post("/console/failed/retry", [*sent, *gone], form_lists="yes")
    page = scene.following(done)
    assert (
        "2 were left out: somebody else has settled them already, or the form has no list" in page
    )
    assert "2 sign-ups stay failed: the form is gone, or has no list." in page

    # The form `far` is of another account, where ids of lists mean nothing for this one.
    gone += scene.dead("moved@example.com", message=GONE, form="far")
    nothing = scene.confirm("form_lists-ticked", gone)
    assert "nowhere" in nothing
    assert "<button" not in nothing.partition("Go to")[2].partition("Keep them as they are")[0]
    page = scene.following(scene.post("/console/failed/retry", gone, form_lists="yes"))
    assert "Nothing was sent. 3 were left out" in page
    assert scene.states(gone) == ["dead"] * 3


def test_many_of_several_forms_are_counted_by_form(scene: Scene, save_form: SaveForm) -> None:
    scene.many(LARGE, message=GONE)
    scene.many(5, message=GONE, form="gone")
    page = scene.confirm("form_lists-all")
    assert "Retry 100 failed sign-ups, to the lists of their forms?" in page
    assert "The latest is for lists that the form still has." in page
    scene.post("/console/failed/retry", all="1", form_lists="yes")
    page = scene.page(scene.operations.jobs.all()[0].id.join(("/console/failed/jobs/", "")))
    assert "5 sign-ups stay failed" in page


def test_a_viewer_is_offered_nothing_for_lists(
    scene: Scene, app: Flask, save_form: SaveForm
) -> None:
    scene.many(1, message=GONE)
    save_form(lists=(WEEKLY,))
    page = text(SignedIn(app, Role.VIEWER).get("/console/failed"))
    assert "Retry to" not in page


# --- discarding


def test_discarding_has_a_reason_and_all_of_it_is_undone(scene: Scene) -> None:
    ids = scene.many(3)
    before = [scene.found(id) for id in ids]
    page = scene.confirm("discard-all")
    assert "Discard 3 failed sign-ups?" in page
    assert "undo this until retention clears them" in page
    done = scene.post("/console/failed/discard", all="1", note="our tests")
    page = scene.following(done)
    assert "Discard 3 sign-ups" in page and "our tests" in page
    assert "3 of 3 done, 3 discarded" in page
    assert scene.states(ids) == ["discarded"] * 3
    entry = next(AuditTrail(scene.client).entries(1))
    assert (entry.action, entry.actor, entry.detail) == (
        "discard",
        "operator",
        {"count": 3, "note": "our tests"},
    )

    assert "Undo discarding 3" in page
    undone = scene.following(scene.post(f"{done.location}/undo"))
    assert "Undo discarding 3 sign-ups" in undone and "3 as before" in undone
    assert [scene.found(id) for id in ids] == before


def test_ticked_ones_are_discarded_as_a_job_as_well(scene: Scene) -> None:
    first, second, third = ids = scene.many(3)
    done = scene.post("/console/failed/discard", [first, third], note="tests")
    assert "2 of 2 done, 2 discarded" in scene.following(done)
    assert scene.states(ids) == ["discarded", "dead", "discarded"]
    scene.post(f"{done.location}/undo")
    assert scene.states(ids) == ["dead"] * 3
    assert second in ids


def test_a_filter_that_no_index_knows_says_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.operations.signup_lists.MOST_READ", 10)
    monkeypatch.setattr("shared.operations.bulk_choices.MOST_READ", 10)
    scene.dead("first@example.com", message="no such list")
    ids = scene.many(30)
    page = scene.confirm("discard-all", words="no such")
    assert "Discard up to 31 failed sign-ups?" in page
    assert "only those that match are changed" in page
    done = scene.post("/console/failed/discard", all="1", words="no such")
    assert "1 of 1 done, 1 discarded" in scene.following(done)
    assert set(scene.states(ids)) == {"dead"}


def test_a_job_whose_account_is_on_hold_sends_nothing_and_says_so(scene: Scene) -> None:
    scene.many(100)
    begun = scene.post("/console/failed/retry", all="1", reason="rejected")
    assert job_feeder(job_steps(scene.client, FAST)).feed("acme") == 100
    assert "0 of 100 done, 100 being sent" in scene.following(begun)

    scene.ledger.hold("acme", HoldReason.RECONNECT, by="test")

    page = scene.following(begun)
    assert "0 of 100 done, 100 waiting for the end of the hold" in page
    assert 'It waits: <a href="/console/accounts/acme">acme</a> is on hold (reconnect).' in page
    assert "being sent" not in page
    assert "<dt>Time left</dt><dd>not known</dd>" in page


def test_a_job_that_waits_for_the_next_day_says_until_when_and_how_long_it_takes_then(
    scene: Scene,
) -> None:
    scene.many(100)
    scene.ledger.hold_quota("acme", jitter=0)
    page = scene.following(scene.post("/console/failed/retry", all="1", reason="rejected"))
    assert "acme</a> is on hold (quota). It goes on by itself when that ends: <time" in page
    midnight = scene.operations.retries.cost({"acme": 2})[1].begins_at
    assert midnight and f'<dt>Waits until</dt><dd><time datetime="{midnight.isoformat()}' in page
    assert re.search(r"<dt>Time left</dt><dd>about \d+ s after that</dd>", page)


@pytest.mark.parametrize(
    ("forms", "chosen", "said"),
    [
        pytest.param(["news"], {"form": "news"}, "goes on with sign-ups", id="of the form"),
        pytest.param(
            ["news"], {"group": "news"}, "goes on with sign-ups", id="a cause of the form"
        ),
        pytest.param(["news", "other"], {}, "goes on, perhaps with sign-ups", id="all"),
        pytest.param(["other"], {"form": "other"}, None, id="of another form"),
        pytest.param(["other"], {"group": "other"}, None, id="a cause of another form"),
    ],
)
def test_a_forms_page_tells_the_jobs_that_concern_it(
    scene: Scene, forms: list[str], chosen: dict[str, str], said: str | None
) -> None:
    for form in forms:
        services_of(scene.app).operations.forms.registry.save_form(builders.form(form))
        scene.many(100, form=form)
    if "group" in chosen:
        groups = scene.operations.lists.groups(account="acme", form=chosen["group"])
        chosen = {"account": "acme", "group": groups[0].id}
    scene.post("/console/failed/retry", all="1", reason="rejected", **chosen)

    page, [job] = scene.page("/console/forms/news"), scene.operations.jobs.all()

    told = f'A job {said} of this form: <a href="/console/failed/jobs/{job.id}">Retry'
    assert (told in page) == bool(said)
    assert ("A job goes on" in page) == bool(said)
    of_account = scene.page("/console/accounts/acme")
    assert f'A job goes on: <a href="/console/failed/jobs/{job.id}">Retry' in of_account


def test_a_forms_page_tells_a_job_of_ticked_ones_and_none_that_has_ended(scene: Scene) -> None:
    ids = scene.many(100)
    scene.post("/console/failed/retry", ids)
    assert "A job goes on with sign-ups of this form" in scene.page("/console/forms/news")
    [job] = scene.operations.jobs.all()
    scene.operations.jobs.cancel(job.id)
    assert "A job goes on" not in scene.page("/console/forms/news")


def test_jobs_are_listed(scene: Scene) -> None:
    assert "No jobs" in scene.page("/console/failed/jobs")
    scene.many(2)
    scene.post("/console/failed/discard", all="1", note="tests")
    page = scene.page("/console/failed/jobs")
    assert "Discard 2 sign-ups" in page and "operator" in page
    assert scene.browser.get("/console/failed/jobs/nonsense").status_code == 400


# --- exports


def test_an_export_has_the_same_rows_as_the_list_and_the_fields(scene: Scene) -> None:
    contact = Contact(
        fields={"email_address": "zoë@example.com", "first_name": "=1+1", "phone_number": "+4412"},
        custom=(CustomValue("cf", "favourite_cake", "@cake"),),
        other={"referrer": "a friend"},
    )
    (id,) = scene.dead("zoe@example.com", contact=contact, message="-no")
    signup = scene.found(id)
    answer = scene.post("/console/failed/export", what="json-all")
    (row,) = json.loads(answer.text)
    assert (row["id"], row["email"], row["reason"]) == (id, "zoë@example.com", "rejected")
    assert row["died_at"] == timestamp(signup.settled_at)
    assert row["fields"]["first_name"] == "=1+1"
    assert (row["custom_fields"], row["other_fields"]) == (
        {"favourite_cake": "@cake"},
        {"referrer": "a friend"},
    )
    assert answer.headers["Content-Disposition"].endswith(".json")

    answer = scene.post("/console/failed/export", [id], what="csv-ticked")
    assert answer.text.startswith("\ufeffid,")
    (cells,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (cells["id"], cells["email"], cells["message"]) == (id, "zoë@example.com", "'-no")
    assert (cells["first_name"], cells["phone_number"]) == ("'=1+1", "'+4412")
    assert cells["favourite_cake"] == "'@cake"
    assert json.loads(cells["other_fields"]) == {"referrer": "a friend"}
    entry = next(AuditTrail(scene.client).entries(1))
    assert (entry.action, entry.detail["format"]) == ("export", "csv")


# --- viewers


def test_a_viewer_sees_masked_addresses_and_no_buttons(scene: Scene, app: Flask) -> None:
    (id,) = scene.dead("ada.lovelace@example.com")
    scene.post("/console/failed/discard", [id])
    scene.dead("ada.lovelace@example.com")
    viewer = SignedIn(app, Role.VIEWER)
    job = services_of(app).operations.jobs.all()[0]
    for path in ("/console/failed", "/console/failed/jobs", f"/console/failed/jobs/{job.id}"):
        page = text(viewer.get(path))
        main = page[page.index("<main") :]
        assert "lovelace" not in page
        assert not re.search(r'<form[^>]*method="post"', main), path
    assert "a…@e….com" in text(viewer.get("/console/failed"))


@pytest.mark.parametrize(
    "path", ["", "/confirm", "/retry", "/discard", "/export", "/jobs/x/cancel", "/jobs/x/undo"]
)
def test_the_server_refuses_every_change_of_a_viewer(scene: Scene, app: Flask, path: str) -> None:
    (id,) = scene.many(1)
    viewer = SignedIn(app, Role.VIEWER)
    answer = viewer.post(f"/console/failed{path}", all="1", what="json-all")
    assert answer.status_code == 403
    assert scene.states([id]) == ["dead"]


def test_an_address_of_a_page_has_a_short_id(scene: Scene) -> None:
    (id,) = scene.many(1)
    assert f"/console/signups/{short_id(id)}" in scene.page()
    assert id not in re.findall(r'href="([^"]+)"', scene.page())


# --- leaving a field out, or setting it, in many


def born(email: str, month: str = "13", **fields: str) -> dict[str, Any]:
    known = {"email_address": email, "birthday_month": month, "birthday_day": "4"}
    return {"contact": Contact(fields=known | fields)}


def test_one_alone_is_edited_on_a_page_of_its_own(scene: Scene) -> None:
    for count in (1, 2):
        scene.dead(f"{count}@example.com")
        assert ("Edit and retry all…" in scene.page("/console/failed")) == (count == 2)


def test_a_field_is_left_out_of_all_that_match(scene: Scene) -> None:
    ids = [
        *scene.dead("ada@example.com", **born("ada@example.com")),
        *scene.dead("bob@example.com", **born("bob@example.com", first_name=EVIL)),
    ]
    stays = scene.dead("eve@example.com", **born("eve@example.com", country="x" * 99))
    asked = scene.confirm("edit-all", reason="rejected")
    assert "birthday_month (3 of 3 have it)" in asked
    assert '<option value="birthday">' in asked
    assert 'value="email"' not in asked

    said = scene.confirm("edit-all", reason="rejected", field="birthday", to="without")
    title = "Retry 2 failed sign-ups, without birthday_day and birthday_month?"
    assert title in said
    assert "3 of 3" in said and "1 left as it is: Country: please use at most" in said
    assert '<td data-label="Now"><span>13</span></td>' in said
    assert EVIL not in said

    change = {"reason": "rejected", "all": "1", "to": "without", "field": "birthday"}
    page = scene.following(scene.post("/console/failed/retry", **change))
    assert "1 sign-up was left as it was" in page
    assert "without birthday_day and birthday_month" in page
    feeder = job_feeder(job_steps(scene.client, FAST))
    assert feeder.feed("acme") == 2
    assert (scene.states(ids), scene.states(stays)) == (["queued"] * 2, ["dead"])
    assert "birthday_month" not in scene.found(ids[0]).contact.fields
    shown = scene.page(f"/console/signups/{ids[0]}")
    assert "birthday_month: <del>13</del> → <ins>(empty)</ins>" in shown
    assert "By operator, in the console" in shown
    entry = next(each for each in AuditTrail(scene.client).entries() if each.action == "replay")
    assert entry.detail["without"] == ["birthday_day", "birthday_month"]


def test_a_field_is_set_in_those_that_are_ticked(scene: Scene, app: Flask) -> None:
    ids = scene.many(2)
    for nothing in ({"field": "city"}, {"field": "email", "value": "eve@example.com"}):
        answer = scene.post("/console/failed/confirm", ids[:1], what="edit-ticked", **nothing)
        assert answer.status_code == 400, answer.text
    change = {"field": "city", "to": "set", "value": "Londontown"}
    said = scene.confirm("edit-ticked", ids[:1], **change)
    assert "with city set to Londontown?" in said
    begun = scene.post("/console/failed/retry", ids[:1], **change)
    assert "with city set to Londontown" in scene.following(begun)
    seen = text(SignedIn(app, Role.VIEWER).get(str(begun.location)))
    assert "with city set" in seen and "Londontown" not in seen
    assert job_feeder(job_steps(scene.client, FAST)).feed("acme") == 1
    assert scene.found(ids[0]).contact.fields["city"] == "Londontown"
    assert scene.states(ids) == ["queued", "dead"]
    again = scene.following(scene.post("/console/failed/retry", ids[:1], **change))
    assert "Nothing was sent. 1 was left out" in again


def test_a_change_of_fields_goes_before_the_lists_of_forms(scene: Scene) -> None:
    # None of our pages asks for both.
    both = {"form_lists": "yes", "field": "city", "to": "set", "value": "Londontown"}
    begun = scene.post("/console/failed/retry", scene.many(1), **both)
    assert "with city set to Londontown" in scene.following(begun)


def test_of_many_some_are_looked_at_before_a_field_is_left_out(scene: Scene) -> None:
    scene.many(LARGE + 5)
    scene.dead("ada@example.com", **born("ada@example.com"))
    said = scene.confirm("edit-all", field="birthday", to="without")
    assert "Retry up to 106 failed sign-ups, without" in said
    assert "1 of 106" in said
