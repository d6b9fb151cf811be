"""What is installed is what was pinned; what is vendored is what its README says."""

import hashlib
import importlib.util
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.project import ROOT, read, tracked_files

PROJECT: dict[str, Any] = tomllib.loads(read("pyproject.toml"))
REQUIREMENTS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
INSTALLERS = ("Makefile", "Dockerfile", ".ci/run")
_PINNED = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==[^\s]+((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.M
)
_NAME = re.compile(r"[A-Za-z0-9._-]+")


def pinned(file: str) -> set[str]:
    return {found[1] for found in _PINNED.finditer(read(file))}


def named(requirements: list[str]) -> set[str]:
    found = (_NAME.match(each) for each in requirements)
    return {each[0].lower() for each in found if each}


# --- packages


@pytest.mark.parametrize("file", REQUIREMENTS)
def test_every_package_is_pinned_with_hashes_and_named_by_no_address(file: str) -> None:
    lines = [line for line in read(file).splitlines() if line and not line[0].isspace()]
    packages = [line for line in lines if not line.startswith("#")]
    assert packages
    assert len(packages) == len(pinned(file))
    assert "://" not in read(file)


@pytest.mark.parametrize("file", INSTALLERS)
def test_pip_installs_only_what_has_a_hash_or_is_ours(file: str) -> None:
    commands = re.findall(r"pip install\b[^\n&]*", read(file))
    assert commands or file == ".ci/run"
    for command in commands:
        ours = "--no-deps" in command and "--no-build-isolation" in command
        assert "--require-hashes" in command or ours, command


def test_no_tool_of_developers_is_in_production() -> None:
    project = PROJECT["project"]
    extras = set().union(*map(named, project["optional-dependencies"].values()))
    production = pinned("requirements.txt")
    assert named(project["dependencies"]) - {"celery[redis]"} <= production
    both = (extras - named(project["dependencies"])) & production
    assert both == {"pyyaml", "requests"}  # which apprise needs
    copied = re.findall(r"^COPY (requirements[^\n]*) \./$", read("Dockerfile"), re.M)
    assert copied == ["requirements.txt requirements-build.txt"]
    assert "pip uninstall --yes setuptools pip" in read("Dockerfile")


# --- vendored files


def test_a_vendored_file_is_the_one_that_its_readme_names() -> None:
    vendored = [path for path in tracked_files() if "vendor" in path.parts]
    files = [path for path in vendored if path.name not in ("README.md", "LICENSE")]
    assert files
    for path in files:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert f"`{path.name}`: `{digest}`" in (path.parent / "README.md").read_text("utf-8"), path
        assert (path.parent / "LICENSE").exists()


# --- the security rules of the linter


def test_bandits_rules_hold_everywhere_but_in_tests() -> None:
    lint = PROJECT["tool"]["ruff"]["lint"]
    assert {"S", "PLE2502"} <= set(lint["select"])
    assert not {"S", "PLE2502"} & set(lint.get("ignore", ()))
    assert set(lint["per-file-ignores"]) == {"tests/**"}


def test_every_exception_to_them_has_its_reason() -> None:
    exceptions = [
        (path, line)
        for path in tracked_files()
        if path.suffix == ".py"
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"# noqa: [^-]*\bS\d{3}", line)
    ]
    assert exceptions
    assert not [each for each in exceptions if not re.search(r"# noqa: [A-Z0-9, ]+ - \w", each[1])]


# --- advisories


def advisories() -> Any:
    place = Path(ROOT / ".ci" / "advisories.py")
    spec = importlib.util.spec_from_file_location("advisories", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GOOD = {"name": "click", "version": "8", "vulns": []}
BAD = {"name": "flask", "version": "3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["4"]}]}
UNKNOWN = {"name": "ours", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "vulnerable", "said"),
    [
        (None, False, "SKIPPED. No advisory database answers"),
        ([UNKNOWN], False, "SKIPPED. No advisory database answers"),
        ([], False, "SKIPPED. No advisory database answers"),
        ([GOOD], False, "no advisory for 1 packages"),
        ([GOOD, UNKNOWN], False, "SKIPPED 1, unknown to the database: ours"),
        ([GOOD, BAD, UNKNOWN], True, "flask 3 has PYSEC-1, fixed in 4"),
    ],
)
def test_an_advisory_fails_the_build_and_a_missing_database_is_named(
    found: Any, vulnerable: bool, said: str
) -> None:
    lines, failed = advisories().report("requirements.txt", found)
    assert failed == vulnerable
    assert any(said in line for line in lines)
