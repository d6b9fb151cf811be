"""What a client reads whose login by a link came to nothing. The operator reads the error itself.

A client can do little: open the link again, use another login, or wait.
"""

from shared.accounts.account_connector import AlreadyConnected, AnotherAccount, MayNotWrite
from shared.accounts.another_account import told
from shared.accounts.application_calls import ConnectFailed
from shared.accounts.client_links import LinkClosed
from shared.accounts.problems import AccessDenied
from shared.domain.errors import Refused


class NothingToDo(Refused):
    """The client's account is connected already; only the operator has something to decide."""


def for_client(error: Refused, asked_by: str) -> Refused:
    """Return `error` in words for the client; `asked_by` is whom the client knows."""
    if isinstance(error, LinkClosed):
        return error
    if isinstance(error, ConnectFailed):
        return ConnectFailed(_text(error, asked_by), error.pending_id)
    done = isinstance(error, AlreadyConnected) and error.before is None
    return (NothingToDo if done else Refused)(_text(error, asked_by))


def _text(error: Refused, asked_by: str) -> str:
    match error:
        case ConnectFailed():
            return (
                "This did not work just now, so nothing is connected yet. Please try again in a few"
                " minutes."
            )
        case AccessDenied():
            return (
                "You did not allow access at Constant Contact, so nothing is connected. To allow"
                " it, please open the link again, and press the button on the page after the login."
            )
        case MayNotWrite():
            return (
                "This login may not add contacts, so nothing was connected. Please open the link"
                " again, and log in as the account's owner or as an account manager."
            )
        case AlreadyConnected(known=known, before=None):
            return (
                f"{known.called} is already connected, so nothing was changed. You need not do"
                f" anything. {asked_by} can see this."
            )
        case (AnotherAccount() | AlreadyConnected()) as wrong if wrong.before:
            whose = told(wrong.found, wrong.before) or "another account"
            return (
                f"This login belongs to {whose}, but {asked_by} asks for {wrong.before.called}."
                " Nothing was changed. Please open the link again, and log in to the right account."
            )
    return (
        f"Nothing was connected, because {asked_by} has to mend something first, and can see what."
        " You need not do anything now."
    )
