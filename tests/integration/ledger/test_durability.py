"""A server that could lose sign-ups is recognised; one that keeps them is not reported."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import requests

from shared.domain.errors import LedgerUnavailable, Refused
from shared.infrastructure.redis_urls import connect
from shared.ledger.ledger import Ledger
from shared.ledger.redis_server.durability import demand_fsync, durability_problems
from shared.ledger.stores.registry import Registry
from tests.support import builders
from tests.support.builders import accept
from tests.support.redis_server import RedisServer
from tests.support.stack import eventually
from tests.support.valkey_server import MEMORY, ValkeyServer
from tests.support.web_process import WebProcess


@pytest.fixture
def careless(tmp_path: Path) -> Iterator["redis.Redis"]:
    """A server with the defaults that many have."""
    with ValkeyServer(tmp_path) as server, server.client() as client:
        client.config_set("appendonly", "no")
        client.config_set("maxmemory-policy", "allkeys-lru")
        yield client


def test_the_embedded_server_keeps_everything(redis_client: "redis.Redis") -> None:
    assert durability_problems(redis_client) == []


def test_the_embedded_server_does_not_outgrow_the_machine(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path) as server, server.client() as client:
        assert client.config_get("maxmemory") == {"maxmemory": str(MEMORY)}


def test_the_settings_that_a_careless_server_needs_are_named(careless: "redis.Redis") -> None:
    problems = " ".join(durability_problems(careless))
    assert "appendonly yes" in problems
    assert "maxmemory-policy noeviction" in problems


def test_a_server_that_does_not_answer_is_not_judged() -> None:
    assert durability_problems(connect("redis://127.0.0.1:9/0", socket_connect_timeout=0.5)) == []


# --- RELAY_ACCEPT_FSYNC


def test_the_embedded_server_can_tell_what_is_on_its_disk(redis_client: "redis.Redis") -> None:
    demand_fsync(redis_client)


@pytest.mark.parametrize(
    ("server", "setting", "words"),
    [
        pytest.param(RedisServer, {}, "does not know WAITAOF", id="Redis 7.0"),
        pytest.param(ValkeyServer, {"appendonly": "no"}, "append-only file off", id="not kept"),
    ],
)
def test_web_does_not_start_where_answers_cannot_wait_for_the_disk(
    tmp_path: Path, server: type[ValkeyServer], setting: dict[str, str], words: str
) -> None:
    with server(tmp_path) as running, running.client() as client:
        for name, value in setting.items():
            client.config_set(name, value)
        web = WebProcess(running, tmp_path / "web", {"RELAY_ACCEPT_FSYNC": "1"}).command()
        _, said = web.communicate(timeout=60)
    assert web.returncode != 0
    why = said.splitlines()[-1]
    assert "RELAY_ACCEPT_FSYNC is 1" in why
    assert words in why


def test_a_server_that_forbids_waitaof_is_reported(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path) as server, server.client() as client:
        client.acl_setuser("limited", enabled=True, nopass=True, commands=["+@all", "-waitaof"])
        url = server.url().replace("redis://:", "redis://limited:")
        with pytest.raises(Refused, match="does not let WAITAOF be used"):
            demand_fsync(connect(url))


def test_web_starts_while_redis_is_away_and_reports_the_problem_later(tmp_path: Path) -> None:
    """Until somebody acts, web's disk keeps every sign-up before it is answered."""
    server = RedisServer(tmp_path)
    with WebProcess(server, tmp_path / "web", {"RELAY_ACCEPT_FSYNC": "1"}) as web, server:
        said = web.process.stderr
        assert said is not None
        assert any("does not know WAITAOF" in line for line in iter(said.readline, ""))
        with server.client() as client:
            Registry(client).save_account(builders.account())
            Registry(client).save_form(builders.form())
            answer = requests.post(f"{web.url}/f/news", json={"email": "a@example.com"}, timeout=10)
            assert answer.status_code == 202
            ledger = Ledger(client)
            eventually(lambda: not ledger.spools.all() and ledger.figures("acme").due == 1)


def test_nobody_is_answered_before_the_sign_up_is_on_disk(tmp_path: Path) -> None:
    with ValkeyServer(tmp_path) as server, server.client() as client:
        client.config_set("appendfsync", "no")  # the system writes it within half a minute or so
        with pytest.raises(LedgerUnavailable, match="disk"):
            accept(Ledger(client, fsync=True))
        client.config_set("appendfsync", "always")
        assert accept(Ledger(client, fsync=True))
