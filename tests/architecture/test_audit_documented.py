"""docs/audit.md explains every action, and some operation adds an entry of each."""

import re

from shared.domain.audit import Action
from tests.architecture.project import ROOT, read


def test_every_action_is_explained_and_no_other() -> None:
    rows = re.findall(r"^\| (`.+?) \| [a-z]", read("docs/audit.md"), re.MULTILINE)
    assert sorted(name for row in rows for name in re.findall("`(.+?)`", row)) == sorted(Action)


def test_operations_add_entries_and_neither_commands_nor_views() -> None:
    named = {
        name: [
            path
            for path in (ROOT / name).rglob("*.py")
            if re.search(r"\bAction\.[A-Z]", path.read_text(encoding="utf-8"))
        ]
        for name in ("relay", "web", "worker", "shared")
    }
    assert not named["relay"] + named["web"] + named["worker"]
    used = {
        action
        for path in named["shared"]
        for action in re.findall(r"\bAction\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    }
    assert used == {action.name for action in Action}
