"""A reader who meets a class in one module finds the same one under its name in any other."""

import ast
from collections import defaultdict

from tests.architecture.project import ROOT


def test_no_two_modules_have_a_class_of_one_name() -> None:
    """The sandbox is apart: it stands in for another service, with the same words."""
    modules = defaultdict(list)
    for folder in ("relay", "web", "worker", "shared"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    modules[node.name].append(str(path.relative_to(ROOT)))
    assert {name: found for name, found in modules.items() if len(found) > 1} == {}
