"""The four ways to connect an account: an address to open, a client's link, a code, or tokens."""

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlsplit

import click

from relay.connecting.connected_text import say_connected
from relay.connecting.device_flow import follow, instructions
from relay.runtime import CommandRuntime
from relay.terminal.output import for_people
from shared.accounts import checks
from shared.accounts.account_connector import AlreadyConnected, AnotherAccount, Connected
from shared.accounts.another_account import consequences, differs, told
from shared.accounts.application_calls import ConnectStopped
from shared.accounts.client_links import LINK_LIFE, Link
from shared.constant_contact.applications import Application
from shared.domain.check import CheckResult
from shared.domain.errors import Refused
from shared.domain.printable import printable
from shared.infrastructure.timestamps import timestamp


@dataclass(frozen=True, slots=True)
class WantedConnection:
    """The connection that the user asked for.

    `application` is None for that of the settings. With `replace`, a different account than
    before may take the name.
    """

    name: str
    application: Application | None
    replace: bool

    @property
    def options(self) -> dict[str, Any]:
        """The arguments that every flow takes beside the name."""
        return {"application": self.application, "replace": self.replace}


# --- an address to open


def by_url(runtime: CommandRuntime, wanted: WantedConnection) -> None:
    """Print the address of the login. The callback does the rest."""
    warnings = preflight_warnings(runtime, wanted)
    started = runtime.accounts.connecting.browser.start(
        wanted.name, by=runtime.by, **wanted.options
    )
    runtime.output.json(
        {
            "url": started.url,
            "redirect_uri": started.redirect_uri,
            "expires_at": timestamp(started.expires_at),
            "warnings": warnings,
        }
    )
    _say_warnings(runtime, warnings)
    runtime.output.say(
        "1. The application at Constant Contact must have exactly this redirect URI:\n"
        f"   {started.redirect_uri}\n"
        "2. `relay web` or `relay up` must run, because it takes the answer.\n"
        "3. Within 15 minutes, open this link and log in as the owner or a manager of the\n"
        "   account. You must log in even if the browser is logged in already.\n"
        f"{started.url}"
    )


def preflight_warnings(runtime: CommandRuntime, wanted: WantedConnection) -> list[str]:
    """Return what would prevent the login, in whole sentences."""
    check = runtime.accounts.connecting.check_before_login(wanted.application)
    if check.verdict != CheckResult.PROBLEM:
        return []
    return [printable(" ".join(filter(None, (check.found, check.fix))))]


def _say_warnings(runtime: CommandRuntime, warnings: Sequence[str]) -> None:
    for warning in warnings:
        runtime.output.say(f"WARNING: {warning}\n")


# --- a link for a client


def by_link(
    runtime: CommandRuntime, wanted: WantedConnection, asked_by: str | None, life: timedelta
) -> None:
    """Make a link and print it."""
    print_link(runtime, wanted, asked_by, life, preflight_warnings(runtime, wanted))


def print_link(
    runtime: CommandRuntime,
    wanted: WantedConnection,
    asked_by: str | None = None,
    life: timedelta = LINK_LIFE,
    warnings: Sequence[str] = (),
) -> Link:
    """Make a link and print it. Without `asked_by`, ask for the name that the client sees."""
    connecting = runtime.accounts.connecting
    link = connecting.browser.make_link(
        wanted.name,
        by=runtime.by,
        asked_by=(asked_by if asked_by is not None else _ask_for_whom(runtime)).strip(),
        life=life,
        **wanted.options,
    )
    url, expires_at = connecting.browser.links.url(link), datetime.fromisoformat(link.expires_at)
    runtime.output.json(
        {
            "url": url,
            "account": link.account,
            "asked_by": link.asked_by,
            "expires_at": timestamp(expires_at),
            "id": link.id,
            "warnings": list(warnings),
        }
    )
    _say_warnings(runtime, warnings)
    runtime.output.say(
        "Send this link to a person who can log in to the account. The page says that"
        f" {link.asked_by} asks.\n"
        f"The link works until {for_people(expires_at)}, and connects one account once. It can be"
        " opened more often.\n"
        f"See its state:  relay accounts links {link.account}\n"
        f"Withdraw it:    relay accounts withdraw {link.id}\n"
        f"{url}"
    )
    return link


def _ask_for_whom(runtime: CommandRuntime) -> str:
    """Ask for the name by which the client knows us. Without a terminal, it is the host's name."""
    host = urlsplit(runtime.settings.public_url).hostname or ""
    if not runtime.interactive:
        return host
    asked_by: str = click.prompt("\nBy which name does the client know you?", default=host)
    return asked_by


# --- a code


def by_device(runtime: CommandRuntime, wanted: WantedConnection) -> None:
    """Show a code, and wait until a person has entered it."""
    connecting = runtime.accounts.connecting
    code = connecting.device.start(wanted.application)
    click.echo(instructions(code), err=runtime.output.as_json)
    poll = partial(connecting.device.poll, wanted.name, code, by=runtime.by, **wanted.options)
    resume = partial(connecting.browser.resume, by=runtime.by)

    def connected() -> Connected:
        with runtime.waiting(code.expires_in) as waiting:
            return follow(code, poll, resume, waiting)

    _print_connected(runtime, agreed(runtime, connected, Resumed(runtime)))


# --- tokens


def with_tokens(runtime: CommandRuntime, wanted: WantedConnection) -> None:
    """Connect with the tokens from standard input."""
    given = _from_input()

    def connected(name: str, replace: bool) -> Connected:
        return runtime.accounts.connecting.tokens.connect(
            name, given, by=runtime.by, application=wanted.application, replace=replace
        )

    class GivenAgain(Answers):
        def replace(self, error: AnotherAccount) -> Connected:
            return connected(wanted.name, True)

        def renew(self, error: AlreadyConnected) -> Connected:
            return connected(error.known.name, False)

    first = partial(connected, wanted.name, wanted.replace)
    _print_connected(runtime, agreed(runtime, first, GivenAgain()))


def _from_input() -> dict[str, Any]:
    if sys.stdin.isatty():
        click.echo("Paste the tokens as JSON, then press Enter and Ctrl-D.", err=True)
    try:
        given = json.load(sys.stdin)
    except ValueError as error:
        raise Refused(
            "Standard input is not JSON, so nothing was connected. The expected form is:"
            ' {"access_token": "…", "refresh_token": "…", "expires_in": 86400}'
        ) from error
    return given if isinstance(given, dict) else {}


# --- another account than before, or one that has a name already


class Answers(Protocol):
    """How a flow goes on when the user has agreed to a change."""

    def replace(self, error: AnotherAccount) -> Connected:
        """Let the other account take the name."""

    def renew(self, error: AlreadyConnected) -> Connected:
        """Renew the connection under the name that the account has."""


@dataclass(frozen=True, slots=True)
class Resumed(Answers):
    """Goes on with the tokens that were saved."""

    runtime: CommandRuntime

    def replace(self, error: AnotherAccount) -> Connected:
        return self._resume(error, replace=True)

    def renew(self, error: AlreadyConnected) -> Connected:
        return self._resume(error, name=error.known.name)

    def _resume(self, error: ConnectStopped, **change: Any) -> Connected:
        browser = self.runtime.accounts.connecting.browser
        return browser.resume(error.pending_id or "", by=self.runtime.by, **change)


def agreed(
    runtime: CommandRuntime, connect: Callable[[], Connected], answers: Answers
) -> Connected:
    """Return the connection that `connect` makes.

    If that needs a change of names, ask for it where there is a terminal to ask at.
    """
    try:
        return connect()
    except AnotherAccount as error:
        if not (runtime.interactive and _may_take_the_name(runtime, error)):
            raise
        return answers.replace(error)
    except AlreadyConnected as error:
        if not (runtime.interactive and _may_be_renewed(error)):
            raise
        return answers.renew(error)


def _may_take_the_name(runtime: CommandRuntime, error: AnotherAccount) -> bool:
    before, found = error.before, error.found
    forms = [form.name for form in runtime.registry.forms() if form.account == before.name]
    waiting = runtime.summaries.ledger.figures(before.name).due
    for line in (differs(before, found), *consequences(before, found, forms, waiting)):
        click.echo(printable(line))
    whose = told(found, before) or "the other account"
    return click.confirm(printable(f"Let {whose} take the name {before.name}?"))


def _may_be_renewed(error: AlreadyConnected) -> bool:
    known, before = error.known, error.before
    if before:
        click.echo(printable(f"{differs(before, known)} {before.name} stays as it is."))
    click.echo(printable(f"{known.called} is already connected as {known.name}."))
    return click.confirm(f"Reconnect {known.name} with this login?", default=before is None)


# --- what they come to


def _print_connected(runtime: CommandRuntime, connected: Connected) -> None:
    name = connected.account.name
    runtime.output.json(
        runtime.accounts.summaries.summary(name).to_dict()
        | {
            "checks": [check.to_dict() for check in connected.checks],
            "warnings": list(connected.warnings),
        }
    )
    if not runtime.output.as_json:
        runtime.output.say(f"{checks.connected_title(name, connected.checks)}.")
        say_connected(runtime, name, connected.checks)
