"""The tables of `make bench`, and the CPU that it reads from the kernel."""

import subprocess
import sys

from tests.bench.cpu import group_cpu
from tests.bench.figures import Row, Table, at_least, at_most


def test_a_table_says_which_goals_are_met() -> None:
    rows = [
        Row("speed", ["3,000", "1,000"], at_least(2, "x", [3.1, 2.0, 2.5], "x", digits=1)),
        Row("cost", ["90"], at_most(80, "µs", [90], "µs")),
    ]
    assert Table("accepting", ["ours", "theirs"], rows).markdown().splitlines() == [
        "| accepting | ours | theirs | goal |",
        "| --- | --- | --- | --- |",
        "| speed | 3,000 | 1,000 | at least 2 x: 2.5 x (2.0 to 3.1), met |",
        "| cost | 90 |  | at most 80 µs: 90 µs, **missed** |",
    ]


def test_a_goal_that_is_just_reached_is_met() -> None:
    assert at_least(2, "x", [2], "x").met
    assert at_most(2, "x", [2], "x").met


def test_the_cpu_of_a_group_includes_children_that_ended() -> None:
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    parent = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}]);"
        " print(flush=True); sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", parent],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    with child:
        assert child.stdout and child.stdin
        child.stdout.readline()
        used = group_cpu(child.pid)
        child.stdin.close()
    assert used >= 0.3
    assert group_cpu(child.pid) == 0, "the group is gone"
