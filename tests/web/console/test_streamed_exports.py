"""Exports of any size: sent part by part, a few at once, and ended with their client."""

import asyncio
import csv
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any

import pytest
import redis
from flask import Flask
from werkzeug.test import EnvironBuilder

from shared.domain.errors import LedgerUnavailable
from shared.ledger.ledger import Ledger
from shared.ledger.stores.audit_trail import AuditTrail
from shared.ledger.stores.registry import Registry
from shared.operations.bulk_choices import DEAD_LETTERS, BulkChoice
from shared.operations.exports import ExportFormat
from shared.operations.operators import Role
from shared.operations.signup_lists import SignupFilter, SignupLists, SignupPage
from tests.support import builders
from tests.support.builders import accept, bury_claim, claimed
from tests.support.console_browser import SignedIn
from tests.support.entrance_client import _scope
from tests.support.web_services import services_of
from web.app import create_entrance
from web.server.entrance import Entrance
from web.server.files import MOST_FILES

COUNT = 5


@pytest.fixture
def ids(app: Flask, redis_client: "redis.Redis", monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of dead letters, the oldest first. A part of a file has two."""
    monkeypatch.setattr("shared.operations.bulk_changes.EXPORTED_AT_ONCE", 2)
    Registry(redis_client).save_account(builders.account())
    ledger = Ledger(redis_client)
    found = [accept(ledger, f"{number}@example.com").id for number in range(COUNT)]
    for _ in found:
        bury_claim(ledger, claimed(ledger))
    return found


@dataclass
class Client:
    """A client of the entrance. It reads when `reads` is set, and goes away when `leaves` is."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    reads: asyncio.Event = field(default_factory=asyncio.Event)
    leaves: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    unread: list[bytes] = field(default_factory=list)

    async def receive(self) -> dict[str, Any]:
        if self.unread:  # as granian does, the end of the body is a message of its own
            body = self.unread.pop(0)
            return {"type": "http.request", "body": body, "more_body": bool(self.unread)}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        if message.get("body"):
            self.begun.set()
            await self.reads.wait()

    async def ask(self, entrance: Entrance, browser: SignedIn, path: str, **data: str) -> None:
        built = EnvironBuilder(
            path=path,
            method="POST" if data else "GET",
            data={"csrf_token": browser.token} | data if data else {},
            headers=[
                ("Cookie", f"relay_console={browser.cookie}"),
                ("Sec-Fetch-Site", "same-origin"),
                ("Origin", "http://localhost"),
            ],
        )
        environ = built.get_environ()
        self.unread = [environ["wsgi.input"].read(), b""]
        await entrance(_scope(environ), self.receive, self.send)

    async def export(self, entrance: Entrance, browser: SignedIn, **chosen: str) -> None:
        await self.ask(entrance, browser, "/console/failed/export", what="json-all", **chosen)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def is_whole(self) -> bool:
        return not self.messages[-1].get("more_body", False)

    @property
    def text(self) -> str:
        return b"".join(each.get("body", b"") for each in self.messages).decode()


@asynccontextmanager
async def entered(app: Flask) -> AsyncIterator[Entrance]:
    entrance = create_entrance(app)
    try:
        yield entrance
    finally:
        await entrance.close()


def run(app: Flask, act: Callable[[Entrance, SignedIn], Coroutine[Any, Any, None]]) -> None:
    browser = SignedIn(app, Role.OPERATOR)

    async def acted() -> None:
        async with entered(app) as entrance, asyncio.timeout(30):
            await act(entrance, browser)

    asyncio.run(acted())


def test_a_file_is_sent_part_by_part(app: Flask, ids: list[str]) -> None:
    client = Client()
    client.reads.set()
    run(app, client.export)
    start, *parts = client.messages
    names = {name for name, _ in start["headers"]}
    assert client.status == 200
    assert {b"content-disposition", b"x-request-id", b"x-content-type-options"} <= names
    assert b"x-accel-buffering" in names  # so that nginx passes the beginning on at once
    assert not {b"content-length", b"x-relay-streamed"} & names
    assert len([part for part in parts if part["body"]]) > COUNT // 2
    assert [part["more_body"] for part in parts[:-1]] == [True] * (len(parts) - 1)
    assert client.is_whole
    assert [row["id"] for row in json.loads(client.text)] == ids[::-1]


@pytest.mark.parametrize("to", list(ExportFormat))
def test_a_search_that_finds_nothing_is_never_silent_and_the_file_is_whole(
    app: Flask, ids: list[str], monkeypatch: pytest.MonkeyPatch, to: ExportFormat
) -> None:
    monkeypatch.setattr("shared.operations.signup_lists.MOST_READ", 1)  # a page, so it is empty
    monkeypatch.setattr("shared.operations.exports._EMPTY_PAGES", 1)
    chosen = SignupFilter(states=DEAD_LETTERS.states, words="nothing has this")
    parts = list(services_of(app).operations.bulk.export(BulkChoice(filter=chosen), to))
    assert len(parts) > COUNT
    assert all(parts)
    if to == ExportFormat.JSON:
        assert parts[0] == "["
        assert json.loads("".join(parts)) == []
    else:
        assert parts[0].startswith("id,account,")
        assert len(list(csv.reader("".join(parts).splitlines()))) == 1


def test_a_csv_is_the_same_whether_pages_were_empty_or_not(
    app: Flask, ids: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bulk = services_of(app).operations.bulk
    whole = "".join(bulk.export(BulkChoice(), ExportFormat.CSV))
    monkeypatch.setattr("shared.operations.exports._EMPTY_PAGES", 1)
    page = SignupLists.page

    def sparse(lists: SignupLists, *args: Any, **more: Any) -> SignupPage:
        found = page(lists, *args, **more)
        return replace(found, signups=[] if next(empty) else found.signups)

    monkeypatch.setattr(SignupLists, "page", sparse)
    for kept in (3, 100, 10_000):
        monkeypatch.setattr("shared.operations.exports._KEPT_BACK", kept)
        empty = cycle([False])
        assert "".join(bulk.export(BulkChoice(), ExportFormat.CSV)) == whole
        empty = cycle([True, False, True])
        some = "".join(bulk.export(BulkChoice(), ExportFormat.CSV)).splitlines()
        assert some == [line for line in whole.splitlines() if line in some]
        assert len(some) > 1


def test_those_who_read_slowly_keep_no_place_of_others_but_those_of_files(
    app: Flask, ids: list[str], redis_client: "redis.Redis"
) -> None:
    async def act(entrance: Entrance, browser: SignedIn) -> None:
        slow = [Client() for _ in range(MOST_FILES)]
        sending = [asyncio.create_task(each.export(entrance, browser)) for each in slow]
        for each in slow:
            await each.begun.wait()
        page, late = Client(), Client()
        for client in (page, late):
            client.reads.set()
        await page.ask(entrance, browser, "/console/failed")
        await late.export(entrance, browser)
        assert (page.status, late.status) == (200, 429)
        assert "2 exports are being sent just now." in late.text
        for each in slow:
            each.reads.set()
        await asyncio.gather(*sending)
        assert [len(json.loads(each.text)) for each in slow] == [COUNT] * MOST_FILES
        again = Client()
        again.reads.set()
        await again.export(entrance, browser)
        assert again.status == 200

    run(app, act)
    entries = [each for each in AuditTrail(redis_client).entries() if each.action == "export"]
    assert len(entries) == MOST_FILES + 1


@pytest.mark.parametrize("chosen", [{}, {"words": "nothing has this"}])
def test_a_client_that_goes_away_ends_its_file(
    app: Flask, ids: list[str], monkeypatch: pytest.MonkeyPatch, chosen: dict[str, str]
) -> None:
    monkeypatch.setattr("shared.operations.signup_lists.MOST_READ", 2)

    async def act(entrance: Entrance, browser: SignedIn) -> None:
        client = Client()
        sending = asyncio.create_task(client.export(entrance, browser, **chosen))
        await client.begun.wait()
        client.leaves.set()
        client.reads.set()
        await sending
        assert (client.status, client.is_whole) == (200, False)
        assert ids[0] not in client.text
        assert not entrance._files.is_full and entrance._files._open == 0

    run(app, act)


def test_a_file_that_breaks_off_does_not_look_whole(
    app: Flask,
    ids: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    page = SignupLists.page

    def broken(lists: SignupLists, *args: Any, cursor: str | None = None, **more: Any) -> Any:
        if cursor and more["limit"] == 2:
            raise LedgerUnavailable
        return page(lists, *args, cursor=cursor, **more)

    monkeypatch.setattr(SignupLists, "page", broken)
    client = Client()
    client.reads.set()
    run(app, client.export)
    assert ids[-1] in client.text
    assert not client.is_whole
    assert "a file breaks off" in caplog.text
    assert "@example.com" not in caplog.text


def test_what_is_settled_meanwhile_comes_once_at_most(
    app: Flask, ids: list[str], redis_client: "redis.Redis"
) -> None:
    ledger, bulk = Ledger(redis_client), services_of(app).operations.bulk
    parts = bulk.export(BulkChoice(), ExportFormat.JSON)
    begun = next(parts)
    for id in (ids[-1], ids[0]):
        assert ledger.requeue("acme", id)
    bury_claim(ledger, claimed(ledger))
    rows = json.loads(begun + "".join(parts))
    found = [row["id"] for row in rows]
    assert len(found) == len(set(found))
    assert set(ids[1:]) <= set(found)
