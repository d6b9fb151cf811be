"""A ledger that a newer version has used is refused by every process and command, untouched."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from shared.domain.errors import Refused
from shared.infrastructure.settings import Settings
from shared.ledger import keys
from shared.ledger.format import NEWEST
from tests.support.command_line import CommandLine
from tests.support.dumps.loader import FORMAT_1, everything, restore, restore_folder
from tests.support.ports import free_port
from tests.support.valkey_server import ValkeyServer
from web.server.processes import serve

REFUSAL = f"The ledger has format {NEWEST + 1}; this version of signup-relay knows formats up to"


@pytest.fixture
def newer(redis_client: "redis.Redis", tmp_path: Path) -> "redis.Redis":
    restore(FORMAT_1, redis_client, tmp_path)
    redis_client.hset(keys.FORMAT, "number", NEWEST + 1)
    return redis_client


@pytest.mark.parametrize("command", ["web", "worker", "beat", "up"])
def test_no_process_starts(
    command: str, newer: "redis.Redis", valkey: ValkeyServer, tmp_path: Path
) -> None:
    before = everything(newer)
    environ = {
        "PATH": os.environ["PATH"],
        "REDIS_URL": valkey.url(),
        "CTCT_CLIENT_ID": "test-key",
        "CTCT_CLIENT_SECRET": "test-secret",
        "RELAY_DATA_DIR": str(tmp_path),
        "RELAY_BIND": f"127.0.0.1:{free_port()}",
        "RELAY_SECRET_KEY": "a secret only for tests",
    }
    ended = subprocess.run(
        [sys.executable, "-m", "relay", command],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert REFUSAL in ended.stderr
    assert "Traceback" not in ended.stderr
    assert everything(newer) == before


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "doctor",
        "failed list",
        "failed retry --all --yes",
        "forms disable news",
        "hold acme --reason nothing",
        "connect acme --url",
        "operator list",
        "rotate-secrets",
    ],
)
def test_no_command_does_anything(
    command: str, run: CommandLine, redis_client: "redis.Redis", newer: "redis.Redis"
) -> None:
    before = everything(newer)
    ended = run(*command.split())
    assert (ended.status, ended.out) == (1, "")
    assert REFUSAL in ended.err
    assert everything(newer) == before


def test_web_does_not_start_on_a_newer_spool(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    redis_client.flushdb()
    restore_folder(FORMAT_1, settings.data_dir, lambda text: text)
    with sqlite3.connect(settings.spool_folder / "sign-ups.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 2")
    with pytest.raises(Refused, match=r"The spool in .* has format 2; .* formats up to 1\."):
        serve(settings)
    assert not everything(redis_client)


def test_web_does_not_start_with_newer_forms(
    settings: Settings, redis_client: "redis.Redis"
) -> None:
    redis_client.flushdb()
    settings.data_dir.mkdir()
    (settings.data_dir / "forms.json").write_text('{"format": 2, "forms": []}')
    with pytest.raises(Refused, match=r"The form cache .* has format 2; .* formats up to 1\."):
        serve(settings)
    assert not everything(redis_client)


def test_the_doctor_still_tells_that_redis_is_away(run: CommandLine) -> None:
    run.set(REDIS_URL="redis://127.0.0.1:9/0")
    ended = run("doctor")
    assert ended.status == 1
    assert "Redis" in ended.out
