"""How `make bench` ends."""

from pathlib import Path

import pytest

from tests.bench import __main__ as bench
from tests.bench.correctness import LostSignups
from tests.bench.figures import Row, Table, at_least


def missed(_: Path) -> Table:
    return Table("accepting", ["ours"], [Row("speed", ["1"], at_least(2, "x", [1], "x"))])


def lost(_: Path) -> Table:
    raise LostSignups("the ledger: 9, not 10")


def test_a_missed_goal_does_not_fail_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "machine", lambda: "Measured on a toaster.")
    monkeypatch.setattr(bench, "PARTS", {"accept": missed, "deliver": lost})
    assert bench.main(["accept"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Measured on a toaster.\n\n| accepting | ours | goal |\n")


def test_a_lost_signup_fails_the_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "machine", lambda: "Measured on a toaster.")
    monkeypatch.setattr(bench, "PARTS", {"deliver": lost, "accept": missed})
    assert bench.main([]) == 1
    assert "the ledger: 9, not 10" in capsys.readouterr().err
