"""Every change in the console has an entry in the audit trail, with the operator and address.

A new route needs a line in one of the tables, as tests/architecture/test_audit_entries.py demands.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from flask import Flask

from shared.constant_contact.client import signup_body
from shared.domain.audit import Action, AuditEntry
from shared.domain.form import ListRef
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.operators import Role
from tests.support.builders import attempt, bury, claimed
from tests.support.console_browser import PASSWORD, SignedIn
from tests.support.phone import Phone
from tests.support.sandbox_server import SandboxServer
from tests.support.signups import Made
from tests.support.web_services import change_services, services_of
from tests.support.webhook import Webhook
from web.app import create_app

pytestmark = pytest.mark.usefixtures("no_pace")

OTHER = "Blue Door Books"
EMAIL = "ada.lovelace@example.com"

# POST routes after which there is nothing new to tell.
CHANGES_NOTHING = {
    "/f/<name>": "a visitor's sign-up",
    "/connect/link/<token>": "sends a client to the login; coming back is the change",
    "/console/connect": "checks what was typed; coming back from the login is the change",
    "/console/connect/<name>/log-in": "sends the operator there; coming back is the change",
    "/console/accounts/<name>/lists": "reads the lists again",
    "/console/failed": "shows the dead letters of one person",
    "/console/failed/confirm": "says what a change would do",
    "/console/search": "looks",
    "/console/waiting": "looks for one person",
    "/console/quarantine": "looks for one person",
    "/console/quarantine/confirm": "asks; the answer is the change",
    "/console/delivered": "looks for one person",
    "/console/discarded": "looks for one person",
}


class Scene:
    """An account `acme` is connected, and an admin is signed in."""

    def __init__(self, app: Flask, sandbox: SandboxServer, ledger: Ledger) -> None:
        self.app = app
        self.sandbox = sandbox
        self.ledger = ledger
        services_of(app).accounts.connecting.tokens.connect("acme", sandbox.connect(), by="ada")
        self.browser = SignedIn(app)

    def log_in(self, name: str = "acme", **who: Any) -> str:
        """Go through the login; return where it ends in the console."""
        page = self.browser.post(f"/console/connect/{name}/log-in")
        [url] = re.findall(r'href="([^"]+/authorize[^"]+)"', page.text)
        back = urlsplit(self.sandbox.authorize(unescape(url), **who))
        return str(self.browser.get(f"{back.path}?{back.query}").location)

    def change_password(self) -> None:
        new = "another password for tests"
        path = "/console/profile/password"
        self.browser.post(path, current=PASSWORD, new=new, again=new)

    def switch_on(self) -> None:
        self.recovery = self.browser.switch_on_second_factor(Phone())

    def with_recovery_code(self, path: str) -> None:
        self.switch_on()
        assert self.browser.post(path, code=self.recovery[0], password=PASSWORD).status_code < 400

    def sign_in_with_code(self) -> None:
        self.switch_on()
        assert self.browser.sign_in_with_code(self.recovery[0]).status_code == 303

    def change_olga(self, change: str, *, has_one: bool = False, **fields: str) -> None:
        """Change another operator, who may have a second factor."""
        olga = SignedIn(self.app, Role.OPERATOR, "olga")
        if has_one:
            olga.switch_on_second_factor(Phone())
        changed = self.browser.post(
            f"/console/operators/olga/{change}", password=PASSWORD, **fields
        )
        assert changed.status_code < 400, changed.status_code

    def end_key(self, name: str, path: str) -> None:
        if name != self.browser.name:
            SignedIn(self.app, Role.OPERATOR, name)
        services_of(self.app).operator_keys.issue(name)
        assert self.browser.post(path).status_code == 303

    def replace(self) -> None:
        self.browser.post(self.log_in(organization=OTHER))

    def connect_as(self) -> None:
        self.browser.post(f"{self.log_in(name='bakery')}/as/acme")

    def connect_again(self) -> None:
        """Go on after Constant Contact has failed halfway."""
        page = self.browser.post("/console/connect/acme/log-in")
        [url] = re.findall(r'href="([^"]+/authorize[^"]+)"', page.text)
        back = urlsplit(self.sandbox.authorize(unescape(url)))
        self.sandbox.control(path="/v3/account/user/privileges", status=503)
        failed = self.browser.get(f"{back.path}?{back.query}").text
        self.sandbox.clear()
        [again] = re.findall(r'action="(/connect/again/[^"]+)"', failed)
        assert self.browser.post(again).status_code == 303

    def make_link(self) -> str:
        made = self.browser.post("/console/connect/acme/link", asked_by="Studio", days="7")
        return str(made.location)

    def review(self, step: str) -> None:
        fingerprints = services_of(self.app).people.fingerprints()
        id = Made(self.ledger, fingerprints.person).quarantined()
        self.browser.post(f"/console/quarantine/{step}", one=f"acme {id}", note=f"{EMAIL} asked")

    def with_signup(self, make: Callable[[Made], str], step: str, **fields: str) -> None:
        fingerprints = services_of(self.app).people.fingerprints()
        id = make(Made(self.ledger, fingerprints.person))
        answer = self.browser.post(f"/console/signups/{id}/{step}", **fields)
        assert answer.status_code < 400, answer.text

    def failed(self, step: str) -> str:
        """Do this with the only dead letter; return where that leads."""
        bury(self.ledger)
        done = self.browser.post(f"/console/failed/{step}", all="1", what="csv-all")
        return str(done.location)

    def test(self) -> str:
        started = self.browser.post("/console/accounts/acme/test", email=EMAIL, list="Newsletter")
        return str(started.location)

    def form(self, step: str = "", **typed: str) -> None:
        """Make the form `news`, then go on with it."""
        lists = services_of(self.app).accounts.api.lists("acme").lists
        chosen = {"lists": lists[0].id, "consent_box": "none", "unsubscribed": "ask"}
        chosen["origins"] = "https://a.example"
        new = {"name": "news", "account": "acme", "title": "News", **chosen}
        assert self.browser.post("/console/forms/-/new", **new).status_code == 303
        if step == "edit":
            form = services_of(self.app).operations.forms.registry.form("news")
            typed = {**new, "title": "Other", "version": form.version if form else ""}
        if step:
            assert self.browser.post(f"/console/forms/news/{step}", **typed).status_code == 303

    def give_list(self) -> None:
        """Give the form `news` a list in place of one that does not exist."""
        self.form()
        operations, api = services_of(self.app).operations, services_of(self.app).accounts.api
        form = operations.forms.registry.form("news")
        assert form is not None
        gone = replace(form, lists=(ListRef("0190163d-0000-4000-8000-00000000001d", "Old"),))
        operations.forms.registry.save_form(gone)
        wanted = {"list": api.lists("acme").lists[0].id, "version": gone.version}
        assert self.browser.post("/console/forms/news/list", **wanted).status_code == 303

    def remove_test(self) -> None:
        path = self.test()
        claim = claimed(self.ledger)
        tools = services_of(self.app).accounts
        body = signup_body(claim.contact, claim.lists)
        sent = tools.api.read("acme", lambda api, token: api.sign_up(token, body))
        self.ledger.deliver(
            claim, attempt(), contact_id=str(sent.contact_id), action=str(sent.action)
        )
        assert self.browser.post(f"{path}/remove").status_code == 303


CHANGES: dict[str, tuple[Action, Callable[[Scene], object]]] = {
    "/console/failed/retry": (
        Action.RETRY,
        lambda scene: scene.failed("retry"),
    ),
    "/console/failed/discard": (
        Action.DISCARD,
        lambda scene: scene.failed("discard"),
    ),
    "/console/failed/export": (
        Action.EXPORT,
        lambda scene: scene.failed("export"),
    ),
    "/console/failed/jobs/<id>/cancel": (
        Action.CANCEL_JOB,
        lambda scene: scene.browser.post(f"{scene.failed('discard')}/cancel"),
    ),
    "/console/failed/jobs/<id>/undo": (
        Action.UNDO_DISCARD,
        lambda scene: scene.browser.post(f"{scene.failed('discard')}/undo"),
    ),
    "/console/accounts/<name>/test": (Action.TEST_SIGNUP, Scene.test),
    "/console/accounts/<name>/test/<id>/remove": (
        Action.REMOVE_TEST_CONTACT,
        Scene.remove_test,
    ),
    "/console/accounts/<name>/hold": (
        Action.HOLD,
        lambda scene: scene.browser.post("/console/accounts/acme/hold", reason="a long lunch"),
    ),
    "/console/accounts/<name>/release": (
        Action.RELEASE,
        lambda scene: scene.browser.post("/console/accounts/acme/release"),
    ),
    "/console/quarantine/deliver": (
        Action.DELIVER,
        lambda scene: scene.review("deliver"),
    ),
    "/console/quarantine/discard": (
        Action.DISCARD,
        lambda scene: scene.review("discard"),
    ),
    "/console/signups/<id>/retry": (
        Action.RETRY,
        lambda scene: scene.with_signup(Made.dead, "retry"),
    ),
    "/console/signups/<id>/discard": (
        Action.DISCARD,
        lambda scene: scene.with_signup(Made.dead, "discard", note=f"{EMAIL} asked"),
    ),
    "/console/signups/<id>/undo-discard": (
        Action.UNDO_DISCARD,
        lambda scene: scene.with_signup(Made.discarded, "undo-discard"),
    ),
    "/console/signups/<id>/edit": (
        Action.EDIT,
        lambda scene: scene.with_signup(
            Made.dead, "edit", edits="0", **{"field-email": EMAIL, "field-first_name": "Ada"}
        ),
    ),
    "/console/signups/<id>/deliver": (
        Action.DELIVER,
        lambda scene: scene.with_signup(Made.quarantined, "deliver"),
    ),
    "/console/signups/<id>/erase": (
        Action.ERASE,
        lambda scene: scene.with_signup(Made.delivered, "erase"),
    ),
    "/console/forms/-/new": (Action.ADD_FORM, lambda scene: scene.form()),
    "/console/forms/<form>/edit": (Action.REPLACE_FORM, lambda scene: scene.form("edit")),
    "/console/forms/<form>/allow": (
        Action.REPLACE_FORM,
        lambda scene: scene.form("allow", website="https://b.example"),
    ),
    "/console/forms/<form>/list": (Action.REPLACE_FORM, Scene.give_list),
    "/console/forms/<form>/close": (Action.DISABLE_FORM, lambda scene: scene.form("close")),
    "/console/forms/<form>/open": (Action.ENABLE_FORM, lambda scene: scene.form("open")),
    "/console/forms/<form>/remove": (Action.REMOVE_FORM, lambda scene: scene.form("remove")),
    "/console/forms/<form>/test": (
        Action.TEST_SIGNUP,
        lambda scene: scene.form("test", email=EMAIL),
    ),
    "/console/accounts/<name>/remove": (
        Action.REMOVE_ACCOUNT,
        lambda scene: scene.browser.post("/console/accounts/acme/remove"),
    ),
    "/console/accounts/<name>/disconnect": (
        Action.DISCONNECT,
        lambda scene: scene.browser.post("/console/accounts/acme/disconnect"),
    ),
    "/console/accounts/<name>/take-over": (
        Action.TAKE_OVER,
        lambda scene: scene.browser.post("/console/accounts/acme/take-over"),
    ),
    "/console/alerts/test": (
        Action.TEST_ALERTS,
        lambda scene: scene.browser.post("/console/alerts/test"),
    ),
    "/console/connect/<name>/link": (Action.MAKE_LINK, Scene.make_link),
    "/console/connect/links/<id>/withdraw": (
        Action.WITHDRAW_LINK,
        lambda scene: scene.browser.post(f"{scene.make_link()}/withdraw"),
    ),
    "/console/connect/kept/<pending_id>": (Action.REPLACE_ACCOUNT, Scene.replace),
    "/console/connect/kept/<pending_id>/as/<name>": (Action.CONNECT, Scene.connect_as),
    "/console/sign-in": (Action.SIGN_IN, lambda scene: scene.browser.sign_in()),
    "/console/sign-out": (
        Action.SIGN_OUT,
        lambda scene: scene.browser.post("/console/sign-out"),
    ),
    "/console/profile/sign-out-elsewhere": (
        Action.SIGN_OUT_ELSEWHERE,
        lambda scene: scene.browser.post("/console/profile/sign-out-elsewhere"),
    ),
    "/console/sign-in/code": (Action.SIGN_IN, Scene.sign_in_with_code),
    "/console/profile/second-factor": (Action.SWITCH_ON_SECOND_FACTOR, Scene.switch_on),
    "/console/profile/second-factor/off": (
        Action.SWITCH_OFF_SECOND_FACTOR,
        lambda scene: scene.with_recovery_code("/console/profile/second-factor/off"),
    ),
    "/console/profile/second-factor/recovery-codes": (
        Action.NEW_RECOVERY_CODES,
        lambda scene: scene.with_recovery_code("/console/profile/second-factor/recovery-codes"),
    ),
    "/console/profile/password": (Action.SET_PASSWORD, Scene.change_password),
    "/console/operators": (
        Action.ADD_OPERATOR,
        lambda scene: scene.browser.post(
            "/console/operators", name="max", role="viewer", password=PASSWORD
        ),
    ),
    "/console/operators/<name>/role": (
        Action.SET_ROLE,
        lambda scene: scene.change_olga("role", role="viewer"),
    ),
    "/console/operators/<name>/password": (
        Action.SET_PASSWORD,
        lambda scene: scene.change_olga("password"),
    ),
    "/console/operators/<name>/second-factor": (
        Action.RESET_SECOND_FACTOR,
        lambda scene: scene.change_olga("second-factor", has_one=True),
    ),
    "/console/operators/<name>/sessions": (
        Action.END_SESSIONS,
        lambda scene: scene.change_olga("sessions"),
    ),
    "/console/operators/<name>/key": (
        Action.REVOKE_KEY,
        lambda scene: scene.end_key("olga", "/console/operators/olga/key"),
    ),
    "/console/profile/key": (
        Action.MAKE_KEY,
        lambda scene: scene.browser.post("/console/profile/key", password=PASSWORD),
    ),
    "/console/profile/key/end": (
        Action.REVOKE_KEY,
        lambda scene: scene.end_key("admin", "/console/profile/key/end"),
    ),
    "/console/operators/<name>/remove": (
        Action.REMOVE_OPERATOR,
        lambda scene: scene.change_olga("remove"),
    ),
    "/connect/again/<pending_id>": (Action.CONNECT, Scene.connect_again),
}


@pytest.fixture
def app(live_settings: Settings, redis_client: "redis.Redis") -> Iterator[Flask]:
    with Webhook() as webhook:
        made = create_app(replace(live_settings, alerts=(webhook.address,)))
        change_services(made, sleep=lambda _: None)  # so long as forms are remembered
        yield made


@pytest.fixture
def scene(app: Flask, sandbox: SandboxServer, redis_client: "redis.Redis") -> Scene:
    return Scene(app, sandbox, Ledger(redis_client))


@pytest.fixture
def trail(redis_client: "redis.Redis") -> AuditTrail:
    return AuditTrail(redis_client)


@pytest.mark.parametrize("route", CHANGES)
def test_every_post_that_changes_something_adds_an_entry(
    scene: Scene, trail: AuditTrail, route: str
) -> None:
    before = len(list(trail.entries()))
    action, change = CHANGES[route]
    change(scene)
    newest, *_ = found = list(trail.entries())
    assert len(found) > before
    assert newest.action == action
    assert (newest.actor, newest.via, newest.address) == ("admin", "console", "127.0.0.1")
    assert EMAIL not in str(found)


def test_a_viewer_who_is_refused_leaves_no_entry(
    scene: Scene, app: Flask, trail: AuditTrail
) -> None:
    viewer = SignedIn(app, Role.VIEWER)
    before = list(trail.entries())
    assert viewer.post("/console/accounts/acme/disconnect").status_code == 403
    assert list(trail.entries()) == before


def test_the_account_that_a_client_connects_is_put_down_to_who_sent_the_link(
    scene: Scene, app: Flask, trail: AuditTrail
) -> None:
    made = scene.make_link()
    [url] = re.findall(r'id="link-url" value="([^"]+)"', scene.browser.get(made).text)
    client = app.test_client()
    leaving = client.post(urlsplit(url).path, environ_base={"REMOTE_ADDR": "203.0.113.9"}).text
    [login] = re.findall(r'href="([^"]+/authorize[^"]+)"', leaving)
    back = urlsplit(scene.sandbox.authorize(unescape(login)))
    path = f"{back.path}?{back.query}"
    assert client.get(path, environ_base={"REMOTE_ADDR": "203.0.113.9"}).status_code == 200
    newest, *_ = trail.entries()
    assert (newest.action, newest.account, newest.actor) == ("connect", "acme", "admin")
    assert (newest.via, newest.address) == ("console", "203.0.113.9")
    assert newest.detail["link"] == made.rsplit("/", 1)[1]


def test_what_a_command_began_is_put_down_to_who_gave_it(
    scene: Scene, app: Flask, trail: AuditTrail
) -> None:
    started = services_of(app).accounts.connecting.browser.start("acme", by="root")
    back = urlsplit(scene.sandbox.authorize(started.url))
    answer = app.test_client().get(
        f"{back.path}?{back.query}", environ_base={"REMOTE_ADDR": "203.0.113.9"}
    )
    assert answer.status_code == 200
    newest: AuditEntry = next(trail.entries())
    assert (newest.action, newest.actor, newest.via) == ("connect", "root", "cli")
    assert newest.address == "203.0.113.9"


def test_the_first_operator_is_put_down_to_web(
    live_settings: Settings, redis_client: "redis.Redis", trail: AuditTrail
) -> None:
    create_app(live_settings).test_client().get("/console/sign-in")
    (entry,) = trail.entries()
    assert (entry.action, entry.actor, entry.target) == ("add_operator", "relay web", "admin")
    assert (entry.via, entry.address) == ("cli", None)
