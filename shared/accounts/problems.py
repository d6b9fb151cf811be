"""Errors of Constant Contact while an account is being connected, each with what to do about it.

Pure: an answer or error in, words out.
"""

import re
from urllib.parse import parse_qs, urlsplit

from shared.accounts.connect_request import ConnectRequest, StartedFrom
from shared.constant_contact.errors import FlowNotAllowed, InvalidClient, InvalidGrant
from shared.domain.account import Account
from shared.domain.check import Check, CheckSubject
from shared.domain.errors import Refused
from shared.domain.phrases import sentence

PORTAL = "https://developer.constantcontact.com/"

STALE = (
    "This page has been used already, or is older than 15 minutes. If a page said that the"
    " account is connected, you need not do anything. If not, start again: in the console, at the"
    " terminal, or with the link that you were sent."
)

# As servers like Okta write it in their pages. No shorter words: "security" contains "uri", too.
_ABOUT_REDIRECT = re.compile(r"redirect[_ ]?ur[il]|redirection ur[il]")
_ABOUT_KEY = re.compile(r"client_id|(?:invalid|unauthorized)_client|\bclient id\b")

_SAYS_NOTHING = (403, 404, 408, 425, 429)

_APPLICATION = CheckSubject("authorization_url", "Constant Contact knows the application")

_KEY_UNKNOWN = (
    "Constant Contact does not know the API key.",
    "Copy the key again from the application's page.",
)


class AccessDenied(Refused):
    """Somebody pressed Deny."""


def again(request: ConnectRequest) -> str:
    """Return how to start again, where this request was started."""
    match request.started_from:
        case StartedFrom.LINK:  # an operator reads this; client_texts.py has what the client reads
            return "The link still works: ask your client to open it again."
        case StartedFrom.CONSOLE:
            return "To try again, start again in the console."
        case StartedFrom.TERMINAL:
            return f"Get a new link with: relay connect {request.account} --url"


def other_browser(request: ConnectRequest) -> str:
    """Return what to do when the login ended in another browser than it began in."""
    begin = "Open the link that you were sent again, in this browser, and log in once more."
    if request.started_from == StartedFrom.CONSOLE:
        begin = "Begin again in this browser."
    return (
        "This login began in another browser, or at another address of signup-relay, such as"
        " localhost. Or this browser stores no cookies. So nothing was"
        f" connected or changed. {begin} Or go back to the browser in which you began."
    )


def another_account(request: ConnectRequest) -> str:
    """Return what to do when the login belongs to another account than the one before."""
    if request.started_from == StartedFrom.LINK:
        return (
            "Ask your client to open the link again and to log in to the right account. Or an admin"
            " lets the other account take the name: the two do not share lists and forms."
        )
    return (
        "Log in to the right account. Or an admin lets the other account take the name: with"
        " --replace, or in the console. The two accounts do not share lists and forms."
    )


def already_connected(known: Account, request: ConnectRequest) -> str:
    """Return what to do when the login belongs to the account that is `known` by another name."""
    ended = "At Constant Contact, this login may have ended the one before. "
    return (
        f"{known.called} is already connected as {known.name}, so nothing was changed. One account"
        f" has one name here. {ended if known.client_id == request.client_id else ''}To renew its"
        f" connection, run: relay connect {known.name}. To call it {request.account} instead, first"
        f" run: relay disconnect {known.name}"
    )


def explain_callback(error: str, description: str, redirect_uri: str) -> str:
    """Return what the `error` that came to the callback means.

    Anyone can make up such an address, so nothing of `description` is shown.
    """
    said = f"{error} {description}".lower()
    if error == "access_denied":
        return (
            "Access was not allowed at Constant Contact, so nothing is connected. To allow it,"
            " press the button on the page after the login."
        )
    if "redirect" in said:
        return _redirect_mismatch(redirect_uri)
    if error in ("invalid_client", "unauthorized_client"):
        return (
            "Constant Contact does not know this API key, or the application is switched off."
            f" Check it in the developer portal: {PORTAL}"
        )
    if error == "invalid_scope":
        return (
            "The application may not request the scopes that signup-relay needs: contact_data,"
            " account_read and offline_access. Allow them on the application's page in the"
            " developer portal."
        )
    if error in ("temporarily_unavailable", "server_error"):
        return "Constant Contact has a problem at the moment. Try again in a few minutes."
    return (
        "Constant Contact refused the request. Check that the application there uses the"
        f" Authorization Code Flow and lists this redirect URI: {redirect_uri}"
    )


def explain_code(error: InvalidGrant, redirect_uri: str) -> str:
    """Return why Constant Contact gave no tokens for an authorization code."""
    if "redirect" in str(error).lower():
        return _redirect_mismatch(redirect_uri)
    return (
        "Constant Contact did not accept the authorization code. A code works once, and for five"
        " minutes. If this happens again at once, check this host's clock."
    )


def explain_client(error: InvalidClient, *, own_key: bool) -> str:
    """Return what to do about a refused API key or secret."""
    return f"{sentence(str(error))} {_what_helps_client(error, own_key=own_key)}"


def _what_helps_client(error: InvalidClient, *, own_key: bool) -> str:
    if isinstance(error, FlowNotAllowed):
        return (
            "Switch the flow on, on the application's page in the developer portal: the"
            f" Authorization Code Flow, or for --device the device flow: {PORTAL}"
        )
    return explain_secret(own_key=own_key)


def explain_secret(*, own_key: bool) -> str:
    """Return what to do about a refused secret."""
    where = "the secret that was given with the API key" if own_key else "CTCT_CLIENT_SECRET"
    return (
        f"Check {where}. A new secret from the portal replaces the old one, and the portal shows it"
        " only once."
    )


def explain_device(error: InvalidClient) -> str:
    """Return what to do when a device gets no code; a device sends the API key, and no secret."""
    return (
        "Constant Contact lets no device connect with this API key. Check the key, and switch the"
        f" device flow on, on the application's page: {PORTAL} Or use --url or --link instead."
    )


def check_authorization_url(
    status: int | None, location: str, body: str, redirect_uri: str
) -> Check:
    """Judge the answer to the authorization URL, before a person is sent there.

    `status` is None when there was no answer. Only a certain error is a problem: the login page
    may look like anything.
    """
    subject = _APPLICATION
    if status is None:
        return subject.unknown("Constant Contact did not answer. A browser may reach it.")
    refused = _query(location, "error") if location.startswith(redirect_uri) else ""
    said = f"{refused} {_query(location, 'error_description')} {body}".lower()
    if not refused and status < 400:
        return subject.ok("Constant Contact knows the API key, and the login page opens.")
    if status >= 500 or status in _SAYS_NOTHING:
        return subject.unknown(f"It answers HTTP {status} now. A browser may get more.")
    if _ABOUT_REDIRECT.search(said):
        return subject.problem(
            "The redirect URI is not registered.", _redirect_mismatch(redirect_uri)
        )
    if _ABOUT_KEY.search(said):
        return subject.problem(*_KEY_UNKNOWN)
    if refused:
        return subject.problem("It refuses the login.", explain_callback(refused, "", redirect_uri))
    return subject.unknown(f"It answers HTTP {status}. Check whether the login page opens.")


def check_secret(error: InvalidClient, *, own_key: bool) -> Check:
    """Return the check of an application whose secret, or flow, is refused."""
    return _APPLICATION.problem(
        f"{error}, so no login can succeed.", _what_helps_client(error, own_key=own_key)
    )


def _redirect_mismatch(redirect_uri: str) -> str:
    return (
        "The application does not have this redirect URI. On its page in the developer portal, add"
        f" exactly this one: {redirect_uri}"
    )


def _query(address: str, name: str) -> str:
    try:
        query = urlsplit(address).query
    except ValueError:  # such as a bracket that is not closed
        return ""
    return next(iter(parse_qs(query).get(name, [])), "")
