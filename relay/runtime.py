"""The runtime of the commands: their settings and connections, each made when it is asked for.

This is the command line's only composition root. It imports inside its functions, so that
`relay status` does not wait for the import of Celery or of the client of Constant Contact.
"""

import getpass
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import cached_property, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

import click

from relay.start.data_dir import completed
from relay.terminal.output import Output
from relay.terminal.progress import Waiting
from shared.domain.audit import Actor, Via, acting_as
from shared.infrastructure.stored_records import collecting, left_out

if TYPE_CHECKING:
    import redis

    from shared.accounts.account_services import AccountServices
    from shared.accounts.account_summary import AccountSummaries
    from shared.constant_contact.token_vault import TokenVault
    from shared.infrastructure.settings import Settings
    from shared.ledger.ledger import Ledger
    from shared.ledger.stores.form_counts import FormCounts
    from shared.ledger.stores.registry import Registry
    from shared.operations.operations import Operations
    from shared.operations.people import PersonalData

P = ParamSpec("P")
R = TypeVar("R")


class CommandRuntime:
    """The settings, and all objects that are made from them."""

    def __init__(
        self,
        *,
        as_json: bool,
        environ: Mapping[str, str] = os.environ,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`clock` and `sleep` are in seconds."""
        self.output = Output(as_json=as_json)
        self.clock = clock
        self.sleep = sleep
        self._environ = environ

    @cached_property
    def by(self) -> str:
        """The user who gives the command, as far as the system knows."""
        try:
            return getpass.getuser()
        except (KeyError, OSError):  # as in a container whose user has no entry
            return "somebody"

    @property
    def interactive(self) -> bool:
        """Whether a person sits at the terminal, and can be asked."""
        return not self.output.as_json and sys.stdin.isatty() and sys.stdout.isatty()

    def waiting(self, longest: timedelta) -> Waiting:
        """Return a wait of at most `longest`, with a progress line."""
        return Waiting(longest, clock=self.clock, sleep=self.sleep)

    @cached_property
    def settings(self) -> "Settings":
        from shared.infrastructure.settings import Settings

        return Settings.from_env(completed(self._environ))

    @cached_property
    def client(self) -> "redis.Redis":
        """A client of a ledger that this version knows; raises `LedgerUnavailable`."""
        from shared.infrastructure.redis_urls import connect
        from shared.ledger.format import open_ledger

        client = connect(self.settings.redis_url, socket_timeout=10, socket_connect_timeout=3)
        open_ledger(client, may_upgrade=False)
        return client

    def close(self) -> None:
        """Close the connections of a command that has ended."""
        if "client" in vars(self):
            self.client.close()

    def check_redis(self) -> None:
        """Raise `LedgerUnavailable` within half a second if Redis does not answer.

        For commands that have something to say then. Others wait longer.
        """
        from shared.infrastructure.redis_urls import connect_briefly
        from shared.ledger.format import open_ledger

        with connect_briefly(self.settings.redis_url) as client:
            open_ledger(client, may_upgrade=False)

    @cached_property
    def registry(self) -> "Registry":
        from shared.ledger.stores.registry import Registry

        return Registry(self.client)

    @cached_property
    def form_counts(self) -> "FormCounts":
        from shared.ledger.stores.form_counts import FormCounts

        return FormCounts(self.client)

    @cached_property
    def ledger(self) -> "Ledger":
        from shared.ledger.ledger import Ledger

        return Ledger(self.client)

    @cached_property
    def operations(self) -> "Operations":
        from shared.operations.factory import make_operations

        return make_operations(self.settings, self.client, self.notify_workers)

    @cached_property
    def accounts(self) -> "AccountServices":
        from shared.accounts.account_services import make_account_services

        return make_account_services(self.settings, self.client, self.notify_workers)

    @cached_property
    def summaries(self) -> "AccountSummaries":
        from shared.accounts.account_services import make_account_summaries

        return make_account_summaries(self.settings, self.client)

    @cached_property
    def vault(self) -> "TokenVault":
        from shared.constant_contact.factory import make_vault

        return make_vault(self.settings, self.client)

    @cached_property
    def personal_data(self) -> "PersonalData":
        from shared.operations.people import make_personal_data
        from web.signup.people_on_disk import make_spooled_people

        return make_personal_data(
            self.settings,
            self.client,
            make_spooled_people(self.settings, self.client),
            longest_sending=self.settings.lease,
            sleep=self.sleep,
        )

    def notify_workers(self, account: str) -> None:
        """Ask the workers to look after `account`. If this fails, they do so soon by themselves."""
        import redis
        from kombu.exceptions import OperationalError

        from shared.infrastructure.celery_client import Publisher

        try:
            Publisher(self.settings).notify_workers(account)
        except (OperationalError, redis.RedisError):
            self.output.say(
                "The workers could not be notified. They look by themselves within seconds."
            )


def pass_runtime(
    command: Callable[Concatenate[CommandRuntime, P], R],
) -> Callable[P, R]:
    """Give the command a `CommandRuntime` as its first argument, and an option `--json`.

    A group's `--json` counts for its commands, too.
    """

    @click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
    @wraps(command)
    def with_runtime(*args: Any, as_json: bool, **options: Any) -> R:
        make_runtime = click.get_current_context().obj
        with (
            closing(make_runtime(as_json=as_json or _group_as_json())) as runtime,
            acting_as(Actor(runtime.by, Via.CLI)),
            _unreadable_named(runtime.output),
        ):
            return command(runtime, *args, **options)

    return cast(Callable[P, R], with_runtime)


@contextmanager
def _unreadable_named(output: Output) -> Iterator[None]:
    """Warn of stored records that the command has left out, as nobody can read them."""
    with collecting() as unreadable:
        try:
            yield
        finally:
            if unreadable:
                output.warn(left_out(unreadable))


def _group_as_json() -> bool:
    group = click.get_current_context().parent
    return group is not None and bool(group.params.get("as_json"))
