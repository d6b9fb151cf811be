"""The device flow: show a code to enter in any browser, and poll until it has been entered."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from relay.terminal.progress import Waiting
from shared.accounts.account_connector import Connected
from shared.accounts.application_calls import ConnectFailed
from shared.constant_contact.errors import DeviceDenied, DevicePending, TokenEndpointFailed
from shared.constant_contact.oauth import DeviceCode
from shared.domain.errors import LedgerUnavailable, Refused
from shared.domain.phrases import sentence
from shared.domain.printable import printable

# RFC 8628, section 3.5.
SLOW_DOWN = timedelta(seconds=5)

_WAITING = "Waiting for the code to be entered and access to be allowed"
_EXPIRED = "The code has expired, so nothing is connected. Run this command again for a new one."
_DENIED = "Access was denied at Constant Contact, so nothing is connected. Run this command again."


def instructions(code: DeviceCode) -> str:
    """Return the steps for the person who logs in."""
    whole = code.page_with_code
    shorter = f"   or open this page instead:   {whole}\n" if whole != code.page else ""
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
    """Poll until the account is connected.

    `poll` asks for the tokens, which Constant Contact gives once. `resume` continues with tokens
    that were kept when connecting failed halfway. Raises `Refused` when polling again cannot
    help, or when the code has expired.
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
            what = f"{error} Retrying"
            if error.pending_id:
                ask, failed = partial(resume, error.pending_id), error
        except (TokenEndpointFailed, LedgerUnavailable) as error:
            what = f"It did not work yet: {sentence(str(error))} Retrying"
    raise failed or Refused(_EXPIRED)
