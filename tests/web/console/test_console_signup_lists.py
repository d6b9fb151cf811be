"""The lists of what waits, of the quarantine, and of what was delivered."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from flask import Flask

from shared.domain.account import HoldReason
from shared.domain.signup import Contact
from shared.ledger.stores.registry import Registry
from shared.operations.operators import Role
from tests.support import builders
from tests.support.console_browser import SignedIn
from tests.support.console_scene import ConsoleScene, link, text
from tests.support.signups import ADA, Made

EVIL = '"><script>alert(1)</script>'
MAKES: list[tuple[str, Callable[..., str]]] = [
    ("waiting", Made.queued),
    ("waiting", Made.retrying),
    ("quarantine", Made.quarantined),
    ("delivered", Made.delivered),
]


class Scene(ConsoleScene):
    def page(self, path: str, **posted: str) -> str:
        address = f"/console/{path}"
        answer = self.browser.post(address, **posted) if posted else self.browser.get(address)
        return text(answer)


@pytest.fixture
def scene(app: Flask, redis_client: "redis.Redis") -> Scene:
    registry = Registry(redis_client)
    registry.save_account(builders.account("other"))
    registry.save_form(builders.form("shop"))
    return Scene(app, redis_client)


@pytest.mark.parametrize(("path", "make"), MAKES)
def test_each_list_has_the_sign_ups_of_its_states_alone(
    scene: Scene, path: str, make: Callable[..., str]
) -> None:
    id = make(scene.made)
    for each in ("waiting", "quarantine", "delivered"):
        assert (link(id) in scene.page(each)) == (each == path)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("waiting", "Nothing waits"),
        ("quarantine", "Nothing is in quarantine"),
        ("delivered", "Nothing is delivered yet"),
    ],
)
def test_an_empty_list_says_what_would_be_there(scene: Scene, path: str, says: str) -> None:
    assert says in scene.page(path)
    assert "Nothing matches" in scene.page(f"{path}?form=news")


@pytest.mark.parametrize(("path", "make"), MAKES)
def test_filters_leave_out_the_others(scene: Scene, path: str, make: Callable[..., str]) -> None:
    id, other = make(scene.made), make(scene.made, "bob@example.com", form="shop")
    for filtered, found in (
        ("form=shop", {other}),
        ("account=acme", {id, other}),
        ("account=other", set()),
        ("since=2099-01-01", set()),
        ("until=2099-01-01", {id, other}),
    ):
        page = scene.page(f"{path}?{filtered}")
        assert {each for each in (id, other) if link(each) in page} == found, filtered


@pytest.mark.parametrize(("path", "make"), MAKES)
def test_one_person_is_posted_and_in_no_address(
    scene: Scene, path: str, make: Callable[..., str]
) -> None:
    id, other = make(scene.made), make(scene.made, "bob@example.com")
    page = scene.page(path, email=ADA)
    assert link(id) in page
    assert link(other) not in page
    assert f"email={ADA}" not in page


@pytest.mark.parametrize(
    "wrong",
    ["account=nobody", "form=nothing", "since=yesterday", "since=9999-12-31", "cursor=nonsense"],
)
def test_a_wrong_filter_is_said_on_the_page(scene: Scene, wrong: str) -> None:
    page = text(scene.browser.get(f"/console/waiting?{wrong}"), 422)
    assert 'role="alert"' in page
    assert "Nothing matches" in page


def test_what_was_delivered_today_is_listed_by_that_time(scene: Scene) -> None:
    id = scene.made.delivered()
    delivered_at = scene.signup(id).settled_at
    assert delivered_at
    overview = text(scene.browser.get("/console/"))
    assert re.search(r'"/console/delivered\?account=acme&settled=\d{4}-\d\d-\d\d"', overview)
    for later, is_listed in ((timedelta(0), True), (timedelta(milliseconds=1), False)):
        moment = (delivered_at + later).isoformat().replace("+00:00", "Z")
        page = scene.page(f"delivered?settled={moment}")
        assert (link(id) in page) == is_listed
        assert 'for="settled">Delivered since' in page
    assert 'for="settled"' not in scene.page("waiting")


def test_pages_go_on_where_the_last_one_ended(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.console.signup_lists.SHOWN", 2)
    ids = [scene.made.delivered(f"{n}@example.com") for n in range(5)]
    path, seen = "delivered?account=acme", []
    while path:
        page = scene.page(path)
        seen += [id for id in reversed(ids) if link(id) in page]
        [path] = re.findall(r'href="/console/(delivered\?cursor=[^"]+)"', page) or [""]
    assert seen == list(reversed(ids))


def test_what_waits_says_why_and_until_when(scene: Scene) -> None:
    first = scene.made.queued()
    second = scene.made.queued(contact=Contact(fields={"email_address": ADA, "first_name": "A"}))
    page = scene.page("waiting")
    assert "It waits behind an earlier sign-up of the same person." in page
    assert f"{link(first)}>Look at the first" in page
    scene.ledger.hold("acme", HoldReason.PAUSED, by="ada", note="new lists")
    page = scene.page("waiting")
    assert page.count("An operator has paused its account.") == 1  # above, not in each row
    assert page.count('<a href="#holds">On hold: paused</a>') == 2 and "new lists" in page
    assert link(second) in page


def test_the_number_of_all_is_shown_and_of_an_account(scene: Scene) -> None:
    for n in range(3):
        scene.made.queued(f"{n}@example.com")
    assert "3 sign-ups, the last received first" in scene.page("waiting")
    assert "3 sign-ups," in scene.page("waiting?account=acme")
    assert "Sign-ups that match" in scene.page("waiting?form=news")


def test_viewers_see_masked_addresses_and_no_buttons(scene: Scene, app: Flask) -> None:
    contact = Contact(fields={"email_address": ADA, "first_name": "Augusta"})
    scene.made.quarantined(contact=contact)
    scene.made.queued("bob@example.com")
    viewer = SignedIn(app, Role.VIEWER)
    for path in ("waiting", "quarantine", "delivered"):
        page = viewer.get(f"/console/{path}").text
        assert ADA not in page
        assert "Augusta" not in page
        assert "<button" not in page.partition("<main")[2].replace(
            '<button class="quiet">Filter', ""
        )
        assert viewer.post(f"/console/{path}", email=ADA).status_code == 403


def test_nothing_that_a_stranger_sent_is_markup(scene: Scene) -> None:
    contact = Contact(fields={"email_address": EVIL, "first_name": EVIL, "last_name": EVIL})
    builders.accept(scene.ledger, EVIL, contact=contact, quarantine="honeypot")
    scene.made.retrying(message=EVIL)
    for path in ("waiting", "quarantine", f"delivered?form={EVIL}"):
        page = scene.browser.get(f"/console/{path}").text
        assert "<script>alert" not in page
