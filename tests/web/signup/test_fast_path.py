"""The fast path makes one round trip to Redis for a sign-up, and answers exactly as the view."""

import asyncio
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import MagicMock
from urllib.parse import urlencode

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder, TestResponse

from shared.infrastructure.settings import RateLimit, Settings
from shared.ledger.format import open_ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.entrance_client import EntranceClient, ViewClient, ask
from tests.support.fault_proxy import Fault, FaultProxy
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_services import change_services, services_of
from web.app import create_app, create_entrance
from web.server.flask_threads import FlaskThreads
from web.signup.form_cache import FormCache

OURS = "https://www.example.com"
FORMS = (
    builders.form("news"),
    builders.form("onward", redirect="https://shop.example/välkommen?a=1"),
    builders.form("shop", origins=(OURS,), redirect=f"{OURS}/thanks"),
    builders.form("box", consent_box="required", consent_text="Ja, schreibt mir."),
    builders.form("two", lists=(*builders.form().lists, replace(builders.form().lists[0], id="b"))),
    builders.form("closed", enabled=False),
)
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MADE_JUST_NOW = re.compile(r'(?<=name="_t" value=")\w+')
FORM = "application/x-www-form-urlencoded"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
JSON = {"Accept": "application/json"}


@dataclass
class Door:
    """A way into an app of its own, with a ledger of its own. `by_flask` counts what Flask
    answered."""

    client: FlaskClient
    ledger: "redis.Redis"
    by_flask: int = 0

    def send(self, sent: dict[str, Any]) -> TestResponse:
        path = sent.get("path", f"/f/{sent.get('form', 'news')}")
        headers = {"Host": "relay.example", **sent.get("headers", {})}
        return self.client.post(
            path, data=sent["body"], content_type=sent.get("type"), headers=headers
        )

    def stored(self) -> list[dict[str, Any]]:
        """Return all sign-ups but for what differs from run to run, in no order."""
        found = all_records(self.ledger)
        for each in found:
            for name in ("received_at", "held_mark", "person", "content", "repeated_at"):
                each.pop(name, None)
        return sorted(({str(k): str(v) for k, v in each.items()} for each in found), key=repr)


@dataclass
class Doors:
    """The fast path's and Flask's."""

    fast: Door
    plain: Door

    def compare(self, *requests: dict[str, Any]) -> TestResponse:
        """Send the requests both ways, compare, and return the last answer."""
        answers = [[door.send(sent) for sent in requests] for door in (self.fast, self.plain)]
        assert _comparable(answers[0]) == _comparable(answers[1])
        assert self.fast.stored() == self.plain.stored()
        return answers[0][-1]


def _comparable(answers: list[TestResponse]) -> str:
    """Return status, headers and bodies, with each id replaced by the number of its first place,
    and without the pages' time tokens."""
    texts = []
    for answer in answers:
        headers = sorted(
            (name.lower(), value)
            for name, value in answer.headers
            if name.lower() not in ("date", "server", "content-length")
        )
        texts.append(f"{answer.status_code}\n{headers}\n{answer.get_data(as_text=True)}")
    found: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[0] not in found:
            found.append(match[0])
        return f"id-{found.index(match[0])}"

    text = MADE_JUST_NOW.sub("a token", "\n".join(texts))
    return ID.sub(number, text.replace(builders.LIST_ID, "the list"))


@pytest.fixture(scope="module")
def apps(valkey: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Flask]]:
    """Two apps with a database each; making one takes longer than most tests."""
    made = []
    for database in (0, 2):
        client = valkey.client(database)
        client.flushdb()  # other tests may have left forms
        save_forms(client)
        environ = {
            "REDIS_URL": valkey.url(database),
            "CTCT_CLIENT_ID": "test-key",
            "CTCT_CLIENT_SECRET": "test-secret",
            "RELAY_SECRET_KEY": "a secret only for tests",
            "RELAY_DATA_DIR": str(tmp_path_factory.mktemp("relay")),
        }
        made.append(_quiet(create_app(Settings.from_env(environ))))
    yield made
    for app in made:
        services_of(app).form_tallies.close()


@pytest.fixture(autouse=True)
def lasting_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.signup.form_cache.FRESH", timedelta(hours=1))


@pytest.fixture
def doors(
    apps: list[Flask],
    valkey: ValkeyServer,
    redis_client: "redis.Redis",
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Doors]:
    _limit(apps, RateLimit(1000, timedelta(hours=1)))
    with valkey.client(2) as other:
        for client in (redis_client, other):
            save_forms(client)
        fast = Door(EntranceClient(apps[0], apps[0].response_class), redis_client)
        plain = Door(ViewClient(apps[1], apps[1].response_class), other)
        answer = FlaskThreads.answer

        async def counted(threads: Any, *args: Any, **more: Any) -> Any:
            door = fast if threads._app.__self__ is apps[0] else plain
            door.by_flask += 1
            return await answer(threads, *args, **more)

        monkeypatch.setattr(FlaskThreads, "answer", counted)
        yield Doors(fast, plain)


def save_forms(client: "redis.Redis") -> None:
    open_ledger(client)
    registry = Registry(client)
    registry.save_account(builders.account())
    for form in FORMS:
        registry.save_form(form)


def _quiet(app: Flask) -> Flask:
    """Have the app notify nobody, which would count as commands."""
    change_services(app, intake=replace(services_of(app).intake, notify_workers=lambda _: None))
    return app


def _limit(apps: list[Flask], limit: RateLimit) -> None:
    for app in apps:
        change_services(app, intake=replace(services_of(app).intake, limit=limit))


def posted(fields: dict[str, str] | None = None, /, **sent: Any) -> dict[str, Any]:
    """Return a request with these fields, urlencoded, as a browser sends it."""
    body = urlencode({"email": "ada@example.com", **(fields or {})})
    return {"body": body, "type": FORM, "headers": BROWSER, **sent}


def with_headers(form: str = "news", **headers: str) -> dict[str, Any]:
    """Return a request without a browser's headers, but with these."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return posted(form=form, headers=named)


def as_json(value: Any, **sent: Any) -> dict[str, Any]:
    return {"body": json.dumps(value), "type": "application/json", **sent}


MULTIPART = (
    b"--x\r\nContent-Disposition: form-data; name=email\r\n\r\nzo\xc3\xab@example.com\r\n"
    b"--x\r\nContent-Disposition: form-data; name=cv; filename=cv.txt\r\n\r\nabc\r\n--x--\r\n"
)

TAKEN: dict[str, list[dict[str, Any]]] = {
    "urlencoded": [posted({"FNAME": "Zoë", "phone": "+49 30 123", "cake": "apple"})],
    "no content type": [{"body": "email=ada%40example.com"}],
    "latin-1": [
        {"body": b"email=a%40b.example&first_name=Zo%EB", "type": f"{FORM}; charset=latin-1"}
    ],
    "JSON": [as_json({"email": "zoë@example.com", "data": {"first_name": "Zoë"}})],
    "JSON as text": [as_json({"email": "ada@example.com"}, type="text/plain;charset=UTF-8")],
    "JSON for a page": [as_json({"email": "ada@example.com"}, headers=BROWSER)],
    "lines of text": [{"body": "email=ada@example.com\r\nname=Ada", "type": "text/plain"}],
    "multipart": [{"body": MULTIPART, "type": "multipart/form-data; boundary=x"}],
    "multipart without a boundary": [{"body": MULTIPART, "type": "multipart/form-data"}],
    "any answer": [with_headers(Accept="*/*")],
    "JSON before a page": [with_headers(Accept="application/json, text/html;q=0.5")],
    "odd accept": [with_headers(Accept=";;,q=x, a/b;q=9")],
    "no accept": [with_headers()],
    "script of a page": [with_headers(Accept="*/*", Sec_Fetch_Mode="cors", Origin=OURS)],
    "XMLHttpRequest": [with_headers(X_Requested_With="XMLHttpRequest")],
    "form's origin": [with_headers("shop", Origin=OURS, Referer=f"{OURS}/page?a=b")],
    "origin null": [with_headers("shop", Origin="null")],
    "no origin": [with_headers("shop")],
    "our origin": [with_headers("shop", Origin="http://relay.example")],
    "another port of ours": [with_headers(Origin="http://relay.example:80")],
    "our own page": [
        posted(
            {"_page": f"{OURS}/first"},
            form="shop",
            headers={**BROWSER, "Origin": "http://relay.example"},
        )
    ],
    "any origin": [with_headers(Origin="https://elsewhere.example")],
    "odd origin": [with_headers(Origin="http://a b<c>")],
    "next path": [posted({"_next": "/thanks?x=1"}, headers={**BROWSER, "Referer": f"{OURS}/a/b"})],
    "next path of nobody": [posted({"_next": "/thanks"})],
    "next in JSON": [
        posted(
            {"_next": "../ok"}, headers={"Origin": OURS, "Referer": f"{OURS}/a/b/", **JSON}
        )
    ],
    "next in another script": [
        posted({"_next": f"{OURS}/dänke/☃?q=ü#ß"}, form="shop", headers={**BROWSER, "Origin": OURS})
    ],
    "next elsewhere": [posted({"_next": "https://evil.example/"}, form="shop")],
    "next with a line break": [posted({"_next": "/a\r\nSet-Cookie: a=b"}, form="shop")],
    "redirect in another script": [posted(form="onward")],
    "redirect in JSON": [posted(form="onward", headers=JSON)],
    "consent box": [posted({"consent": "yes"}, form="box")],
    "chosen list": [posted({"_lists": "b"}, form="two")],
    "honeypot": [posted({"_gotcha": "x", "first_name": "y" * 500})],
    "honeypot and nonsense": [posted({"_gotcha": "x", "email": "nobody"}, headers=JSON)],
    "other case and a slash": [posted(path="/F/News/", headers=JSON)],
    "percent in the path": [posted(path="/f/%6eews", headers=JSON)],
    "key": [posted(headers={**JSON, "Idempotency-Key": "k"})],
    "key again": [
        posted(headers={**JSON, "Idempotency-Key": "k"}),
        posted({"email": "Ada@Example.com"}, headers={**JSON, "Idempotency-Key": "k"}),
    ],
    "double click": [posted(headers=JSON), posted(headers=JSON), posted({"x": "y"}, headers=JSON)],
    "honeypot twice": [posted({"_gotcha": "x"}, headers=JSON)] * 2,
    "no character of ours": [posted({"first_name": "\x00\ud7ff\uffff 😀"}, headers=JSON)],
    "half a character": [as_json({"email": "ada@example.com", "first_name": "\ud83d!"})],
    "header in latin-1": [with_headers(Referer=f"{OURS}/\xe9", User_Agent="\xe9")],
}  # fmt: skip

LEFT: dict[str, list[dict[str, Any]]] = {
    "unknown form": [posted(form="nowhere")],
    "closed form": [posted(form="closed", headers=JSON)],
    "another origin": [with_headers("shop", Origin="https://evil.example")],
    "wrong address": [posted({"email": "ada@"})],
    "wrong address in JSON": [posted({"email": "ada@"}, headers=JSON)],
    "nothing": [{"body": b"", "headers": JSON}],
    "no consent": [posted(form="box", headers=JSON)],
    "unknown list": [posted({"_lists": "c"}, form="two", headers=JSON)],
    "broken JSON": [as_json({}, body='{"email": ')],
    "picture": [{"body": b"\x89PNG\r\n", "type": "image/png"}],
    "long key": [posted(headers={**JSON, "Idempotency-Key": "k" * 300})],
    "query": [posted(path="/f/news?format=json")],
    "AMP": [posted(path=f"/f/news?__amp_source_origin={OURS}", headers={"Origin": OURS})],
    "large body": [posted({"first_name": "Ada", "note": "x" * 9000}, headers=JSON)],
    "body over the limit": [posted({"note": "x" * 70_000}, headers=JSON)],
    "other page": [posted(path="/f/news/thanks")],
}


@pytest.mark.parametrize("requests", TAKEN.values(), ids=TAKEN)
def test_a_usual_sign_up_is_taken_at_once_and_answered_as_by_the_view(
    doors: Doors, requests: list[dict[str, Any]]
) -> None:
    assert doors.compare(*requests).status_code in (202, 303)
    assert doors.fast.by_flask == 0


@pytest.mark.parametrize("requests", LEFT.values(), ids=LEFT)
def test_anything_else_is_left_to_the_view(doors: Doors, requests: list[dict[str, Any]]) -> None:
    doors.compare(*requests)
    assert doors.fast.by_flask == 1


@pytest.mark.parametrize("kind", [JSON, BROWSER], ids=["JSON", "page"])
def test_a_key_with_other_content_is_refused_by_the_view(
    doors: Doors, kind: dict[str, str]
) -> None:
    key = {**kind, "Idempotency-Key": "k"}
    other = posted({"email": "bob@example.com"}, headers=key)
    assert doors.compare(posted(headers=key), other).status_code == 422
    assert doors.fast.by_flask == 1


def test_a_visitor_over_the_limit_is_refused_by_the_view(doors: Doors, apps: list[Flask]) -> None:
    _limit(apps, RateLimit(2, timedelta(hours=1)))
    people = [posted({"email": f"{number}@example.com"}, headers=JSON) for number in range(2)]
    doors.compare(*people)
    doors.fast.ledger.config_resetstat()
    answers = [doors.fast.send(posted(headers=JSON))]
    assert commands(doors.fast.ledger)["evalsha"] == 1  # Flask does not ask once more
    answers.append(doors.plain.send(posted(headers=JSON)))
    assert [answer.status_code for answer in answers] == [429, 429]
    assert answers[0].json == answers[1].json
    assert [abs(int(each.headers["Retry-After"]) - 3600) < 60 for each in answers] == [True, True]
    assert doors.fast.by_flask == 1


NAMES = st.sampled_from(["email", "first_name", "phone", "_next", "_gotcha", "cake", "a[b][]"])
VALUES = st.one_of(
    st.sampled_from(["ada@example.com", "bob@example.com", "", "/ok", "on"]), st.text(max_size=20)
)
JSON_VALUES = st.recursive(
    VALUES | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
BODIES = st.one_of(
    st.lists(st.tuples(NAMES, VALUES), max_size=5).map(
        lambda pairs: urlencode(pairs, errors="surrogatepass").encode()
    ),
    st.dictionaries(NAMES, JSON_VALUES, max_size=4).map(lambda found: json.dumps(found).encode()),
    st.binary(max_size=60).map(lambda noise: b"email=ada%40example.com&x=" + noise),
    st.binary(max_size=60),
)
TYPES = st.sampled_from([None, FORM, "application/json", "text/plain", "multipart/form-data"])


@effort(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES, type=TYPES, headers=st.sampled_from([BROWSER, JSON, {}]))
def test_any_body_is_answered_in_the_same_way(
    doors: Doors, body: bytes, type: str | None, headers: dict[str, str]
) -> None:
    doors.compare({"body": body, "type": type, "headers": headers})


# --- what the ledger did not confirm


@pytest.fixture
def proxy(valkey: ValkeyServer, redis_client: "redis.Redis") -> Iterator[FaultProxy]:
    save_forms(redis_client)
    with FaultProxy(valkey) as proxy:
        yield proxy


@pytest.fixture
def behind_proxy(proxy: FaultProxy, settings: Settings) -> Flask:
    return _quiet(
        create_app(replace(settings, redis_url=proxy.url(), visitor_limit=None, person_limit=None))
    )


def test_a_lost_answer_sends_it_to_the_disk_without_another_question(
    behind_proxy: Flask, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The visitor's time may be over, and the form may be closed by now."""
    door = Door(EntranceClient(behind_proxy, behind_proxy.response_class), MagicMock())
    held = replace(services_of(behind_proxy).intake, drain=lambda: None)
    change_services(behind_proxy, intake=held)
    door.send(posted())
    monkeypatch.setattr(FormCache, "find", MagicMock(side_effect=AssertionError))
    proxy.arm(Fault.ANSWER_LOST)
    answer = door.send(posted({"_next": "/ok"}, headers={**BROWSER, "Referer": f"{OURS}/a"}))
    assert (answer.status_code, answer.location) == (303, f"{OURS}/ok")
    assert services_of(behind_proxy).spool.figures().count == 1


def test_once_the_spool_has_drained_sign_ups_are_taken_at_once_again(
    behind_proxy: Flask, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_flask = MagicMock(side_effect=FlaskThreads.answer, autospec=True)
    monkeypatch.setattr(FlaskThreads, "answer", lambda *args, **more: by_flask(*args, **more))
    door = Door(EntranceClient(behind_proxy, behind_proxy.response_class), MagicMock())
    people = (posted({"email": f"{number}@example.com"}) for number in itertools.count())
    door.send(next(people))
    proxy.arm(Fault.REQUEST_LOST)
    assert door.send(next(people)).status_code == 303
    assert by_flask.call_count == 1
    spool = services_of(behind_proxy).spool
    eventually(lambda: spool.figures().count == 0, within=30, what="draining")

    def taken_at_once() -> bool:
        before = by_flask.call_count
        assert door.send(next(people)).status_code == 303
        return by_flask.call_count == before

    eventually(taken_at_once, what="the fast path")


# --- round trips


def commands(client: "redis.Redis") -> dict[str, int]:
    """Return how often each command has come that no script runs."""
    found: dict[str, Any] = client.info("commandstats")
    names = ("evalsha", "eval", "script|load", "script|exists", "waitaof", "ping", "auth", "select")
    calls = {name: found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in names}
    return {name: number for name, number in calls.items() if number}


def test_a_sign_up_is_one_write_and_one_command_and_many_at_once_share_a_write(
    behind_proxy: Flask, proxy: FaultProxy, redis_client: "redis.Redis"
) -> None:
    one_after_the_other, at_once = asyncio.run(_count(behind_proxy, redis_client, proxy))
    assert one_after_the_other == (10, {"evalsha": 10})
    assert at_once[0] < 8
    assert at_once[1] == {"evalsha": 32}


async def _count(
    app: Flask, client: "redis.Redis", proxy: FaultProxy
) -> list[tuple[int, dict[str, int]]]:
    """Return the writes and commands of ten sign-ups in a row, and of 32 at the same time."""
    entrance = create_entrance(app)

    async def sign_up(name: str) -> None:
        environ = EnvironBuilder("/f/news", method="POST", data={"email": f"{name}@example.com"})
        start, *_ = await ask(entrance, environ.get_environ())
        assert start["status"] == 303

    async def in_a_row() -> None:
        for number in range(10):
            await sign_up(f"row-{number}")

    async def at_once() -> None:
        await asyncio.gather(*(sign_up(f"at-once-{number}") for number in range(32)))

    await sign_up("first")
    found = []
    for several in (in_a_row, at_once):
        client.config_resetstat()
        before = proxy.writes
        await several()
        found.append((proxy.writes - before, commands(client)))
    await entrance.close()
    return found
