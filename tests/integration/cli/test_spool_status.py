"""`relay status` shows what waits on web hosts' disks, apart from what the ledger has."""

import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest
import redis

from shared.infrastructure.timestamps import utc_now
from shared.ledger.ledger import Ledger
from shared.ledger.spools import SpoolFigures
from tests.support import builders
from tests.support.command_line import CommandLine
from tests.support.ports import free_port
from web.signup.checked_signup import CheckedSignup
from web.signup.spool import Spool


@pytest.fixture
def ledger(redis_client: "redis.Redis") -> Ledger:
    return Ledger(redis_client)


@pytest.fixture
def spool(tmp_path: Path, run: CommandLine) -> Spool:
    """The spool of the web that runs on this host."""
    run.set(RELAY_DATA_DIR=str(tmp_path / "relay"))
    return Spool(
        tmp_path / "relay" / "spool", limit=10_000, now=lambda: utc_now() - timedelta(minutes=3)
    )


def keep(spool: Spool, email: str) -> None:
    entry = CheckedSignup(
        submission=builders.submission(email), compared_email=email, idempotency_key=None
    )
    spool.add(entry)


def figures(count: int, refused: int = 0) -> SpoolFigures:
    return SpoolFigures(count=count, bytes=900, oldest=timedelta(minutes=1), refused=refused)


def test_every_hosts_spool_is_listed_and_summed(
    run: CommandLine, spool: Spool, ledger: Ledger
) -> None:
    keep(spool, "ada@example.com")
    ledger.spools.note("id-1", "web-1", figures(5))
    ledger.spools.note("id-2", "web-2", figures(2, refused=1))

    status = run("status", "--json").json

    assert status["spooled"] == 8
    spools = {each["host"]: each for each in status["spools"]}
    assert {host: each["count"] for host, each in spools.items()} == {
        "web-1": 5,
        "web-2": 2,
        socket.gethostname(): 1,
    }
    assert (spools["web-1"]["bytes"], spools["web-2"]["refused"]) == (900, 1)
    assert 60 <= spools["web-1"]["oldest_seconds"] < 90
    assert 0 <= spools["web-1"]["seen_seconds"] < 30
    mine = spools[socket.gethostname()]
    assert 180 <= mine["oldest_seconds"] < 210
    assert mine["seen_seconds"] == 0

    shown = run("status").out
    assert "On the disk of web-1: 5 sign-ups" in shown
    assert "1 of them could not be handed over" in shown
    assert "ada@example.com" not in shown


def test_this_hosts_own_disk_counts_for_more_than_what_it_told(
    run: CommandLine, spool: Spool, ledger: Ledger
) -> None:
    keep(spool, "ada@example.com")
    ledger.spools.note(spool.identity(), "its name before", figures(7))
    assert run("status", "--json").json["spooled"] == 1
    spool.remove(spool.first(10))
    assert run("status", "--json").json["spools"] == []


def test_while_redis_is_away_status_fails_and_tells_what_waits_here(
    run: CommandLine, spool: Spool
) -> None:
    keep(spool, "ada@example.com")
    run.set(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    ended = run("status")
    assert ended.status == 1
    assert "1 sign-up on this host's disk. Nothing is lost" in ended.err
    assert "Redis does not answer" in ended.err
    scripts = run("status", "--json")
    assert (scripts.status, scripts.json["spooled"], scripts.json["accounts"]) == (1, 1, None)


@pytest.mark.impatient
@pytest.mark.parametrize("command", ["status", "doctor"])
def test_a_redis_that_hangs_is_not_waited_for(run: CommandLine, spool: Spool, command: str) -> None:
    keep(spool, "ada@example.com")
    with socket.create_server(("127.0.0.1", 0)) as hangs:
        address = f"redis://127.0.0.1:{hangs.getsockname()[1]}"
        run.set(REDIS_URL=f"{address}/0", RELAY_BROKER_URL=f"{address}/1")
        began = time.monotonic()
        ended = run(command)
        took = time.monotonic() - began
    assert ended.status == 1
    assert "Redis does not answer in time" in ended.out + ended.err
    assert "1 sign-up on this host's disk. Nothing is lost" in ended.err
    assert took < 2  # 0.3 s for Redis and 0.5 s for the doctor's rest; more on a busy machine


def test_an_empty_spool_is_not_worth_a_word(run: CommandLine) -> None:
    run.set(REDIS_URL=f"redis://127.0.0.1:{free_port()}/0")
    ended = run("status", "--json")
    assert (ended.status, ended.json["spooled"]) == (1, 0)
    assert "this host's disk" not in ended.err
