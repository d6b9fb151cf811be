"""A copy that is taken under load, with the commands of docs/backup.md, and restored into an empty
server: every sign-up that was answered before is there, in one state, and what is due arrives."""

import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing

import pytest

from shared.domain.signup import State
from shared.ledger.ledger import Ledger
from tests.architecture.project import read
from tests.support.stack import Stack, eventually
from tests.support.traffic import Traffic
from tests.support.valkey_server import PASSWORD, ValkeyServer

pytestmark = pytest.mark.slow

SPOOL = "## Copy a web's spool"
WITH_THE_TOOL = "### With the server's own tool"
AS_FILES = "### As files, with the embedded Valkey of `relay up`"
COUNTED_AS = {State.QUEUED: "due", State.DELIVERING: "due", State.RETRYING: "due"}
UNTOUCHED = ("delivered", "dead", "quarantined", "discarded")
DEAD = 3


def commands(heading: str) -> str:
    """Return the commands that the document has first under this heading."""
    _, _, part = read("docs/backup.md").partition(f"{heading}\n")
    return part.partition("```sh\n")[2].partition("\n```\n")[0]


def copy(stack: Stack, heading: str) -> None:
    """Do what the document says, where `.relay` is what `relay up` would have there."""
    server = {"HOST": "127.0.0.1", "PORT": str(stack.valkey.port), "PASSWORD": PASSWORD}
    script = ["sh", "-e", "-c", commands(heading)]
    subprocess.run(script, cwd=stack.folder, env={**os.environ, **server}, check=True, timeout=60)


def restore(stack: Stack) -> None:
    """Start an empty server and a new web's folder with the copies, as the document says."""
    backup, server, data = (stack.folder / name for name in ("backup", "server", "data-2"))
    stack.valkey = ValkeyServer(server)
    if (backup / "ledger.rdb").exists():
        shutil.copy(backup / "ledger.rdb", server / "appendonly.aof")
    else:
        shutil.copytree(backup / "appendonlydir", server / "appendonlydir")
    shutil.copytree(backup / "spool", data / "spool")
    stack.set(RELAY_DATA_DIR=str(data))
    stack.valkey.start()


def states(stack: Stack, ids: Iterable[str]) -> dict[str, str]:
    """Return what each sign-up is counted as; without those that the ledger does not have."""
    with stack.valkey.client() as client:
        found = [Ledger(client).find(id, ["acme"]) for id in ids]
    return {each.id: COUNTED_AS.get(each.state, each.state) for each in found if each}


def assert_counted(stack: Stack, found: dict[str, str]) -> None:
    """The ledger has these sign-ups and no others, each in the state that it is counted in."""
    account, counts = stack.account(), Counter(found.values())
    assert account["accepted"] == counts.total()
    for state in ("due", *UNTOUCHED):
        assert account[state] == counts[state], (state, account, counts)
    for command, state in (("failed", "dead"), ("quarantine", "quarantined")):
        listed = {each["id"] for each in stack.json(command, "list")}
        assert listed == {id for id in found if found[id] == state}


def in_spool(stack: Stack) -> set[str]:
    with closing(sqlite3.connect(stack.folder / "data-2" / "spool" / "sign-ups.sqlite3")) as file:
        return {id for (id,) in file.execute("SELECT id FROM spooled")}


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A product that gets more sign-ups than it may deliver."""
    stack = make_stack(rate=1000, CTCT_REQUESTS_PER_SECOND="10", RELAY_LEASE_SECONDS="3")
    (stack.folder / "data").mkdir()
    (stack.folder / ".relay").symlink_to("data")
    (stack.folder / "data" / "valkey").symlink_to(stack.valkey.data_dir)
    stack.connect()
    stack.add_form()
    with stack.valkey.client() as client:
        client.config_set("repl-diskless-sync-delay", 0)  # the tool would wait for five seconds
    return stack


def refresh_tokens(stack: Stack) -> None:
    stack.relay("doctor", "--refresh", status=1)  # it misses beat


def quarantine_some(stack: Stack) -> list[str]:
    """Have three in quarantine, and discard the first of them."""
    ids = [stack.post(email=f"robot-{n}@example.com", _gotcha="x").json()["id"] for n in range(3)]
    stack.relay("quarantine", "discard", ids[0], "--yes")
    return ids


@pytest.mark.parametrize("way", [WITH_THE_TOOL, pytest.param(AS_FILES, marks=pytest.mark.slow)])
def test_a_copy_taken_under_load_has_every_signup_that_was_answered(stack: Stack, way: str) -> None:
    processes = [stack.start_web(), *stack.start_workers(2)]
    caught = quarantine_some(stack)
    stack.sandbox.control(path="/v3/contacts/sign_up_form", count=DEAD, status=400)
    with Traffic(stack) as visitors:
        wait_for_more(visitors, 100)
        stack.valkey.freeze()
        wait_for_more(visitors, 3)  # on web's disk
        before = {*caught, *visitors.ids}
        copy(stack, SPOOL)
        stack.valkey.thaw()
        copy(stack, way)
        wait_for_more(visitors, 10)
    refresh_tokens(stack)  # so the refresh token in the copy is used up
    stack.valkey.kill()
    for process in processes:
        stack.kill(process)

    restore(stack)
    told = [*caught, *visitors.ids]
    copied, spooled = states(stack, told), in_spool(stack)
    assert before <= copied.keys() | spooled
    assert set(copied.values()) == {"due", *UNTOUCHED}
    assert_counted(stack, copied)
    refresh_tokens(stack)
    assert stack.account()["connection"] in ("failing", "revoked")  # and yet all is delivered
    stack.set(CTCT_REQUESTS_PER_SECOND="1000")
    stack.start_web()
    stack.start_workers(2)
    eventually(lambda: not in_spool(stack) and stack.settled(), what="delivering what is due")

    restored = states(stack, told)
    assert restored == dict.fromkeys(spooled, "delivered") | {
        id: "delivered" if state == "due" else state for id, state in copied.items()
    }
    assert_counted(stack, restored)
    sent = stack.deliveries()
    for id, email in zip(visitors.ids, visitors.accepted, strict=True):
        most = 1 if copied.get(id) == "delivered" else 2
        if restored.get(id) == "delivered":
            assert 1 <= len(sent.get(email, [])) <= most, email


def wait_for_more(visitors: Traffic, count: int) -> None:
    enough = len(visitors.accepted) + count
    eventually(lambda: len(visitors.accepted) >= enough, what="more sign-ups")
