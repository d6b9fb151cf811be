"""Web with three serving processes: all know what one knows, and one that dies takes nothing along.

Each request goes to a process that the test chooses.
"""

import itertools
import json
import os
import re
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import redis

from shared.ledger.format import open_ledger
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from web.signup.form_cache import FRESH

PROCESSES = 3
PRINTED = re.compile(r"password  (\S+)")
# Each in a network of its own, as networks are limited, too.
_addresses = (f"198.18.{number}.1" for number in itertools.count(1))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server, server.client() as client:
        save_form(client)
        yield server


@pytest.fixture(scope="module")
def web(server: ValkeyServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    with web_of(server, tmp_path_factory.mktemp("web")) as web:
        yield web


@pytest.fixture
def client(server: ValkeyServer) -> Iterator["redis.Redis"]:
    with server.client() as client:
        yield client


def web_of(server: ValkeyServer, folder: Path, **environ: str) -> WebProcess:
    several = {
        "RELAY_WEB_PROCESSES": str(PROCESSES),
        "RELAY_TRUSTED_PROXIES": "1",
        "RELAY_VISITOR_LIMIT": "4/hour",
        "RELAY_PERSON_LIMIT": "0",
    }
    return WebProcess(server, folder, several | environ)


def save_form(client: "redis.Redis", **fields: Any) -> None:
    open_ledger(client)
    registry = Registry(client)
    registry.save_account(builders.account())
    registry.save_form(builders.form(**fields))


def post(
    web: WebProcess,
    pid: int,
    email: str,
    *,
    form: str = "news",
    visitor: str = "",
    key: str = "",
    **fields: str,
) -> tuple[int, str]:
    """Sign up at this process; return the status, and the sign-up's id or the error. Each one has
    a network of its own unless `visitor` is an address."""
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Forwarded-For": visitor or next(_addresses),
        **({"Idempotency-Key": key} if key else {}),
    }
    with closing(web.connection_to(pid)) as connection:
        connection.request("POST", f"/f/{form}", urlencode({"email": email, **fields}), headers)
        answer = connection.getresponse()
        found = json.loads(answer.read())
    return answer.status, found.get("id") or found["error"]


def test_every_process_serves(web: WebProcess) -> None:
    assert len(web.serving()) == PROCESSES
    assert {post(web, pid, f"{pid}@example.com")[0] for pid in web.serving()} == {202}


def test_a_visitor_is_limited_over_all_of_them(web: WebProcess) -> None:
    turns = [*web.serving()] * 2
    statuses = [post(web, pid, f"{n}@limit.example", visitor="192.0.2.254")[0]
                for n, pid in enumerate(turns)]  # fmt: skip
    assert statuses == [202] * 4 + [429] * 2


def test_the_same_sign_up_and_a_used_key_are_known_to_all_of_them(web: WebProcess) -> None:
    again = {post(web, pid, "ada@again.example") for pid in web.serving()}
    assert len(again) == 1
    with_key = {post(web, pid, "bob@again.example", key="k") for pid in web.serving()}
    assert len(with_key) == 1
    other = [post(web, pid, f"{pid}@other.example", key="k")[0] for pid in web.serving()]
    assert other == [422] * PROCESSES


def test_refusals_of_all_of_them_add_up(web: WebProcess, client: "redis.Redis") -> None:
    for pid in sorted(web.serving()) * 5:
        assert post(web, pid, "")[0] == 422

    def refused() -> int:
        figures = FormCounts(client).figures(Registry(client).forms(), ["acme"])
        return sum(each.refused.get("required", 0) for each in figures)

    eventually(lambda: refused() == 5 * PROCESSES, within=20, what="the last flush")


def test_a_closed_form_is_closed_in_all_of_them_within_two_seconds(
    web: WebProcess, client: "redis.Redis"
) -> None:
    def statuses() -> set[int]:
        return {post(web, pid, f"{pid}@x.example", form="closing")[0] for pid in web.serving()}

    save_form(client, name="closing")
    eventually(lambda: statuses() == {202}, what="opening")
    save_form(client, name="closing", enabled=False)
    eventually(
        lambda: statuses() == {410}, within=FRESH.total_seconds() + 3, what="closing everywhere"
    )


def test_one_that_dies_is_replaced_while_the_others_serve(web: WebProcess) -> None:
    before = web.serving()
    victim, *others = before
    held = {pid: web.connection_to(pid) for pid in others}
    os.kill(victim, signal.SIGKILL)
    for connection in held.values():
        connection.request("GET", "/healthz")
        assert connection.getresponse().status == 200
        connection.close()
    eventually(lambda: len(web.serving() - before) == 1, what="the successor")
    [successor] = web.serving() - before
    assert post(web, successor, "ada@successor.example")[0] == 202


@pytest.mark.slow
def test_sign_ups_that_all_of_them_kept_on_the_disk_reach_the_ledger_once_and_in_order(
    tmp_path: Path,
) -> None:
    with ValkeyServer(tmp_path / "valkey") as server:
        with server.client() as client:
            save_form(client)
        with web_of(server, tmp_path) as web:
            pids = sorted(web.serving())
            for pid in pids:  # each knows the form now
                assert post(web, pid, f"{pid}@before.example")[0] == 202
            server.stop()
            ids = [post(web, pid, "ada@example.com", first_name=f"{n}")[1]
                   for n, pid in enumerate(pids * 2)]  # fmt: skip
            again = {post(web, pid, "ada@example.com", first_name="0") for pid in pids}
            assert again == {(202, ids[0])}
            others = [post(web, pid, f"{pid}@while.example")[1] for pid in pids]
            server.start()
            with server.client() as client:
                count = 2 * PROCESSES + len(ids)
                eventually(lambda: accepted(client) >= count, within=30, what="draining")
                eventually(lambda: not client.exists("relay:spools"), what="an empty spool")
                assert accepted(client) == len(list(client.scan_iter("*:signup:*"))) == count
                assert ids in lines(client)
                assert all(client.exists(f"relay:{{acme}}:signup:{id}") for id in others)


def accepted(client: "redis.Redis") -> int:
    return int(client.hget("relay:{acme}:totals", "accepted") or 0)


def lines(client: "redis.Redis") -> list[list[str]]:
    """Return the ids of each person, in the order in which they are delivered."""
    keys = client.scan_iter("relay:{acme}:person:*")
    return [[str(id) for id in client.zrange(key, 0, -1)] for key in keys]


@pytest.mark.slow
@pytest.mark.parametrize("redis_first", [True, False])
def test_what_concerns_all_is_said_once(tmp_path: Path, redis_first: bool) -> None:
    """The first operator's password, and what is wrong with Redis."""
    with ValkeyServer(tmp_path / "valkey") as server:
        with server.client() as admin:
            admin.config_set("appendonly", "no")
        if not redis_first:
            server.stop()
        with web_of(server, tmp_path) as web:
            pids = web.serving()
            if not redis_first:
                server.start()
            connections = [web.connection_to(pid) for pid in pids]
            for connection in connections:  # all at the same time
                connection.request("GET", "/console/sign-in")
            for connection in connections:
                connection.getresponse().read()
                connection.close()
            web.process.terminate()
            _, printed = web.process.communicate(timeout=30)
    assert len(PRINTED.findall(printed)) == 1, printed
    complaints = ["Redis cannot be used yet", "this Redis can lose sign-ups"]
    assert [printed.count(each) for each in complaints] == [not redis_first, redis_first], printed


@pytest.mark.slow
def test_nothing_keeps_the_port_when_the_main_process_is_killed(
    server: ValkeyServer, tmp_path: Path
) -> None:
    with web_of(server, tmp_path) as web:
        pids = web.serving()
        web.process.kill()
        web.process.wait(timeout=5)
        eventually(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids),
            within=30,
            what="the end of the serving processes",
        )
        socket.create_server(("127.0.0.1", web.port)).close()
