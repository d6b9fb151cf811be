"""`relay up`: everything on this machine, with an embedded Valkey and the sandbox where nothing
else is configured."""

import contextlib
import http.client
import os
import sys
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
import redis

from relay.start.data_dir import announced, keep_files_private
from relay.start.demo import DEMO_FORM, set_up_demo
from relay.start.embedded_valkey import remove_leftovers
from relay.start.own_sandbox import OwnSandbox, check_public_url, how_others_come
from relay.start.plan import Plan, make_plan
from relay.start.supervisor import Process, Supervisor
from shared.domain.errors import Refused
from shared.infrastructure.addresses import is_free
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.settings import Settings
from shared.infrastructure.typed_commands import typed_elsewhere
from shared.ledger.format import open_if_there

READY_WITHIN = timedelta(seconds=60)


@click.command()
@click.option(
    "--sandbox",
    is_flag=True,
    help="Start the sandbox although the address is public, or there are real accounts.",
)
def up(sandbox: bool) -> None:
    """Start everything on this machine.

    That is web, worker and beat; a Valkey server if REDIS_URL is not set; and the sandbox if
    CTCT_CLIENT_ID is not set.
    """
    keep_files_private()
    plan = make_plan(os.environ)
    if sandbox and not plan.sandbox:
        raise click.UsageError("CTCT_CLIENT_ID is set. Unset it to start the sandbox.")
    settings = Settings.from_env(plan.environ)
    if plan.sandbox and not sandbox:
        check_public_url(settings)
    supervisor = Supervisor(
        lambda line: click.echo(f"relay up: {line}", err=True),
        patience=settings.send_deadline + timedelta(seconds=10),
    )
    supervisor.listen()
    try:
        with announced(plan.data_dir, plan.chosen):
            _check_the_address(settings)
            _run(plan, settings, supervisor, beside_real_accounts=sandbox)
    except TimeoutError as error:
        raise Refused(str(error)) from error
    finally:
        supervisor.stop()
    click.echo("relay up: all stopped. Accepted sign-ups are kept for the next start.")


def _check_the_address(settings: Settings) -> None:
    if not is_free(settings.bind):
        raise Refused(
            f"Another program listens on {settings.bind}. Choose another address with"
            " RELAY_BIND=127.0.0.1:PORT"
        )


def _run(
    plan: Plan, settings: Settings, supervisor: Supervisor, *, beside_real_accounts: bool
) -> None:
    supervisor.start(*_valkey(plan, settings))
    if not supervisor.wait_until_ready(READY_WITHIN):
        return
    with contextlib.closing(connect(settings.redis_url, socket_timeout=10)) as client:
        open_if_there(client)
        if plan.sandbox:
            own = OwnSandbox(settings=settings, client=client)
            if not beside_real_accounts:
                own.check_no_real_account()
            own.keep_apart()
    supervisor.start(*_sandbox(plan, settings))
    if not supervisor.wait_until_ready(READY_WITHIN):
        return
    if plan.sandbox:
        set_up_demo(plan.sandbox, settings)
    supervisor.start(*_own_processes(plan, settings))
    if not supervisor.wait_until_ready(READY_WITHIN):
        return
    click.echo(_welcome(plan, settings))
    supervisor.run()


def _valkey(plan: Plan, settings: Settings) -> Iterator[Process]:
    if plan.valkey:
        yield Process(
            "valkey",
            plan.valkey,
            {},
            lambda: _answers_ping(settings.redis_url),
            prepare=lambda: remove_leftovers(plan.valkey_dir),
            input=plan.valkey_input,
        )


def _sandbox(plan: Plan, settings: Settings) -> Iterator[Process]:
    if plan.sandbox:
        bind = plan.sandbox
        command = [*_command("sandbox"), "--bind", str(bind), *_limits(settings)]
        yield Process("sandbox", command, plan.environ, lambda: _answers(f"http://{bind}/"))


def _limits(settings: Settings) -> list[str]:
    """Return the options that give the sandbox the same limits as the settings."""
    rate = max(1, int(settings.requests_per_second))
    return ["--rate", str(rate), "--day", str(settings.requests_per_day)]


def _own_processes(plan: Plan, settings: Settings) -> Iterator[Process]:
    healthz = f"http://{settings.bind.from_here()}/healthz"
    yield Process("web", _command("web"), plan.environ, lambda: _answers(healthz))
    for name in ("worker", "beat"):
        yield Process(name, _command(name), plan.environ, lambda: True)


def _welcome(plan: Plan, settings: Settings) -> str:
    relay = typed_elsewhere(sys.argv[0], Path.cwd(), os.environ.get("RELAY_DATA_DIR", ""))
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
        if how := how_others_come(settings):
            lines += [f"  Others can sign up here, too ({how}). They reach nobody's list.", ""]
    else:
        lines += [f"  Forms are served at:   {settings.public_url}/f/NAME"]
    lines += [f"  Console:               {settings.public_url}/console/"]
    lines += ["", f"  In another terminal:   {relay} status", "  Stop with Ctrl-C.", ""]
    return "\n".join(lines)


def _answers_ping(url: str) -> bool:
    with contextlib.closing(connect(url, socket_timeout=1)) as client:
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False


def _answers(url: str) -> bool:
    """Whether the server at `url`, one of our own processes, answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - http, on this machine
            return True
    except (OSError, http.client.HTTPException):
        return False


def _command(name: str) -> list[str]:
    """Return the arguments that start the process `relay NAME`.

    `-P` keeps the current folder off the module path: a website's folder may have a `web` or
    `shared` of its own.
    """
    return [sys.executable, "-P", "-m", "relay", name]
