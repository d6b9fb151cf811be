"""The plan of `relay up`: the settings of its processes, and the servers of its own."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from relay.start.data_dir import is_set, make_secret_key, path_in
from relay.start.embedded_valkey import machine_memory, memory_on, server_command, server_input
from relay.start.processes import require_sandbox
from shared.domain.errors import SettingsError
from shared.infrastructure.addresses import free_port, is_free
from shared.infrastructure.settings import Bind, find_sandbox_bind

_OURS = ("REDIS_", "CTCT_", "RELAY_")


@dataclass(slots=True)
class Plan:
    """What `relay up` has to start, and the settings that all its processes share.

    `valkey` is the command of the embedded server, `valkey_input` what it reads, and `sandbox` the
    sandbox's address; None where another one is configured. `chosen` has the settings that other
    commands need, too.
    """

    data_dir: Path
    environ: dict[str, str]
    valkey: list[str] | None = None
    valkey_input: bytes = field(default=b"", repr=False)
    sandbox: Bind | None = None
    chosen: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def valkey_dir(self) -> Path:
        return self.data_dir / "valkey"

    def choose(self, **settings: str) -> None:
        """Decide settings that the user left open."""
        self.chosen |= settings
        self.environ |= settings


def make_plan(environ: Mapping[str, str]) -> Plan:
    """Return the plan for `environ`: servers of its own for all that is not configured there.

    Raises `SettingsError` if RELAY_DATA_DIR cannot be used.
    """
    try:
        return _make_plan(environ)
    except OSError as error:
        problem = f"RELAY_DATA_DIR names a folder that cannot be used: {error.strerror}"
        raise SettingsError([problem]) from error


def _make_plan(environ: Mapping[str, str]) -> Plan:
    plan = Plan(path_in(environ), dict(environ))
    plan.chosen = {name: value for name, value in environ.items() if name.startswith(_OURS)}
    if not is_set(environ, "RELAY_SECRET_KEY"):
        plan.choose(RELAY_SECRET_KEY=make_secret_key(plan.data_dir))
    if not is_set(environ, "REDIS_URL"):
        _plan_valkey(plan)
    if not is_set(environ, "CTCT_CLIENT_ID"):
        _plan_sandbox(plan)
    return plan


def _plan_valkey(plan: Plan) -> None:
    plan.valkey_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    memory = memory_on(machine_memory())
    plan.valkey = server_command(plan.valkey_dir, port=port, memory=memory)
    plan.valkey_input = server_input(password)
    plan.choose(REDIS_URL=f"redis://:{password}@127.0.0.1:{port}/0")


def _plan_sandbox(plan: Plan) -> None:
    require_sandbox()
    from sandbox.config import SandboxConfig

    wanted = find_sandbox_bind(plan.environ)
    plan.sandbox = wanted if is_free(wanted) else Bind(wanted.host, free_port())
    application = SandboxConfig()
    plan.choose(
        CTCT_CLIENT_ID=application.client_id,
        CTCT_CLIENT_SECRET=application.client_secret,
        CTCT_API_URL=f"http://{plan.sandbox}/v3",
        CTCT_AUTH_URL=f"http://{plan.sandbox}/oauth2/default/v1",
    )
