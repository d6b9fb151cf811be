"""Every Lua script says what it takes and returns, is used, and knows only its own keys."""

import re

import pytest

from shared.ledger import keys
from tests.architecture.project import ROOT, read

FOLDER = ROOT / "shared" / "ledger" / "scripts"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.lua"))}
STEPS = [name for name in TEXTS if not name.startswith("_")]
PARTS = [name for name in TEXTS if name.startswith("_")]
CALLERS = "\n".join(
    path.read_text(encoding="utf-8") for path in sorted((ROOT / "shared").rglob("*.py"))
)


def header(name: str) -> str:
    """Return the comments before the first line of code."""
    lines = TEXTS[name].splitlines()
    first_code = next(i for i, line in enumerate(lines) if line and not line.startswith("--"))
    return "\n".join(lines[:first_code])


def code(name: str) -> str:
    return "\n".join(line.partition("--")[0] for line in TEXTS[name].splitlines())


def included(name: str) -> list[str]:
    named = re.findall(r"^--@include (.+)$", TEXTS[name], re.MULTILINE)
    return [part for line in named for part in line.split()]


@pytest.mark.parametrize("name", STEPS)
def test_the_header_names_keys_arguments_and_result(name: str) -> None:
    assert "KEYS[1] ->" in header(name)
    assert re.search(r"^-- Returns ", header(name), re.MULTILINE)
    for kind, number in set(re.findall(r"(KEYS|ARGV)\[(\d+)\]", code(name))):
        assert f"{kind}[{number}]" in header(name), f"{kind}[{number}] is not explained"


@pytest.mark.parametrize("name", STEPS)
def test_every_script_is_called(name: str) -> None:
    assert f'"{name}"' in CALLERS


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_included_somewhere(name: str) -> None:
    assert any(name in included(other) for other in TEXTS)


@pytest.mark.parametrize("name", list(TEXTS))
def test_includes_exist(name: str) -> None:
    assert set(included(name)) <= set(PARTS)


@pytest.mark.parametrize("name", list(TEXTS))
def test_the_time_is_redis_own(name: str) -> None:
    assert "os.time" not in code(name)
    assert name == "_clock" or '"TIME"' not in code(name)


def test_every_key_is_documented() -> None:
    document = read("docs/internals.md")
    built = {key for name in TEXTS for key in re.findall(r'\b[AK] \.\. "([a-z:-]+)', code(name))}
    named = {value for name, value in vars(keys).items() if name.isupper()}
    missing = {key for key in built | named if f"`{key}" not in document}
    assert not missing


def test_every_field_of_a_signup_is_documented() -> None:
    row = re.search(r"^\| `signup:<id>` \|.*$", read("docs/internals.md"), re.MULTILINE)
    assert row
    written = {
        field
        for name in TEXTS
        for pairs in re.findall(r'"HSET", signup\(\w+\),([^;]*?)\n?\)\n', code(name))
        for field in re.findall(r'^\s*"(\w+)"$', "\n".join(pairs.split(",")[::2]), re.MULTILINE)
    }
    assert {"state", "claim", "held_mark", "contact_id"} <= written
    assert not {field for field in written if not re.search(rf"\b{field}\b", row[0])}
