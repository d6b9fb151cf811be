"""Only `shared/ledger/` knows the ledger's keys, and docs/internals/ledger-keys.md has all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from shared.ledger import keys
from tests.architecture.project import ROOT, read

LEDGER = ROOT / "shared" / "ledger"
PRODUCT = [
    path
    for folder in ("relay", "web", "worker", "shared")
    for path in sorted((ROOT / folder).rglob("*.py"))
]
OTHERS = [path for path in PRODUCT if LEDGER not in path.parents]
# What a prefix is called: in Lua, and in Python.
_IN_LUA = re.compile(r'\b(?:account|api_key|of|each|prefix|owner) \.\. "([a-z:-]+)')
_IN_PYTHON = re.compile(r"keys\.(?:account|api_key)\([\w.]+\)(?:\}|\s*\+\s*f?\")([a-z:-]+)")


def texts(path: Path) -> Iterator[str]:
    """Yield every text in the file's code, those that are parts of an f-string among them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{each.name}" for each in node.names)
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


def test_no_other_module_builds_a_key() -> None:
    assert len(OTHERS) > 100
    of_the_ledger = {"shared.ledger.keys", "shared.ledger.script_library.Scripts"}
    for path in OTHERS:
        assert not [text for text in texts(path) if re.match(r"relay:[a-z{-]", text)], path
        assert not of_the_ledger & set(imports(path)), path


def built() -> set[str]:
    """Return what follows a prefix, wherever scripts and modules build a key."""
    lua = (path.read_text(encoding="utf-8") for path in LEDGER.rglob("*.lua"))
    python = (path.read_text(encoding="utf-8") for path in LEDGER.rglob("*.py"))
    return {
        *(key for text in lua for key in _IN_LUA.findall(text)),
        *(key for text in python for key in _IN_PYTHON.findall(text)),
    }


NAMED = {value for name, value in vars(keys).items() if name.isupper()}


def test_every_key_is_documented() -> None:
    document = read("docs/internals/ledger-keys.md")
    assert {"tokens", "lists", "trial:", "due:", "quota:"} <= built()
    assert not {key for key in built() | NAMED if f"`{key}" not in document}


def in_rows(document: str, key: str) -> set[str]:
    """Return the keys that the rows of the document's tables begin with."""
    rows = re.findall(r"^\| (`.+?) \|", document, re.MULTILINE)
    return {found for row in rows for found in re.findall(key, row)}


def test_every_documented_key_is_built_somewhere() -> None:
    documented = in_rows(read("docs/internals/ledger-keys.md"), r"`([a-z:-]+)")
    known = built() | NAMED
    prefixes = tuple(key for key in known if key.endswith(":"))
    assert not {key for key in documented - known if not key.startswith(prefixes)}


def test_something_bounds_every_documented_key() -> None:
    """A key that only grows would fill Redis in the end."""
    described, bounds = read("docs/internals/ledger-keys.md").split("\n## What bounds each key\n")
    assert in_rows(described, r"`([^`]+)`") == in_rows(bounds, r"`([^`]+)`")
