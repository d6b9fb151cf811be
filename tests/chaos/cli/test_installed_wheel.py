"""signup-relay as an application of its own: the wheel alone, in an environment of its own."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.project import ROOT, tracked_files
from tests.support.relay_up import RelayUp
from tests.support.stack import eventually

PACKAGES = ("relay", "web", "worker", "shared", "sandbox")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command to its end; return what it printed."""
    ended = subprocess.run(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def files() -> list[Path]:
    return [path.relative_to(ROOT) for path in tracked_files()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of what git has here, built in a copy: setuptools leaves things behind."""
    copy = tmp_path_factory.mktemp("copy")
    for path in files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, copy / path)
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", "dist", ".", cwd=copy)
    (built,) = (copy / "dist").iterdir()
    return built


@pytest.fixture(scope="module")
def relay(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `relay` of an environment that has the wheel and its requirements only."""
    environment = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", environment, cwd=environment)
    install = (environment / "bin" / "python", "-m", "pip", "install")
    run(*install, "--require-hashes", "-r", ROOT / "requirements.txt", cwd=environment)
    run(*install, "--no-deps", wheel, cwd=environment)
    return environment / "bin" / "relay"


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == {path.as_posix() for path in files() if path.parts[0] in PACKAGES}


@pytest.mark.slow
def test_the_installed_wheel_delivers_beside_a_website_of_the_same_names(
    relay: Path, tmp_path: Path
) -> None:
    """An agency's folder may well have a `web` or a `shared` of its own."""
    for name in PACKAGES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('not this one')\n")
    with RelayUp(tmp_path, [str(relay)]) as up:
        up.start()
        up.sign_up("ada@example.com")
        eventually(lambda: up.status()["delivered"] == 1, what="delivery")
        hint = up.printed.partition("In another terminal:")[2].splitlines()[0]
        assert "delivered" in run("sh", "-c", hint, cwd=tmp_path)


@pytest.mark.slow
def test_nothing_but_the_requirements_is_needed(relay: Path, tmp_path: Path) -> None:
    checked = run(relay.with_name("python"), "-m", "pip", "check", cwd=tmp_path)
    assert "No broken requirements" in checked
