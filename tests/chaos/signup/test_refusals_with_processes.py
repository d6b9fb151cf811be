"""Refusals that real web processes count, while they and Redis are killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from shared.ledger.format import open_ledger
from shared.ledger.stores.form_counts import FormCounts
from shared.ledger.stores.registry import Registry
from tests.support.builders import account, form
from tests.support.stack import eventually
from tests.support.valkey_server import ValkeyServer
from tests.support.web_process import WebProcess

HUNDRED = 100
OURS = "https://www.example.com"
# What is sent to which form, and under which code it counts.
REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "origin": (
        "shop",
        {"data": {"email": "ada@example.org"}, "headers": {"Origin": "https://x.example"}},
    ),
    "malformed": ("news", {"data": "{", "headers": {"Content-Type": "application/json"}}),
    "too_large": ("news", {"data": {"email": "x" * 70_000}}),
    "unsupported": ("news", {"data": "x", "headers": {"Content-Type": "image/png"}}),
    "disabled": ("closed", {"data": {"email": "ada@example.org"}}),
    "required": ("news", {"data": {"first_name": "Ada"}}),
    "invalid": ("news", {"data": {"email": "ada"}}),
    "too_long": ("news", {"data": {"email": "ada@example.org", "first_name": "x" * 999}}),
    "unknown_list": ("news", {"data": {"email": "ada@example.org", "_lists": "other"}}),
}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A server of this test's own, with three forms."""
    with ValkeyServer(tmp_path / "valkey") as server:
        with server.client() as client:
            open_ledger(client)
            registry = Registry(client)
            registry.save_account(account())
            for found in (
                form("news"),
                form("shop", origins=(OURS,)),
                form("closed", enabled=False),
            ):
                registry.save_form(found)
        yield server


@pytest.fixture
def web(server: ValkeyServer, tmp_path: Path) -> Iterator[Callable[..., WebProcess]]:
    """Start web processes, each with a folder of its own."""
    with ExitStack() as running:

        def start(name: str = "web", **environ: str) -> WebProcess:
            limits = {"RELAY_VISITOR_LIMIT": "0", "RELAY_PERSON_LIMIT": "0", **environ}
            return running.enter_context(WebProcess(server, tmp_path / name, limits))

        yield start


def post(web: WebProcess, to: str, sent: dict[str, Any]) -> int:
    wants_json = {"Accept": "application/json", **sent.get("headers", {})}
    answer = requests.post(
        f"{web.url}/f/{to}", **{**sent, "headers": wants_json}, timeout=20, allow_redirects=False
    )
    return answer.status_code


def refuse(web: WebProcess, code: str, times: int) -> None:
    to, sent = REFUSED[code]
    with ThreadPoolExecutor(4) as senders:
        statuses = list(senders.map(lambda _: post(web, to, sent), range(times)))
    assert min(statuses) >= 400


def counted(server: ValkeyServer) -> dict[str, int]:
    """Return the refusals of all forms by code."""
    with server.client() as client:
        figures = FormCounts(client).figures(Registry(client).forms(), ["acme"])
    return {code: times for each in figures for code, times in each.refused.items()}


def read_log(web: WebProcess) -> Iterator[str]:
    """Yield, again and again, all that web has logged so far."""
    assert web.process.stderr
    log, pipe = b"", web.process.stderr.fileno()
    os.set_blocking(pipe, False)
    while True:
        with suppress(BlockingIOError):
            log += os.read(pipe, 65536)
        yield log.decode()


@pytest.mark.slow
def test_two_web_processes_count_a_hundred_of_each_code_together(
    server: ValkeyServer, web: Callable[..., WebProcess]
) -> None:
    both = [web("one"), web("two")]
    for code in REFUSED:
        for each in both:
            refuse(each, code, HUNDRED // 2)
    last = time.monotonic()
    expected = dict.fromkeys(REFUSED, HUNDRED)
    eventually(lambda: counted(server) == expected, within=20, what="the last flush")
    assert time.monotonic() - last < 5  # as `relay status` promises
    with server.client() as client:
        kept = [each.last for each in FormCounts(client).histories(Registry(client).forms())]
    assert [len(last) for last in kept] == [20, 20, 20]


@pytest.mark.slow
def test_visitors_over_their_limit_count(
    server: ValkeyServer, web: Callable[..., WebProcess]
) -> None:
    limited = web(RELAY_VISITOR_LIMIT="2/hour")
    statuses = [
        post(limited, "news", {"data": {"email": f"ada{number}@example.org"}})
        for number in range(12)
    ]
    assert statuses == [202] * 2 + [429] * 10
    eventually(lambda: counted(server) == {"rate_limited": 10}, what="the flush")


@pytest.mark.slow
def test_nothing_is_lost_while_redis_is_away(
    server: ValkeyServer, web: Callable[..., WebProcess]
) -> None:
    without_disk = web(RELAY_SPOOL_BYTES="0")
    refuse(without_disk, "required", 10)
    eventually(lambda: counted(server) == {"required": 10}, what="the first flush")
    refuse(without_disk, "required", 10)
    server.kill()
    refuse(without_disk, "required", HUNDRED)
    sent = {"data": {"email": "ada@example.org"}}
    assert [post(without_disk, "news", sent) for _ in range(20)] == [503] * 20
    server.start()
    expected = {"unavailable": 20, "required": HUNDRED + 20}
    eventually(lambda: counted(server) == expected, what="the flush")


@pytest.mark.slow
def test_a_flush_whose_answer_came_too_late_counts_once(
    server: ValkeyServer, web: Callable[..., WebProcess]
) -> None:
    """The frozen server carries it out when it goes on, and web sends it again."""
    one = web()
    refuse(one, "invalid", 1)
    eventually(lambda: counted(server) == {"invalid": 1}, what="the first flush")
    refuse(one, "required", 20)
    server.freeze()  # within the second before the next flush
    logged = read_log(one)
    eventually(lambda: "counts of forms not flushed" in next(logged), what="the late answer")
    server.thaw()
    refuse(one, "invalid", 1)
    eventually(lambda: counted(server).get("invalid") == 2, what="the flush after it")
    assert counted(server) == {"invalid": 2, "required": 20}


def test_a_process_that_is_stopped_loses_nothing(
    server: ValkeyServer, web: Callable[..., WebProcess]
) -> None:
    one = web()
    refuse(one, "required", 50)
    one.process.terminate()
    assert one.process.wait(timeout=20) == 0
    assert counted(server) == {"required": 50}


@pytest.mark.slow
def test_a_process_that_is_killed_loses_only_what_was_not_flushed(
    server: ValkeyServer, web: Callable[..., WebProcess]
) -> None:
    both = [web("one"), web("two")]
    for each in both:
        refuse(each, "required", 50)
    eventually(lambda: counted(server) == {"required": 100}, what="the flush")
    refuse(both[0], "required", 7)
    os.kill(min(both[0].serving()), signal.SIGKILL)
    refuse(both[1], "required", 50)
    eventually(lambda: counted(server)["required"] >= 150, what="the flush of the other one")
    assert counted(server)["required"] in range(150, 158)
