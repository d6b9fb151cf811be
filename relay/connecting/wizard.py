"""`relay connect NAME` on a terminal: explains each step, and waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import click

from relay.connecting.connect_flows import Resumed, WantedConnection, agreed, print_link
from relay.connecting.connected_text import say_connected
from relay.runtime import CommandRuntime
from relay.terminal.account_text import say_checks
from relay.terminal.output import for_people
from shared.accounts import checks
from shared.accounts.browser_flow import Started
from shared.accounts.client_links import Link, LinkState
from shared.accounts.connect_request import ConnectResult
from shared.accounts.problems import PORTAL
from shared.domain.check import CheckResult
from shared.domain.errors import Refused
from shared.infrastructure.timestamps import utc_now

# A look costs one read of Redis.
_LOOK_EVERY = timedelta(seconds=1)

_APPLICATION = """\
Connecting {name}: three steps, once.

1. The application

   Make an application at {portal}, or open yours. It needs:

   OAuth2 flow      Authorization Code Flow
   Redirect URI     {redirect_uri}
                    exactly this, to the last letter
   Refresh tokens   Long Lived is the simplest: the token never changes, so no crash loses it.
                    Rotating works, too, but each token works once. If a process dies between
                    Constant Contact's answer and storing it, a person must log in again.
                    Sign-ups wait until then.

   The person who logs in is asked to allow:

   contact_data     to put sign-ups on the lists
   account_read     to show whose account it is
   offline_access   to stay connected

   The API key is {key}, {origin}.
"""

_LOGIN = """
   Within 15 minutes, open this in a browser and log in as the owner or a manager of the
   account. `relay web` or `relay up` must run, because it takes the answer.

{url}
"""

_OPENED = {
    LinkState.WAITING: "The link has not been opened yet",
    LinkState.OPENED: "The link was opened. Waiting for the login",
    LinkState.FAILED: "A login failed. The link still works",
}


def walk(runtime: CommandRuntime, wanted: WantedConnection) -> None:
    """Take all steps, up to the lists of the connected account."""
    _explain_application(runtime, wanted)
    runtime.output.say("2. The login\n")
    mine = click.confirm("   Can you log in to the account yourself?", default=True)
    result = _by_browser(runtime, wanted) if mine else _by_link(runtime, wanted)
    if result is not None:
        title = checks.connected_title(result.account, result.checks)
        runtime.output.say(f"\n3. {title}")
        say_connected(runtime, result.account, result.checks)


def _explain_application(runtime: CommandRuntime, wanted: WantedConnection) -> None:
    connecting = runtime.accounts.connecting
    application = wanted.application or connecting.connector.calls.applications.default
    runtime.output.say(
        _APPLICATION.format(
            name=wanted.name,
            portal=PORTAL,
            redirect_uri=connecting.redirect_uri,
            key=application.tail,
            origin="from --api-key" if wanted.application else "from CTCT_CLIENT_ID",
        )
    )
    check = connecting.check_before_login(wanted.application)
    say_checks(runtime.output, [check])
    runtime.output.say("")
    failed = check.verdict == CheckResult.PROBLEM
    if failed and not click.confirm("Continue anyway?", default=False):
        raise Refused("Nothing was changed. Fix this problem, then run this command again.")


# --- the user can log in


def _by_browser(runtime: CommandRuntime, wanted: WantedConnection) -> ConnectResult:
    """Wait for the login, and return what it came to."""
    connecting = runtime.accounts.connecting
    started = connecting.browser.start(wanted.name, by=runtime.by, **wanted.options)
    runtime.output.say(_LOGIN.format(url=started.url))
    result = _result(runtime, started)
    if result.connected:
        return result
    if result.pending_id is None:
        raise Refused(result.sentence)
    resume = partial(connecting.browser.resume, result.pending_id, by=runtime.by)
    connected = agreed(runtime, resume, Resumed(runtime))
    return ConnectResult(connected.account.name, connected=True, checks=connected.checks)


def _result(runtime: CommandRuntime, started: Started) -> ConnectResult:
    connecting = runtime.accounts.connecting
    life = started.expires_at - utc_now()
    farewell = f"The address still works until {for_people(started.expires_at)}."
    with (
        _leaving(f"{farewell} See the result with: relay accounts"),
        runtime.waiting(life) as waiting,
    ):
        while not waiting.is_over:
            waiting.pause(_LOOK_EVERY, "Waiting for the login (Ctrl-C ends the waiting only)")
            if result := connecting.browser.result(started.state):
                return result
    raise Refused("There was no login within 15 minutes. Run this command again for a new address.")


# --- another person can log in


def _by_link(runtime: CommandRuntime, wanted: WantedConnection) -> ConnectResult | None:
    """Print a link, and wait for the client if the user wants that; None if not."""
    link = print_link(runtime, wanted)
    if not click.confirm("\nWait here until the client has logged in?", default=False):
        return None
    return _follow_link(runtime, link)


def _follow_link(runtime: CommandRuntime, link: Link) -> ConnectResult:
    links = runtime.accounts.connecting.browser.links
    life = datetime.fromisoformat(link.expires_at) - utc_now()
    farewell = f"The link still works. See its state with: relay accounts links {link.account}"
    with _leaving(farewell), runtime.waiting(life) as waiting:
        while not waiting.is_over:
            link = links.find(link.id) or link
            if link.state == LinkState.CONNECTED:
                result = runtime.accounts.connecting.browser.link_result(link)
                return result or ConnectResult(link.account, connected=True)
            if link.state == LinkState.WITHDRAWN:
                raise Refused("The link was withdrawn. It cannot connect an account any more.")
            note = f": {link.note}" if link.note else ""
            waiting.pause(_LOOK_EVERY, f"{_OPENED[link.state]}{note}")
    raise Refused("There was no login in time. Run this command again for a new link.")


@contextmanager
def _leaving(farewell: str) -> Iterator[None]:
    """End with `farewell` if the user stops waiting with Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        raise Refused(f"\nStopped waiting. {farewell}") from None
