"""docker-compose.yml and Dockerfile agree with the code that they start."""

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from relay.cli import COMMANDS
from relay.start.plan import make_plan
from relay.start.processes import require_sandbox, worker_process
from shared.domain.errors import Refused
from shared.infrastructure.queues import ALL_QUEUES
from shared.infrastructure.settings import Settings
from shared.ledger.ledger import Ledger
from tests.architecture.project import ROOT, read, settings_in
from tests.architecture.test_settings_documented import known_settings

COMPOSE: dict[str, Any] = yaml.safe_load(read("docker-compose.yml"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if name != "redis"}
DOCKERFILE = read("Dockerfile")


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration[:-1])


def test_each_process_has_a_service() -> None:
    assert set(SERVICES) == {"redis", "web", "worker", "beat"}


@pytest.mark.parametrize("name", OURS)
def test_the_command_is_one_of_ours(name: str) -> None:
    assert OURS[name]["command"] == [name]
    assert name in COMMANDS


def test_a_worker_that_is_started_so_takes_from_every_queue() -> None:
    (queues,) = [each for each in worker_process.params if each.name == "only"]
    assert set(str(queues.default).split(",")) == set(ALL_QUEUES)


@pytest.mark.parametrize("name", OURS)
def test_every_variable_is_a_setting(name: str) -> None:
    names = {variable.removesuffix("_FILE") for variable in OURS[name]["environment"]}
    assert names <= known_settings()


@pytest.mark.parametrize("name", OURS)
def test_what_is_secret_comes_from_a_file(name: str) -> None:
    environment, secrets = OURS[name]["environment"], set(OURS[name]["secrets"])
    files = {value for variable, value in environment.items() if variable.endswith("_FILE")}
    assert files == {f"/run/secrets/{secret}" for secret in secrets}
    assert secrets == set(COMPOSE["secrets"])
    assert not {"CTCT_CLIENT_SECRET", "RELAY_SECRET_KEY"} & set(environment)


@pytest.mark.parametrize("name", OURS)
def test_a_container_can_do_no_more_than_it_must(name: str) -> None:
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"


def test_redis_has_the_rights_that_its_start_script_needs() -> None:
    service = SERVICES["redis"]
    assert service["cap_drop"] == ["ALL"]
    assert service["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"]
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_takes_all_memory_or_processes(name: str) -> None:
    assert SERVICES[name]["mem_limit"] and SERVICES[name]["pids_limit"]


@pytest.mark.parametrize("name", SERVICES)
def test_health_is_checked(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] in ("CMD", "CMD-SHELL")
    assert seconds(check["timeout"]) <= seconds(check["interval"])


def test_what_is_under_way_may_end_before_a_container_is_killed(tmp_path: Path) -> None:
    deadline = settings_in(tmp_path).send_deadline.total_seconds()
    for service in OURS.values():
        assert seconds(service["stop_grace_period"]) > deadline + 5


@pytest.mark.parametrize("kind", ["worker", "beat"])
def test_a_worker_or_beat_is_healthy_while_its_own_host_shows_it(
    kind: str, settings: Settings, redis_client: "redis.Redis"
) -> None:
    ledger = Ledger(redis_client)
    say = ledger.processes.worker_alive if kind == "worker" else ledger.processes.beat_alive
    other_say = ledger.processes.beat_alive if kind == "worker" else ledger.processes.worker_alive
    say("relay-1@another-host")
    other_say(f"relay-1@{socket.gethostname()}")
    assert not alive(kind, settings)
    say(f"relay-1@{socket.gethostname()}")
    assert alive(kind, settings)


def alive(kind: str, settings: Settings) -> bool:
    """Run the health check of the image."""
    environ = {
        "REDIS_URL": settings.redis_url,
        "CTCT_CLIENT_ID": settings.client_id,
        "CTCT_CLIENT_SECRET": settings.client_secret,
        "RELAY_SECRET_KEY": settings.secret_keys[0],
    }
    command = [sys.executable, "docker/alive.py", kind]
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert not run.stderr
    return run.returncode == 0


def test_redis_keeps_what_it_was_given() -> None:
    command = SERVICES["redis"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert "--maxmemory" in options
    assert SERVICES["redis"]["volumes"] == ["ledger:/data"]


def test_redis_is_reached_from_inside_only() -> None:
    assert SERVICES["redis"]["networks"] == ["inside"]
    assert "ports" not in SERVICES["redis"]
    assert COMPOSE["networks"]["inside"]["internal"] is True


@pytest.mark.parametrize(
    "image", [SERVICES["redis"]["image"], *re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)]
)
def test_images_are_pinned_by_version(image: str) -> None:
    assert re.search(r":\d+\.\d+", image)


def test_the_image_starts_relay_directly_and_not_as_root() -> None:
    entrypoint = re.findall(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
    assert [json.loads(line) for line in entrypoint] == [["relay"]]
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (\w+)$", last_stage, re.MULTILINE) == ["relay"]
    assert "--require-hashes" in DOCKERFILE


def test_what_is_copied_into_the_image_exists_and_is_let_through() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    names = {name for line in copied for name in line.split()}
    let_through = set(re.findall(r"^!(\S+)$", read(".dockerignore"), re.MULTILINE))
    assert {name.partition("/")[0] for name in names} == let_through
    assert all((ROOT / name).exists() for name in names)


def test_the_image_has_no_sandbox_and_relay_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert not re.search(r"^COPY .*\bsandbox\b", DOCKERFILE, re.MULTILINE)
    monkeypatch.setitem(sys.modules, "sandbox", None)
    for start in (require_sandbox, lambda: make_plan({"RELAY_DATA_DIR": str(tmp_path)})):
        with pytest.raises(Refused, match="Set CTCT_CLIENT_ID and CTCT_CLIENT_SECRET"):
            start()
