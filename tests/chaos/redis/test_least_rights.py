"""The whole product runs with exactly the rights in Redis that docs/redis.md names."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from shared.doctor.doctor import make_doctor
from shared.domain.check import Check
from shared.infrastructure import queues
from shared.infrastructure.settings import Settings
from shared.ledger.redis_server.rights import LEDGER_RIGHTS, broker_rights
from tests.architecture.project import read
from tests.chaos.worker.test_broker import raw
from tests.support.stack import Stack, eventually

MakeStack = Callable[..., Stack]
# Left out of the documented rights on purpose: without them the doctor knows less of the server.
ONLY_TOLD_MORE = {"info", "config|get", "client|setinfo"}


def documented(title: str) -> list[str]:
    """Return the rules of the ACL SETUSER in the section of docs/redis.md."""
    section = read("docs/redis.md").partition(f"### {title}\n")[2]
    command = re.search(r"```\nACL SETUSER relay (.*?)\n```", section, re.DOTALL)
    assert command is not None, title
    return command[1].replace("PASSWORD", "pw").replace("\\\n", " ").split()


BOTH = "One user for both"


class Limited:
    """A stack in which every process is the Redis user `relay`, with these rules alone."""

    def __init__(self, stack: Stack, rules: list[str]) -> None:
        self.stack = stack
        self._rules = rules
        self.give_rights()
        port = stack.valkey.port
        stack.set(REDIS_URL=f"redis://relay:pw@127.0.0.1:{port}/0")

    def give_rights(self, *more: str) -> None:
        with self.stack.valkey.client() as admin:
            admin.execute_command("ACL", "SETUSER", "relay", *self._rules, *more)

    def restart_redis(self) -> None:
        self.stack.valkey.kill()
        assert self.stack.post(email="spooled@example.com").status_code == 202
        self.stack.valkey.start()
        self.give_rights()

    def refused(self) -> set[str]:
        """Return what Redis refused: commands, keys and channels."""
        with self.stack.valkey.client() as admin:
            log = admin.execute_command("ACL", "LOG", "1000")
        entries = [dict(zip(entry[::2], entry[1::2], strict=True)) for entry in as_lists(log)]
        # After a restart, there is no such user for a moment.
        return {entry["object"] for entry in entries if entry["reason"] != "auth"}


def as_lists(log: list[object]) -> Iterator[list[str]]:
    for entry in log:
        if isinstance(entry, dict):
            yield [each for pair in entry.items() for each in pair]
        elif isinstance(entry, list):
            yield entry


@pytest.mark.slow
def test_the_whole_product_works_with_the_documented_rights(make_stack: MakeStack) -> None:
    stack = make_stack(rate=100, RELAY_VISITOR_LIMIT="1000/minute")
    limited = Limited(stack, documented(BOTH))
    stack.open()
    stack.start("beat")
    [worker] = stack.start_workers()
    people = {"ada@example.com", "spooled@example.com"}
    assert stack.post(email="ada@example.com").status_code == 202
    eventually(lambda: "ada@example.com" in stack.deliveries(), what="delivery")
    assert limited.refused() <= ONLY_TOLD_MORE  # the restart forgets them
    limited.restart_redis()
    eventually(lambda: people <= set(stack.deliveries()), what="draining")
    eventually(stack.settled, what="settling")
    assert stack.post(email="caught@example.com", _gotcha="x").status_code == 202
    stack.relay("quarantine", "deliver", "--all")
    eventually(lambda: "caught@example.com" in stack.deliveries(), what="delivery all the same")
    use_every_command(stack)
    assert stack.account()["delivered"] == 3
    stack.assert_accounted_for()
    stack.relay("forms", "remove", "news", "--yes")
    stack.relay("accounts", "remove", "acme", "--yes")
    assert worker.poll() is None
    assert limited.refused() <= ONLY_TOLD_MORE
    assert "the broker refuses" not in stack.log


def use_every_command(stack: Stack) -> None:
    """Do what operators do."""
    for command in (
        ["status"], ["accounts"], ["forms", "list"], ["forms", "show", "news"], ["alerts", "list"],
        ["failed", "list"], ["quarantine", "list"], ["hold", "acme", "--reason", "a pause"],
        ["release", "acme"], ["lists", "acme"], ["snippet", "news"], ["forms", "disable", "news"],
        ["forms", "enable", "news"], ["operator", "add", "ada", "--role", "admin"],
        ["rotate-secrets"],
    ):  # fmt: skip
        stack.relay(*command)
    assert {name: check.verdict for name, check in rights(stack).items()} == {
        "redis_rights": "ok",
        "broker_rights": "ok",
    }


def rights(stack: Stack) -> dict[str, Check]:
    doctor = make_doctor(Settings.from_env(stack.environ))
    checks = doctor.examine(within=timedelta(seconds=30))
    return {check.name: check for check in checks if check.name.endswith("_rights")}


@pytest.mark.slow
def test_a_worker_without_rights_to_the_broker_is_quiet_and_delivers(make_stack: MakeStack) -> None:
    stack = make_stack(rate=100, RELAY_TASK_EVENTS="1")
    broker_keys = {"~deliver", "~tokens", "~upkeep", "~_kombu.binding*"}
    Limited(stack, [rule for rule in documented(BOTH) if rule not in broker_keys])
    stack.open()
    [worker] = stack.start_workers()
    stack.start("beat")
    before = len(stack.log.splitlines())
    began = time.monotonic()
    for number in range(5):
        email = f"person-{number}@example.com"
        assert stack.post(email=email).status_code == 202
        eventually(lambda email=email: email in stack.deliveries(), what="delivery")  # type: ignore[misc]
    eventually(lambda: time.monotonic() - began > 15, what="some tries")
    lines = stack.log.splitlines()[before:]
    said = [line for line in stack.log.splitlines() if "the broker refuses" in line]
    assert len(said) == 1 and "The user of RELAY_BROKER_URL may not use some of the keys" in said[0]
    assert len(lines) < 40, lines
    assert worker.poll() is None
    assert rights(stack)["broker_rights"].verdict == "problem"
    stack.assert_accounted_for()


@pytest.mark.slow
def test_a_worker_is_quiet_with_no_right_to_any_channel(make_stack: MakeStack) -> None:
    stack = make_stack(rate=100)
    Limited(stack, ["on", ">pw", "~*", "resetchannels", "+@all", "-@dangerous"])
    stack.open()
    stack.start_workers()
    stack.start("beat")
    before = len(stack.log.splitlines())
    assert stack.post(email="ada@example.com").status_code == 202
    eventually(lambda: "ada@example.com" in stack.deliveries(), what="delivery")
    began = time.monotonic()
    eventually(lambda: time.monotonic() - began > 5, what="some seconds")
    assert len(stack.log.splitlines()[before:]) < 10, stack.log


@pytest.mark.slow
def test_two_users_need_no_rights_of_each_other(make_stack: MakeStack) -> None:
    stack = make_stack(rate=100, RELAY_TASK_EVENTS="1")
    limited = Limited(stack, ["on", ">pw", "resetchannels", *LEDGER_RIGHTS.as_rules().split()])
    of_the_broker = broker_rights(task_events=True).as_rules().split()
    with stack.valkey.client() as admin:
        admin.execute_command(
            "ACL", "SETUSER", "celery", "on", ">pw", "resetchannels", *of_the_broker
        )
    stack.set(RELAY_BROKER_URL=f"redis://celery:pw@127.0.0.1:{stack.valkey.port}/1")
    stack.open()
    stack.start("beat")
    stack.start_workers()
    assert stack.post(email="ada@example.com").status_code == 202
    eventually(lambda: "ada@example.com" in stack.deliveries(), what="delivery")
    with stack.valkey.client(1) as broker:
        wake_up = raw(b"[[], {}, {}]", task=queues.WAKE)
        broker.lpush(queues.UPKEEP_QUEUE, wake_up)
        eventually(lambda: not broker.llen(queues.UPKEEP_QUEUE), what="taking messages")
    assert {check.verdict for check in rights(stack).values()} == {"ok"}
    assert limited.refused() <= ONLY_TOLD_MORE
    assert "the broker refuses" not in stack.log
