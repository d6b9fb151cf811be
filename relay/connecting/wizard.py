"""`relay connect NAME` on a terminal: each step explained, and waited for."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial

import click

from relay.connecting.connect_flows import Wanted, agreed, print_link, resumed
from relay.runtime import CommandRuntime
from relay.terminal.account_text import say_checks, say_connected
from relay.terminal.output import for_people, printable
from relay.terminal.progress import Waiting
from shared.accounts.client_links import Link, LinkState
from shared.accounts.connecting import Started
from shared.accounts.handshakes import Ending
from shared.accounts.problems import PORTAL
from shared.domain.check import Check, Verdict
from shared.domain.errors import Refused
from shared.operations.assembly import utc_now

# Soon enough that nobody thinks it hangs; a look costs one read of Redis.
_LOOK_EVERY = timedelta(seconds=1)

_APPLICATION = """\
Connecting {name}: three steps, once.

1. The application

   At {portal} make an application, or open yours. It needs:

   OAuth2 flow      Authorization Code Flow
   Redirect URI     {redirect_uri}
                    exactly so, to the last letter
   Refresh tokens   Long Lived is the simplest: one value for ever, so no crash can lose it.
                    Rotating works, too. Each value works once then, and if a process dies
                    between Constant Contact's answer and storing it, someone has to log in
                    again; sign-ups wait until then.

   Whoever logs in is asked to allow:

   contact_data     to put sign-ups on the lists
   account_read     to show whose account it is
   offline_access   to stay connected

   Used is the API key {key}, {origin}.
"""

_LOGIN = """
   Within 15 minutes, open this in a browser and log in as the owner or a manager of the
   account. `relay web` or `relay up` has to run: it takes the answer.

{url}
"""

_OPENED = {
    LinkState.WAITING: "Nobody has opened the link yet",
    LinkState.OPENED: "The link was opened; waiting for the login",
    LinkState.FAILED: "A login went wrong; the link still works",
}


def walk(runtime: CommandRuntime, wanted: Wanted) -> None:
    """Go all steps, up to the lists of the connected account."""
    _explain_application(runtime, wanted)
    runtime.output.say("2. The login\n")
    mine = click.confirm("   Can you log in to the account yourself?", default=True)
    checks = _by_browser(runtime, wanted) if mine else _by_link(runtime, wanted)
    if checks is not None:
        runtime.output.say(f"\n3. {wanted.name} is connected")
        say_connected(runtime, wanted.name, checks)


def _explain_application(runtime: CommandRuntime, wanted: Wanted) -> None:
    connecting = runtime.accounts.connecting
    application = wanted.application or connecting.adoption.applications.default
    runtime.output.say(
        _APPLICATION.format(
            name=wanted.name,
            portal=PORTAL,
            redirect_uri=connecting.redirect_uri,
            key=application.tail,
            origin="given with --api-key" if wanted.application else "that of CTCT_CLIENT_ID",
        )
    )
    check = connecting.preflight(wanted.application)
    say_checks(runtime.output, [check])
    runtime.output.say("")
    wrong = check.verdict == Verdict.PROBLEM
    if wrong and not click.confirm("Go on all the same?", default=False):
        raise Refused("Nothing was changed. Run this again when that is mended.")


# --- who can log in


def _by_browser(runtime: CommandRuntime, wanted: Wanted) -> tuple[Check, ...]:
    """Wait for the login, and return what was checked then."""
    connecting = runtime.accounts.connecting
    started = connecting.start(wanted.name, by=runtime.by, **wanted.options)
    runtime.output.say(_LOGIN.format(url=started.url))
    ending = _ending(runtime, started)
    if ending.connected:
        return ending.checks
    if ending.kept is None:
        raise Refused(ending.sentence)
    resume = partial(connecting.resume, ending.kept, by=runtime.by)
    return agreed(runtime, resume, partial(resumed, runtime)).checks


def _ending(runtime: CommandRuntime, started: Started) -> Ending:
    connecting = runtime.accounts.connecting
    life = started.expires_at - utc_now()
    notified = f"The address goes on working until {for_people(started.expires_at)}."
    with _leaving(f"{notified} Look then: relay accounts"), Waiting(life) as waiting:
        while not waiting.is_over:
            waiting.pause(_LOOK_EVERY, "Waiting for the login; Ctrl-C ends the waiting only")
            if ending := connecting.ending(started.state):
                return ending
    raise Refused("Nobody logged in within 15 minutes. Run this again for a new address.")


# --- somebody else can


def _by_link(runtime: CommandRuntime, wanted: Wanted) -> tuple[Check, ...] | None:
    """Print a link, and wait for the client if that is wanted; None when it is not."""
    link = print_link(runtime, wanted)
    if not click.confirm("\nWait here until the client has logged in?", default=False):
        return None
    _follow_link(runtime, link)
    return ()


def _follow_link(runtime: CommandRuntime, link: Link) -> None:
    links = runtime.accounts.connecting.links
    life = datetime.fromisoformat(link.expires_at) - utc_now()
    notified = f"The link goes on working. Look then: relay accounts links {link.account}"
    with _leaving(notified), Waiting(life) as waiting:
        while not waiting.is_over:
            link = links.find(link.id) or link
            if link.state == LinkState.CONNECTED:
                return
            if link.state == LinkState.WITHDRAWN:
                raise Refused("The link was taken back. Nothing is connected by it any more.")
            note = f": {link.note}" if link.note else ""
            waiting.pause(_LOOK_EVERY, printable(f"{_OPENED[link.state]}{note}"))
    raise Refused("Nobody logged in in time. Run this again for a new link.")


@contextmanager
def _leaving(notified: str) -> Iterator[None]:
    """Tell somebody who stops waiting what happens without them."""
    try:
        yield
    except KeyboardInterrupt:
        raise Refused(f"\nNot waiting any longer. {notified}") from None
