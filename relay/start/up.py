"""`relay up`: everything on this machine, with an embedded Valkey and the sandbox where nothing
else is configured."""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import redis
import requests

from relay.start.data_dir import announced, make_secret_key, path_in
from relay.start.embedded_valkey import server_command
from relay.start.invocation import child_command, typed_command
from relay.start.processes import require_sandbox
from relay.start.supervisor import Process, Supervisor
from shared.domain.errors import Refused
from shared.domain.form import Form, ListRef
from shared.infrastructure.addresses import free_port, is_free
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Bind, Settings, parse_bind
from shared.ledger.format import open_if_there
from shared.ledger.registry import Registry
from shared.operations.assembly import AccountTools, make_account_tools

READY_WITHIN = timedelta(seconds=60)
SANDBOX_BIND = "127.0.0.1:8090"
DEMO_ACCOUNT, DEMO_FORM, DEMO_LIST = "sandbox", "demo", "Newsletter"
_OURS = ("REDIS_", "CTCT_", "RELAY_")


@dataclass(slots=True)
class Plan:
    """What `relay up` has to start, and the settings that all of it shares."""

    data_dir: Path
    environ: dict[str, str]
    valkey: list[str] | None = None
    sandbox: Bind | None = None
    chosen: dict[str, str] = field(default_factory=dict, repr=False)

    def choose(self, **settings: str) -> None:
        """Decide settings that the user left open."""
        self.chosen |= settings
        self.environ |= settings


def make_plan(environ: Mapping[str, str]) -> Plan:
    """Return the plan for `environ`: what is unset there is brought along."""
    plan = Plan(path_in(environ), dict(environ))
    plan.chosen = {name: value for name, value in environ.items() if name.startswith(_OURS)}
    if not _is_set(environ, "RELAY_SECRET_KEY"):
        plan.choose(RELAY_SECRET_KEY=make_secret_key(plan.data_dir))
    if not _is_set(environ, "REDIS_URL"):
        _plan_valkey(plan)
    if not _is_set(environ, "CTCT_CLIENT_ID"):
        _plan_sandbox(plan)
    return plan


def _plan_valkey(plan: Plan) -> None:
    folder = plan.data_dir / "valkey"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    plan.valkey = server_command(folder, port=port, password=password)
    plan.choose(REDIS_URL=f"redis://:{password}@127.0.0.1:{port}/0")


def _plan_sandbox(plan: Plan) -> None:
    require_sandbox()
    from sandbox.config import SandboxConfig

    wanted = parse_bind(plan.environ.get("RELAY_SANDBOX_BIND") or SANDBOX_BIND)
    plan.sandbox = wanted if is_free(wanted) else Bind(wanted.host, free_port())
    application = SandboxConfig()
    plan.choose(
        CTCT_CLIENT_ID=application.client_id,
        CTCT_CLIENT_SECRET=application.client_secret,
        CTCT_API_URL=f"http://{plan.sandbox}/v3",
        CTCT_AUTH_URL=f"http://{plan.sandbox}/oauth2/default/v1",
    )


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


@click.command()
def up() -> None:
    """Start everything on this machine: web, worker, beat, and what is not configured elsewhere."""
    plan = make_plan(os.environ)
    settings = Settings.from_env(plan.environ)
    supervisor = Supervisor(
        lambda line: click.echo(f"relay up: {line}", err=True),
        patience=settings.send_deadline + timedelta(seconds=10),
    )
    supervisor.listen()
    try:
        with announced(plan.data_dir, plan.chosen):
            _check_the_address(settings)
            _run(plan, settings, supervisor)
    except TimeoutError as error:
        raise Refused(str(error)) from error
    finally:
        supervisor.stop()
    click.echo("relay up: all stopped. What was accepted is kept, and goes on next time.")


def _check_the_address(settings: Settings) -> None:
    if not is_free(settings.bind):
        raise Refused(
            f"something else listens on {settings.bind}; choose another address with"
            " RELAY_BIND=127.0.0.1:PORT"
        )


def _run(plan: Plan, settings: Settings, supervisor: Supervisor) -> None:
    supervisor.start(*_foundations(plan, settings))
    if not supervisor.wait_until_ready(READY_WITHIN):
        return
    with contextlib.closing(connect(settings.redis_url, socket_timeout=10)) as client:
        open_if_there(client)
    if plan.sandbox:
        set_up_demo(plan.sandbox, settings)
    supervisor.start(*_own_processes(plan, settings))
    if not supervisor.wait_until_ready(READY_WITHIN):
        return
    click.echo(_welcome(plan, settings))
    supervisor.run()


def _foundations(plan: Plan, settings: Settings) -> Iterator[Process]:
    if plan.valkey:
        yield Process("valkey", plan.valkey, {}, lambda: _answers_ping(settings.redis_url))
    if plan.sandbox:
        bind = plan.sandbox
        command = [*child_command("sandbox"), "--bind", str(bind), *_limits(settings)]
        yield Process("sandbox", command, plan.environ, lambda: _answers(f"http://{bind}/"))


def _limits(settings: Settings) -> list[str]:
    """The sandbox allows exactly what the settings take for allowed."""
    rate = max(1, int(settings.requests_per_second))
    return ["--rate", str(rate), "--day", str(settings.requests_per_day)]


def _own_processes(plan: Plan, settings: Settings) -> Iterator[Process]:
    healthz = f"http://{settings.bind.from_here()}/healthz"
    yield Process("web", child_command("web"), plan.environ, lambda: _answers(healthz))
    for name in ("worker", "beat"):
        yield Process(name, child_command(name), plan.environ, lambda: True)


# --- the demo


def set_up_demo(sandbox: Bind, settings: Settings) -> None:
    """On an empty ledger, connect a sandbox account and make a form, so that the first sign-up is
    one click away."""
    with contextlib.closing(connect(settings.redis_url, socket_timeout=10)) as client:
        registry = Registry(client)
        if registry.accounts():
            return
        accounts = make_account_tools(settings, client, notify_workers=lambda account: None)
        accounts.connecting.with_tokens(DEMO_ACCOUNT, _sandbox_tokens(sandbox), by="relay up")
        registry.save_form(_demo_form(accounts))


def _sandbox_tokens(sandbox: Bind) -> dict[str, Any]:
    answer = requests.post(f"http://{sandbox}/sandbox/connect", json={}, timeout=10)
    tokens: dict[str, Any] = answer.json()
    return tokens


def _demo_form(accounts: AccountTools) -> Form:
    lists = accounts.reads.lists(DEMO_ACCOUNT).lists
    (newsletter,) = [found for found in lists if found.name == DEMO_LIST]
    return Form(
        name=DEMO_FORM,
        account=DEMO_ACCOUNT,
        lists=(ListRef(newsletter.id, newsletter.name),),
        title="Join our newsletter",
    )


# --- small things


def _welcome(plan: Plan, settings: Settings) -> str:
    lines = ["", "signup-relay is running.", ""]
    if plan.sandbox:
        lines += [
            f"  Sign up here:          {settings.public_url}/f/{DEMO_FORM}",
            f"  See it arrive here:    http://{plan.sandbox}/",
            "",
            "  This is the sandbox, a stand-in for Constant Contact. For a real account set",
            "  CTCT_CLIENT_ID and CTCT_CLIENT_SECRET; the README has the five steps.",
            "",
        ]
    else:
        lines += [f"  Forms are served at:   {settings.public_url}/f/NAME"]
    lines += [f"  Console:               {settings.public_url}/console/"]
    relay = typed_command(sys.argv[0], Path.cwd())
    lines += ["", f"  In another terminal:   {relay} status", "  Stop with Ctrl-C.", ""]
    return "\n".join(lines)


def _answers_ping(url: str) -> bool:
    with contextlib.closing(connect(url, socket_timeout=1)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False
