"""The device flow on a terminal: a code to enter in any browser, then asking until that is done."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from relay.terminal.output import printable
from relay.terminal.progress import Waiting
from shared.accounts.connecting import Connected, ConnectFailed
from shared.constant_contact.oauth import (
    DeviceCode,
    DeviceDenied,
    DevicePending,
    TokenEndpointFailed,
)
from shared.domain.errors import LedgerUnavailable, Refused

# RFC 8628, section 3.5.
SLOW_DOWN = timedelta(seconds=5)

_WAITING = "Waiting until the code is entered and access is allowed"
_EXPIRED = "Nobody entered the code in time, so nothing is connected. Run this again for a new one."
_DENIED = "Access was not allowed at Constant Contact, so nothing is connected. Run this again."


def instructions(code: DeviceCode) -> str:
    """Return what the person is told."""
    whole = code.page_with_code
    shorter = f"   or open what has it in it:   {whole}\n" if whole != code.page else ""
    return printable(
        f"1. Open this in any browser:   {code.page}\n"
        f"   and enter this code:         {code.user_code}\n"
        f"{shorter}"
        "2. Log in as the owner or a manager of the account, and allow access.\n"
    )


def follow(
    code: DeviceCode,
    poll: Callable[[], Connected],
    resume: Callable[[str], Connected],
    waiting: Waiting,
) -> Connected:
    """Ask until the account is connected.

    `poll` asks for the tokens, which can be had once; `resume` goes on with those that were kept
    when connecting stopped halfway. Raises `Refused` when asking again cannot help, or the code
    has expired.
    """
    ask, interval, what = poll, code.interval, _WAITING
    failed: ConnectFailed | None = None
    while not waiting.is_over:
        waiting.pause(interval, what)
        try:
            return ask()
        except DevicePending as pending:
            what = _WAITING
            interval += SLOW_DOWN if pending.slow_down else timedelta()
        except DeviceDenied as denied:
            raise Refused(_EXPIRED if denied.expired else _DENIED) from denied
        except ConnectFailed as error:
            what = f"{error} Trying again"
            if error.kept:
                ask, failed = partial(resume, error.kept), error
        except (TokenEndpointFailed, LedgerUnavailable) as error:
            what = f"No answer: {error}. Trying again"
    raise failed or Refused(_EXPIRED)
