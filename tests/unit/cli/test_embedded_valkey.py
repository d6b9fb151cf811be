"""The embedded Valkey: how much memory its data may take, and what it may leave behind."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from relay.start.embedded_valkey import machine_memory, memory_on, remove_leftovers
from relay.start.plan import make_plan

MIB = 1 << 20


@pytest.mark.parametrize(
    ("machine", "data"),
    [(8192 * MIB, 4096 * MIB), (512 * MIB, 256 * MIB), (128 * MIB, 128 * MIB)],
)
def test_it_takes_half_of_the_memory_and_no_less_than_it_needs(machine: int, data: int) -> None:
    assert memory_on(machine) == data


def test_a_containers_limit_counts(tmp_path: Path) -> None:
    installed = machine_memory(tmp_path)
    assert installed > 16 * MIB
    for limit, found in (("max", installed), (str(1 << 60), installed), ("16777216\n", 16 * MIB)):
        (tmp_path / "memory.max").write_text(limit)
        assert machine_memory(tmp_path) == found


def test_what_was_half_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    kept = {"valkey.log", "appendonlydir"}
    (tmp_path / "appendonlydir").mkdir()
    for name in ("valkey.log", "temp-12.rdb", "temp-rewriteaof-bg-12.aof", "temp-rewriteaof-1.aof"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_no_command_has_the_password(tmp_path: Path) -> None:
    """Everybody on the machine can read the commands of its processes."""
    plan = make_plan({"RELAY_DATA_DIR": str(tmp_path)})
    password = urlsplit(plan.environ["REDIS_URL"]).password
    assert password and plan.valkey
    assert plan.valkey_input == f'requirepass "{password}"\n'.encode()
    assert password not in " ".join(plan.valkey)
