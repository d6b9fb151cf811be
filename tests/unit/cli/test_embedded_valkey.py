"""The embedded Valkey: how much memory its data may take."""

from pathlib import Path

import pytest

from relay.start.embedded_valkey import machine_memory, memory_on

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
