"""deploy/systemd: the units agree with each other and with the code, and systemd knows them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from relay.cli import COMMANDS
from tests.architecture.project import ROOT, read, settings_in
from tests.architecture.test_settings_documented import known_settings

SERVICES = ("web", "worker", "beat")
COMMON = read("deploy/systemd/relay-.service.d/common.conf")
# Of systemd's own scale from 0 to 10.
MOST_EXPOSED = 1.5


def values(text: str, name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", text, re.MULTILINE)


def test_each_process_has_a_service_and_the_target_starts_it() -> None:
    (wanted,) = values(read("deploy/systemd/relay.target"), "Wants")
    assert wanted.split() == [f"relay-{name}.service" for name in SERVICES]
    for name in SERVICES:
        unit = read(f"deploy/systemd/relay-{name}.service")
        assert values(unit, "ExecStart") == [f"/opt/signup-relay/bin/relay {name}"]
        assert values(unit, "WantedBy") == ["relay.target"]
        assert name in COMMANDS


def test_every_secret_is_a_credential_which_a_setting_reads() -> None:
    credentials = dict(value.split(":") for value in values(COMMON, "LoadCredential"))
    given = dict(value.split("=") for value in values(COMMON, "Environment"))
    secrets = {name: path for name, path in given.items() if name.endswith("_FILE")}
    assert set(secrets.values()) == {f"%d/{name}" for name in credentials}
    assert {name.removesuffix("_FILE") for name in given} <= known_settings()


def test_the_command_has_the_settings_of_the_services() -> None:
    script = read("deploy/systemd/relay")
    credentials = dict(value.split(":") for value in values(COMMON, "LoadCredential"))
    for name, value in (each.split("=") for each in values(COMMON, "Environment")):
        path = credentials.get(value.removeprefix("%d/"), value)
        assert values(script, name) == [path]
    assert f"runuser -u {values(COMMON, 'User')[0]} " in script
    examples = dict(
        line.split("=", 1) for line in read("deploy/systemd/environment").splitlines()[1:]
    )
    assert set(examples) <= known_settings()


def test_a_service_that_stops_may_finish_what_it_sends(tmp_path: Path) -> None:
    deadline = settings_in(tmp_path).send_deadline.total_seconds()
    assert int(values(COMMON, "TimeoutStopSec")[0]) > deadline + 5
    assert values(COMMON, "Restart") == ["always"]
    assert values(COMMON, "KillMode") == ["mixed"]


@pytest.fixture
def units(tmp_path: Path) -> list[str]:
    """The units as systemd would find them; their program exists."""
    folder = tmp_path / "units"
    shutil.copytree(ROOT / "deploy/systemd", folder)
    for name in SERVICES:
        unit = folder / f"relay-{name}.service"
        unit.write_text(unit.read_text().replace("/opt/signup-relay/bin/relay", "/bin/true"))
    return sorted(str(path) for path in folder.glob("relay*.*") if path.is_file())


def analyze(units: list[str], *arguments: str) -> str:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("there is no systemd here; the other tests parse the files")
    ran = subprocess.run(
        [command, *arguments, *units],
        env={"SYSTEMD_UNIT_PATH": f"{Path(units[0]).parent}:"},  # and the system's own
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout + ran.stderr


def test_systemd_knows_every_line(units: list[str]) -> None:
    assert len(units) == 4
    assert "relay" not in analyze(units, "verify", "--man=no")


def test_systemd_calls_the_services_safe(units: list[str]) -> None:
    services = [unit for unit in units if unit.endswith(".service")]
    shown = analyze(services, "security", "--offline=true", "--no-pager")
    exposed = re.findall(r"exposure level for \S+: ([0-9.]+)", shown)
    assert len(exposed) == len(SERVICES)
    assert all(float(level) <= MOST_EXPOSED for level in exposed)
