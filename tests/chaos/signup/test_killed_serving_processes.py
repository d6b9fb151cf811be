"""Serving processes are killed under load: whoever was answered is signed up, exactly once."""

import http.client
import itertools
import os
import random
import signal
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests

from shared.ledger.format import open_ledger
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.records import all_records
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess
from web.signup import spool_file

KILLS = 10
REDIS_IS_AWAY = range(4, 7)  # for these kills
VISITORS = 6
HEADERS = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}


class Crowd:
    """Visitors who sign up one after the other. Whoever gets no answer tries again, as people do.

    `answered` has the addresses that were told "received", `refused` every other status.
    """

    def __init__(self, web: WebProcess) -> None:
        self.answered: list[str] = []
        self.refused: list[int] = []
        self._web = web
        self._numbers = itertools.count()
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            email = f"{next(self._numbers)}@example.com"
            while not self._sign_up(email):
                """The connection broke off, or was never taken."""

    def _sign_up(self, email: str) -> bool:
        with suppress(requests.RequestException):
            sent = {"email": email}
            url = f"{self._web.url}/f/news"
            status = requests.post(url, data=sent, headers=HEADERS, timeout=20).status_code
            if status == 202:
                self.answered.append(email)
            else:
                self.refused.append(status)
            return True
        return False

    def end(self) -> None:
        self._ended.set()


@pytest.mark.slow
def test_ten_kills_under_load_lose_and_double_nobody_and_stop_no_one_else(tmp_path: Path) -> None:
    chance = random.Random(10)
    several = {"RELAY_WEB_PROCESSES": "3", "RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0"}
    with ValkeyServer(tmp_path / "valkey") as server:
        _save_form(server)
        with (
            WebProcess(server, tmp_path / "web", several) as web,
            ThreadPoolExecutor(VISITORS) as threads,
        ):
            crowd = Crowd(web)
            running = [threads.submit(crowd.run) for _ in range(VISITORS)]
            try:
                others = _kill_again_and_again(web, server, crowd, chance)
            finally:
                crowd.end()
                server.thaw()
            for each in running:
                each.result(timeout=60)
            eventually(lambda: _spooled(tmp_path / "web") == 0, within=60, what="draining")
            found = _signed_up(server)
    assert crowd.refused == []
    assert len(crowd.answered) > 100
    assert found == Counter([*crowd.answered, *others])


def _save_form(server: ValkeyServer) -> None:
    with server.client() as client:
        open_ledger(client)
        registry = Registry(client)
        registry.save_account(builders.account())
        registry.save_form(builders.form())


def _kill_again_and_again(
    web: WebProcess, server: ValkeyServer, crowd: Crowd, chance: random.Random
) -> list[str]:
    """Kill a serving process at ten random moments; return who else has signed up meanwhile."""
    others: list[str] = []
    newest = 0
    for kill in range(KILLS):
        if kill == REDIS_IS_AWAY.start:
            server.stop()
        if kill == REDIS_IS_AWAY.stop:
            server.start()
        moment = len(crowd.answered) + chance.randint(1, 40)
        eventually(lambda: len(crowd.answered) >= moment, within=60, what="traffic")  # noqa: B023
        before = web.serving()
        # Granian takes it for a crash loop when the same one dies twice within six seconds.
        victim = chance.choice(sorted(before - {newest}))
        living = [web.connection_to(pid) for pid in before - {victim}]
        os.kill(victim, signal.SIGKILL)
        for number, connection in enumerate(living):
            others.append(_sign_up(connection, f"other-{kill}-{number}@example.com"))
        eventually(lambda: bool(web.serving() - before), within=20, what="the successor")  # noqa: B023
        [newest] = web.serving() - before
        others.append(_sign_up(web.connection_to(newest), f"successor-{kill}@example.com"))
    return others


def _sign_up(connection: "http.client.HTTPConnection", email: str) -> str:
    with closing(connection):
        connection.request("POST", "/f/news", urlencode({"email": email}), HEADERS)
        assert connection.getresponse().status == 202
    return email


def _spooled(folder: Path) -> int:
    found = spool_file.peek(folder / "spool", datetime.now(UTC))
    return found[1].count if found else 0


def _signed_up(server: ValkeyServer) -> Counter[str]:
    """Return how many sign-ups the ledger has of each address."""
    found: Counter[str] = Counter()
    with server.client() as client:
        for record in all_records(client, "relay:{acme}:signup:*"):
            found[record["contact"]["fields"]["email_address"]] += 1
    return found
