"""Redis refuses, each time for another reason: status and doctor say which one and what to do,
visitors notice nothing, and everything goes on by itself."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import timedelta
from unittest import mock

import pytest
import redis

from shared.doctor.doctor import make_doctor
from shared.infrastructure.settings import Settings
from shared.ledger.redis_server.redis_problems import code_of
from tests.support.redis_settings import configured
from tests.support.stack import Stack, eventually
from tests.support.valkey_server import PASSWORD

pytestmark = pytest.mark.slow

Fault = Callable[[Stack, "redis.Redis"], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One product for all of them."""
    with Stack(tmp_path_factory.mktemp("says") / "stack", rate=100) as stack:
        stack.open()
        stack.start("beat")
        stack.start_workers()
        assert stack.post(email="first@example.com").status_code == 202
        yield stack


@contextmanager
def unable_to_save(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    in_the_way = stack.valkey.data_dir / "dump.rdb"
    in_the_way.mkdir()
    admin.config_set("save", "3600 1")
    admin.bgsave()
    eventually(lambda: admin.info("persistence")["rdb_last_bgsave_status"] == "err", what="failing")
    yield
    in_the_way.rmdir()
    admin.config_set("save", "")
    admin.bgsave()


@contextmanager
def busy(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    admin.config_set("busy-reply-threshold", 50)

    def loop() -> None:
        with stack.valkey.client() as client, suppress(redis.RedisError):
            client.eval("while true do end", 0)

    thread = threading.Thread(target=loop)
    thread.start()
    eventually(lambda: says(stack, "BUSY"), what="being busy")
    yield
    admin.script_kill()
    thread.join()


def says(stack: Stack, code: str) -> bool:
    with stack.valkey.client() as client:
        try:
            client.ping()
        except redis.RedisError as error:
            return code_of(error) == code
    return False


@contextmanager
def loading(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    """The server takes five seconds more to load what it has."""
    with stack.valkey.client(5) as other:
        for number in range(500):
            other.set(f"large {number}", os.urandom(2000))
    admin.bgrewriteaof()
    eventually(lambda: not rewriting(admin), what="rewriting")
    stack.valkey.kill()
    slow = ("--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024")
    command = [*stack.valkey.command(), *slow]
    with mock.patch.object(stack.valkey, "command", lambda: command):
        starting = threading.Thread(target=stack.valkey.start)
        starting.start()
        eventually(lambda: says(stack, "LOADING"), what="loading")
        yield
        starting.join()
    with stack.valkey.client(5) as other:
        other.flushdb()


def rewriting(admin: "redis.Redis") -> bool:
    found = admin.info("persistence")
    return bool(found["aof_rewrite_in_progress"] or found["aof_rewrite_scheduled"])


def full(_: Stack, admin: "redis.Redis") -> AbstractContextManager[None]:
    return configured(admin, "maxmemory", 1)


@contextmanager
def replica(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    admin.replicaof("127.0.0.1", "1")
    yield
    admin.replicaof("NO", "ONE")


@contextmanager
def replica_without_data(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    with configured(admin, "replica-serve-stale-data", "no"), replica(stack, admin):
        yield


def without_replicas(_: Stack, admin: "redis.Redis") -> AbstractContextManager[None]:
    return configured(admin, "min-replicas-to-write", 3)


@contextmanager
def another_password(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    with configured(admin, "requirepass", "another one"):
        drop_the_others(admin)
        yield


@contextmanager
def no_right_to_write(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    admin.acl_setuser("default", enabled=True, commands=["-set"])
    yield
    admin.acl_setuser("default", enabled=True, commands=["+set"])


@contextmanager
def out_of_connections(stack: Stack, admin: "redis.Redis") -> Iterator[None]:
    with configured(admin, "maxclients", 1):
        drop_the_others(admin)
        yield


def drop_the_others(admin: "redis.Redis") -> None:
    admin.client_kill_filter(_type="normal", skipme=True)


CASES = [
    (unable_to_save, "could not save its data to its disk (MISCONF)", "free space"),
    (busy, "busy with a script that has run for too long (BUSY)", "SCRIPT KILL"),
    (loading, "still loads its data (LOADING)", "Wait"),
    (full, "The memory of Redis is full (OOM)", "Raise maxmemory"),
    (replica, "a replica", "the primary"),
    (replica_without_data, "a replica that lost its primary (MASTERDOWN)", "the primary"),
    (without_replicas, "too few replicas are connected (NOREPLICAS)", "min-replicas-to-write"),
    (another_password, "refuses the user name or the password (WRONGPASS)", "Correct REDIS_URL"),
    (no_right_to_write, "may not run SET", "ACL SETUSER"),
    (out_of_connections, "Redis has no connection left", "maxclients"),
]
# Each takes some seconds. The others are tried by `make test-slow`.
IN_EVERY_RUN = {"full", "another_password", "replica_without_data"}
# These do not keep `relay status` from reading all that it shows.
READS_ALL_THE_SAME = {full, replica, without_replicas, unable_to_save}


@pytest.mark.parametrize(
    ("fault", "what", "fix"),
    [
        pytest.param(*case, id=name, marks=() if name in IN_EVERY_RUN else pytest.mark.slow)
        for case in CASES
        for name in [case[0].__name__]
    ],
)
def test_what_redis_says_is_told(stack: Stack, fault: Fault, what: str, fix: str) -> None:
    email = f"{fault.__name__}@example.com"
    with stack.valkey.client().client() as admin:  # type: ignore[no-untyped-call]  # one, that stays
        admin.ping()
        with fault(stack, admin):
            assert stack.post(email=email).status_code == 202
            eventually(lambda: what in stack.log, what="a line in the log")
            found = doctor_says(stack)
            assert what in found and fix in found, found
            if fault is not no_right_to_write:  # of which status uses none
                said = stack.relay("status", status=0 if fault in READS_ALL_THE_SAME else 1)
                assert what in said and fix in said, said
                assert "Web keeps new sign-ups on its own disk while there is room" in said
    eventually(lambda: email in stack.deliveries(), within=90, what="delivery")
    stack.assert_accounted_for()


def doctor_says(stack: Stack) -> str:
    """Return what the doctor says of Redis."""
    checks = make_doctor(Settings.from_env(stack.environ)).examine(within=timedelta(seconds=20))
    wrong = [check for check in checks if check.name.startswith("redis") and check.verdict != "ok"]
    return "\n".join(f"{check.found} {check.fix}" for check in wrong)


def test_every_process_says_at_its_start_what_is_wrong(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    stack.set(REDIS_URL=stack.valkey.url().replace(PASSWORD, "not-this-one"))
    stack.start_web()
    stack.start("worker")
    stack.start("beat")
    for process in ("web", "worker", "beat"):
        said = re.compile(rf"^\S+ {process} .*\(WRONGPASS\)", re.MULTILINE)
        eventually(lambda said=said: said.search(stack.log) is not None, what=process)  # type: ignore[misc]
    assert "not-this-one" not in stack.log
