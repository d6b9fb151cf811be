"""docs/redis.md names exactly the rights that the code needs, and all that Redis may say."""

import re

import pytest

from shared.ledger.redis_server.redis_problems import _BY_CODE
from shared.ledger.redis_server.rights import LEDGER_RIGHTS, broker_rights
from tests.architecture.project import ROOT, read

LEDGER = ROOT / "shared" / "ledger"
DOCUMENT = read("docs/redis.md")
# The doctor, and who erases somebody, ask for these, and for less without the right to them.
NOT_NEEDED = {"info", "config|get", "bgrewriteaof", "slowlog|reset"}
_IN_LUA = re.compile(r'redis\.p?call\(\s*"([A-Z]+)"')
_IN_PYTHON = re.compile(r"\b(?:client|_client|one|reads|calls|step|pipeline|writes)\.(\w+)\(")
# Methods of redis-py that are several commands, or none.
_SEVERAL = {
    "client": set(), "close": set(), "disconnect": set(), "execute": set(), "get_connection": set(),
    "execute_command": {"evalsha"}, "script_load": {"script|load"}, "pipeline": {"multi", "exec"},
    "transaction": {"watch", "multi", "exec", "unwatch"}, "multi": {"multi"},
    "lock": {"set", "evalsha"}, "scan_iter": {"scan"}, "delete": {"del"},
    "config_get": {"config|get"}, "slowlog_reset": {"slowlog|reset"},
}  # fmt: skip


def used_in_lua() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in LEDGER.rglob("*.lua"))
    return {name.lower() for text in texts for name in _IN_LUA.findall(text)}


def used_in_python() -> set[str]:
    texts = (path.read_text(encoding="utf-8") for path in LEDGER.rglob("*.py"))
    methods = {name for text in texts for name in _IN_PYTHON.findall(text)}
    return set().union(*(_SEVERAL.get(name, {name}) for name in methods))


def documented() -> set[str]:
    command = re.search(r"```\nACL SETUSER relay (.*?)```", DOCUMENT, re.DOTALL)
    assert command is not None
    return set(command[1].replace("\\\n", " ").split())


def test_every_command_of_the_ledger_is_among_its_rights() -> None:
    needed = {command.name for command in LEDGER_RIGHTS.commands}
    assert {"zadd", "hset", "time"} <= used_in_lua()
    assert {"getdel", "waitaof", "info"} <= used_in_python()
    assert (used_in_lua() | used_in_python()) - needed <= NOT_NEEDED


def test_the_ledger_has_no_right_that_it_does_not_use() -> None:
    needed = {command.name for command in LEDGER_RIGHTS.commands}
    assert needed - used_in_lua() - used_in_python() == {"select"}


def test_no_right_is_documented_that_is_not_needed() -> None:
    rules = f"{LEDGER_RIGHTS.as_rules()} {broker_rights(task_events=False).as_rules()}"
    start = {"on", ">PASSWORD", "resetkeys", "resetchannels", "-@all"}
    assert documented() == set(rules.split()) | start


def test_the_rights_for_task_events_are_documented() -> None:
    without = broker_rights(task_events=False).as_rules().split()
    more = set(broker_rights(task_events=True).as_rules().split()) - set(without)
    [row] = [line for line in DOCUMENT.splitlines() if line.startswith("| `RELAY_TASK_EVENTS=1`")]
    assert more == {"+publish", "&/*.celeryev/*"}
    assert all(rule in row for rule in more)


@pytest.mark.parametrize("code", _BY_CODE)
def test_what_redis_says_is_documented(code: str) -> None:
    assert f"`{code}`" in DOCUMENT
