"""What we tell a person to type: it must run in their shell, with `relay` on the PATH or not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from relay.cli import COMMANDS
from shared.infrastructure.typed_commands import as_typed, typed_elsewhere, typed_here

HERE = Path("/home/ada/site")


@pytest.mark.parametrize(
    ("script", "typed"),
    [
        pytest.param("/home/ada/site/.venv/bin/relay", ".venv/bin/relay", id="inside the folder"),
        pytest.param("/home/ada/site/relay", "./relay", id="in the folder itself"),
        pytest.param("/opt/relay/bin/relay", "/opt/relay/bin/relay", id="elsewhere"),
        pytest.param("/home/ada/site 2/bin/relay", "'/home/ada/site 2/bin/relay'", id="a blank"),
        pytest.param("/opt/x/../relay/bin/relay", "/opt/relay/bin/relay", id="a way around"),
        pytest.param("/opt/bin/pytest", "relay", id="another program"),
        pytest.param("/opt/lib/pytest/__main__.py", "relay", id="another program's module"),
    ],
)
def test_without_the_path_it_is_a_path(script: str, typed: str) -> None:
    assert typed_here(script, HERE, "/usr/bin") == typed


@pytest.mark.parametrize("is_linked", [False, True])
def test_a_name_that_the_shell_finds_is_enough(tmp_path: Path, is_linked: bool) -> None:
    script = tmp_path / "venv" / "relay"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    found = script.parent
    if is_linked:
        found = tmp_path / "bin"
        found.mkdir()
        (found / "relay").symlink_to(script)
    assert typed_here(str(script), HERE, f"/usr/bin:{found}") == "relay"


def test_another_relay_on_the_path_is_not_ours(tmp_path: Path) -> None:
    other = tmp_path / "relay"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    assert typed_here("/opt/relay/bin/relay", HERE, str(tmp_path)) == "/opt/relay/bin/relay"


def test_a_relative_script_is_found_from_the_folder_where_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert typed_here(".venv/bin/relay", tmp_path, "") == ".venv/bin/relay"


@pytest.mark.parametrize("has_script", [True, False])
def test_the_module_is_typed_as_the_script_beside_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_script: bool
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    if has_script:
        (tmp_path / "relay").touch()
    typed = typed_here("/opt/relay/lib/relay/__main__.py", HERE, "")
    script = f"{tmp_path}/relay"
    assert typed == (script if has_script else f"{tmp_path}/python -P -m relay")


def test_another_terminal_goes_to_the_folder_first() -> None:
    typed = typed_elsewhere("/home/ada/my site/.venv/bin/relay", Path("/home/ada/my site"))
    assert typed == "cd '/home/ada/my site' && .venv/bin/relay"


def test_another_terminal_must_know_of_another_data_folder() -> None:
    typed = typed_elsewhere("/opt/relay/bin/relay", HERE, "my data")
    assert typed == "cd /home/ada/site && RELAY_DATA_DIR='my data' /opt/relay/bin/relay"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_in_a_text_is_typed_so(name: str) -> None:
    text = f"Run: relay {name} acme. (`relay {name}`)\nrelay {name}"
    typed = f"Run: .venv/bin/relay {name} acme. (`.venv/bin/relay {name}`)\n.venv/bin/relay {name}"
    assert as_typed(text, ".venv/bin/relay") == typed


@pytest.mark.parametrize(
    "text",
    ["signup-relay up", "/opt/bin/relay status", "the relay team", "relay statuses", "relay"],
)
def test_other_words_stay(text: str) -> None:
    assert as_typed(text, ".venv/bin/relay") == text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["status"], "{relay} up", id="an error"),
        pytest.param(["failed", "retry"], "{relay} failed retry", id="wrong use"),
        pytest.param(["hold", "--help"], "Usage: {relay} hold", id="help"),
    ],
)
@pytest.mark.parametrize("is_on_path", [True, False])
def test_what_a_command_prints_can_be_typed_where_it_ran(
    tmp_path: Path, arguments: list[str], says: str, is_on_path: bool
) -> None:
    script = Path(sys.executable).with_name("relay")
    search_path = os.pathsep.join(
        ["/usr/bin", "/bin", *([str(script.parent)] if is_on_path else [])]
    )
    ran = subprocess.run(
        [script, *arguments],
        cwd=tmp_path,
        env={"PATH": search_path},
        capture_output=True,
        text=True,
        timeout=60,
    )
    relay = "relay" if is_on_path else str(script)
    assert says.format(relay=relay) in ran.stdout + ran.stderr
