"""What commands work with, made only when a command asks for it."""

import getpass
import os
import sys
from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import click
import redis
from kombu.exceptions import OperationalError

from relay.start.data_dir import completed
from relay.terminal.output import Output
from shared.constant_contact.token_vault import TokenVault
from shared.infrastructure.celery_client import Publisher
from shared.infrastructure.email_syntax import check_email
from shared.infrastructure.redis_urls import connect
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.settings import Settings
from shared.ledger.fingerprints import load_fingerprints
from shared.ledger.format import open_ledger
from shared.ledger.ledger import Ledger
from shared.ledger.registry import Registry
from shared.operations.assembly import (
    AccountTools,
    make_account_tools,
    make_replays,
    make_vault,
    utc_now,
)
from shared.operations.operations import Operations

P = ParamSpec("P")
R = TypeVar("R")


class CommandRuntime:
    """The settings, and all that is made from them."""

    def __init__(self, *, as_json: bool) -> None:
        self.output = Output(as_json=as_json)

    @cached_property
    def by(self) -> str:
        """Who gives the command, as far as the system knows."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # as in a container whose user has no entry
            return "somebody"

    @property
    def interactive(self) -> bool:
        """Whether somebody sits there who can be asked."""
        return not self.output.as_json and sys.stdin.isatty() and sys.stdout.isatty()

    @cached_property
    def settings(self) -> Settings:
        return Settings.from_env(completed(os.environ))

    @cached_property
    def client(self) -> "redis.Redis":
        """A client of a ledger that this version knows; raises `LedgerUnavailable`."""
        client = connect(self.settings.redis_url, socket_timeout=10, socket_connect_timeout=3)
        open_ledger(client, may_upgrade=False)
        return client

    @cached_property
    def registry(self) -> Registry:
        return Registry(self.client)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.client)

    @cached_property
    def operations(self) -> Operations:
        return Operations(
            self.ledger,
            self.registry,
            make_replays(self.settings, self.client),
            fingerprints=lambda: load_fingerprints(self.client, Sealer(self.settings.secret_keys)),
            check_email=check_email,
            now=utc_now,
            notify_workers=self.notify_workers,
        )

    @cached_property
    def accounts(self) -> AccountTools:
        return make_account_tools(self.settings, self.client, self.notify_workers)

    def vault(self) -> TokenVault:
        return make_vault(self.settings, self.client)

    def notify_workers(self, account: str) -> None:
        """Ask the workers to look after `account`; they do so by themselves soon, if this fails."""
        try:
            Publisher(self.settings).notify_workers(account)
        except (OperationalError, redis.RedisError):
            self.output.say("The workers could not be told; they look by themselves in seconds.")


def pass_runtime(
    command: Callable[Concatenate[CommandRuntime, P], R],
) -> Callable[P, R]:
    """Give the command a `Context` as its first argument, and an option `--json`.

    A group's `--json` counts for its commands, too.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @wraps(command)
    def with_context(*args: Any, as_json: bool, **options: Any) -> R:
        return command(CommandRuntime(as_json=as_json or _group_as_json()), *args, **options)

    return cast(Callable[P, R], with_context)


def _group_as_json() -> bool:
    group = click.get_current_context().parent
    return group is not None and bool(group.params.get("as_json"))
