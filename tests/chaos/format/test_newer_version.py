"""A newer version takes the ledger over while processes of this one run."""

import sqlite3
from collections.abc import Callable

import pytest

from shared.ledger import keys
from shared.ledger.format import NEWEST
from tests.support.dumps.loader import everything
from tests.support.stack import Stack, eventually


def set_format(stack: Stack, number: int) -> None:
    with stack.valkey.client() as client:
        client.hset(keys.FORMAT, "number", number)


def spooled(stack: Stack) -> int:
    file = stack.folder / "data" / "spool" / "sign-ups.sqlite3"
    with sqlite3.connect(file) as connection:
        return int(connection.execute("SELECT count FROM spool").fetchone()[0])


def says_newer(stack: Stack, process: str) -> bool:
    lines = (line for line in stack.log.splitlines() if f" {process} " in line)
    return any("A newer version of signup-relay uses the ledger now" in line for line in lines)


@pytest.mark.slow
def test_they_change_nothing_more_and_keep_what_visitors_send(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(rate=100)
    stack.open()
    stack.start_workers()
    stack.start("beat")
    eventually(lambda: "beat wakes the workers" in stack.log, what="beat's start")
    assert stack.post(email="before@example.com").status_code == 202
    eventually(stack.settled, what="the delivery")
    set_format(stack, NEWEST + 1)
    with stack.valkey.client() as client:
        before = everything(client)
        assert stack.post(email="after@example.com").status_code == 202
        assert spooled(stack) == 1
        eventually(lambda: says_newer(stack, "worker"), what="the worker's word")
        eventually(lambda: says_newer(stack, "beat"), what="beat's word")
        after = everything(client)
        assert after.pop(keys.SPOOLS)  # the newer version is told of what waits on this disk
        assert after == before
    set_format(stack, NEWEST)  # a version that knows it goes on
    eventually(lambda: len(stack.deliveries()) == 2, what="the second delivery")
    stack.assert_accounted_for()


@pytest.mark.slow
def test_web_that_meets_redis_away_at_its_start_looks_when_it_is_back(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack(rate=100)
    web = stack.start_web()
    stack.connect()
    stack.add_form()
    assert stack.post(email="before@example.com").status_code == 202  # the form is on its disk now
    stack.kill(web)
    set_format(stack, NEWEST + 1)
    with stack.valkey.client() as client:
        before = everything(client)
    stack.valkey.stop()
    stack.start_web()
    stack.valkey.start()
    refusal = f"The ledger has format {NEWEST + 1}; this version of signup-relay knows"
    eventually(lambda: refusal in stack.log, what="the refusal")
    assert stack.post(email="kept@example.com").status_code == 202
    assert spooled(stack) == 1
    with stack.valkey.client() as client:
        found = everything(client)
    # Only this is still reported, so that the newer version shows what waits on this host's disk.
    found.pop(keys.SPOOLS, None)
    assert found == before
