"""The wheel takes along every file that the packages need, at any depth of folders.

This reads pyproject.toml; tests/chaos/cli/test_installed_wheel.py builds the wheel and starts it.
"""

import tomllib
from typing import Any

import pytest

from tests.architecture.project import ROOT, read, tracked_files

SETUPTOOLS: dict[str, Any] = tomllib.loads(read("pyproject.toml"))["tool"]["setuptools"]
PACKAGES = [pattern.removesuffix("*") for pattern in SETUPTOOLS["packages"]["find"]["include"]]
FILES = [path for path in tracked_files() if path.relative_to(ROOT).parts[0] in PACKAGES]
DATA = [path for path in FILES if path.suffix != ".py"]


def test_every_template_script_and_static_file_is_in_the_wheel() -> None:
    taken = {
        path
        for package, patterns in SETUPTOOLS["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    assert not [str(path.relative_to(ROOT)) for path in DATA if path not in taken]


@pytest.mark.parametrize("suffix", [".lua", ".html", ".css", ".js", ".po"])
def test_there_are_files_of_each_kind_to_take(suffix: str) -> None:
    assert any(path.suffix == suffix for path in DATA)


def test_every_module_is_in_a_package_that_setuptools_finds() -> None:
    """A folder without `__init__.py` works in a checkout, and is missing in the wheel."""
    modules = [path for path in FILES if path.suffix == ".py"]
    folders = {
        parent for path in modules for parent in path.parents if parent.is_relative_to(ROOT)
    } - {ROOT}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
