"""How the memory's table sorts keys, and what it leaves to the server."""

from collections import Counter

import pytest

from tests.bench.memory import COLUMNS, SIGNUPS, Memory, by_kind
from tests.support.key_kinds import kind_of


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("relay:{bakery}:signup:0b9c5c0e-7c9a-4d7e-8f0e-3b1f0d1c2e3f", "signup"),
        ("relay:{bakery}:due:fresh", "due"),
        ("relay:{bakery}:totals", "totals"),
        ("relay:visitors:0123456789abcdef", "visitors"),
        ("relay:accounts", "accounts"),
    ],
)
def test_a_key_is_of_the_kind_that_its_name_says(key: str, kind: str) -> None:
    assert kind_of(key) == kind


def test_the_rest_of_the_memory_is_the_servers_own() -> None:
    use = Memory(SIGNUPS * 150, Counter(signup=SIGNUPS * 100, due=SIGNUPS * 20, totals=300))
    rows = {row.what: row.cells[0] for row in by_kind(dict.fromkeys(COLUMNS, use))}
    assert rows == {"`signup`": "100", "`due`": "20", "the server's own tables": "30"}
