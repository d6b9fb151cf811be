"""The doctor names each right that the Redis user lacks, and how to give it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.doctor.doctor import make_doctor
from shared.domain.check import Check
from shared.infrastructure.settings import Settings
from shared.ledger.redis_server.rights import LEDGER_RIGHTS, broker_rights, missing_rights
from tests.support.valkey_server import ValkeyServer

NEEDED = f"{LEDGER_RIGHTS.as_rules()} {broker_rights(task_events=True).as_rules()}".split()
Examine = Callable[..., dict[str, Check]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path / "limited") as server:
        yield server


@pytest.fixture
def examine(server: ValkeyServer, settings: Settings) -> Examine:
    """Examine what a user with these rules would be told."""

    def examine(*rules: str, **changed: Any) -> dict[str, Check]:
        with server.client() as admin:
            admin.execute_command(
                "ACL", "SETUSER", "relay", "reset", "on", ">pw", "-@all", "resetchannels", *rules
            )
        url = f"redis://relay:pw@127.0.0.1:{server.port}"
        wanted = replace(settings, redis_url=f"{url}/0", broker_url=f"{url}/1", **changed)
        return {
            check.name: check
            for check in make_doctor(wanted).examine(within=timedelta(seconds=20))
            if check.name.startswith(("redis", "broker"))
        }

    return examine


def without(*rules: str) -> list[str]:
    assert set(rules) <= set(NEEDED)
    return [rule for rule in NEEDED if rule not in rules]


def test_a_user_with_all_rights_is_told_so(examine: Examine) -> None:
    checks = examine(*NEEDED, task_events=True)
    assert checks["redis_rights"].verdict == checks["broker_rights"].verdict == "ok"
    assert "INFO" not in str(checks)  # without it, the doctor knows less, and that is all


@pytest.mark.parametrize(
    ("lacking", "found", "fix"),
    [
        (["+zadd"], "may not run ZADD.", "`ACL SETUSER relay +zadd`"),
        (["+zadd", "+hkeys"], "may not run HKEYS, ZADD.", "`ACL SETUSER relay +hkeys +zadd`"),
        (["+script|load"], "may not run SCRIPT|LOAD.", "+script|load`"),
        (["+watch"], "may not run WATCH.", "+watch`"),
        (["+exec"], "may not run EXEC.", "+exec`"),
        (["+multi"], "may not run MULTI.", "+multi`"),
        (["+waitaof"], "may not run WAITAOF.", "+waitaof`"),
        (["~relay:*"], "may not use the keys relay:*.", "`ACL SETUSER relay ~relay:*`"),
        (["~relay:*", "+time"], "run TIME and may not use the keys relay:*.", "~relay:* +time`"),
    ],
)
def test_what_the_ledgers_user_lacks(
    examine: Examine, lacking: list[str], found: str, fix: str
) -> None:
    checks = examine(*without(*lacking))
    check = checks.get("redis_rights", checks["redis"])  # without some, nothing can be read
    assert check.verdict == "problem"
    assert check.found.startswith("The Redis user relay may not ")
    assert found in check.found
    assert check.fix is not None and fix in check.fix


@pytest.mark.parametrize(
    ("lacking", "found"),
    [
        (["+brpop"], "may not run BRPOP."),
        (["~deliver", "~upkeep"], "may not use the keys deliver, upkeep."),
        (["~_kombu.binding*"], "may not use the keys _kombu.binding*."),
        (["&/*.celeryev/*"], "may not use the channels /*.celeryev/*."),
        (["+publish"], "may not run PUBLISH."),
    ],
)
def test_what_the_brokers_user_lacks(examine: Examine, lacking: list[str], found: str) -> None:
    checks = examine(*without(*lacking), task_events=True)
    assert checks["broker_rights"].verdict == "problem"
    assert found in checks["broker_rights"].found
    assert checks["redis_rights"].verdict == "ok"


def test_a_user_that_may_not_even_ping_is_told_all_at_once(examine: Examine) -> None:
    check = examine(*without("+ping", "+hset", "~relay:*"))["redis"]
    assert check.verdict == "problem"
    assert "may not run HSET, PING and may not use the keys relay:*." in check.found


def test_looking_for_rights_changes_nothing(server: ValkeyServer) -> None:
    with server.client() as client:
        client.set("relay:doctor", "kept")
        missing = missing_rights(client, LEDGER_RIGHTS)
        assert not missing.as_rules()
        assert client.get("relay:doctor") == "kept"
        assert client.dbsize() == 1
