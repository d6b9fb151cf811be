"""What `relay up` tells a person to type in another terminal."""

import sys
from pathlib import Path

import pytest

from relay.start.invocation import typed_command

HERE = Path("/home/ada/site")


@pytest.mark.parametrize(
    ("script", "typed"),
    [
        pytest.param("/home/ada/site/.venv/bin/relay", ".venv/bin/relay", id="inside the folder"),
        pytest.param("/opt/relay/bin/relay", "/opt/relay/bin/relay", id="elsewhere"),
        pytest.param("/home/ada/site 2/bin/relay", "'/home/ada/site 2/bin/relay'", id="a blank"),
        pytest.param("/opt/x/../relay/bin/relay", "/opt/relay/bin/relay", id="a way around"),
    ],
)
def test_a_path_is_typed_for_the_script_that_runs(script: str, typed: str) -> None:
    assert typed_command(script, HERE) == typed


def test_a_relative_script_is_found_from_the_folder_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed_command(".venv/bin/relay", tmp_path) == ".venv/bin/relay"


def test_without_a_script_it_is_the_module() -> None:
    typed = typed_command("/opt/relay/lib/relay/__main__.py", HERE)
    assert typed == f"{sys.executable} -m relay"
