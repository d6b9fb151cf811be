"""What can go wrong at Constant Contact while connecting, each with what to do about it.

Pure: an answer or error in, words out.
"""

import re
from urllib.parse import parse_qs, urlsplit

from shared.accounts.handshakes import Handshake, Via
from shared.constant_contact.errors import FlowNotAllowed, InvalidClient, InvalidGrant
from shared.domain.check import Check, ok, problem, unknown

PORTAL = "https://developer.constantcontact.com/"

STALE = (
    "This page has been used already, or is older than 15 minutes. If a page said that the"
    " account is connected, all is well. If not, begin again: in the console, with a new link"
    " from `relay connect NAME --url`, or with the link that you were sent."
)

# As Okta-like servers write it in their pages; nothing shorter, since "security" has a "uri", too.
_ABOUT_REDIRECT = re.compile(r"redirect[_ ]?ur[il]|redirection ur[il]")
_ABOUT_KEY = re.compile(r"client_id|(?:invalid|unauthorized)_client|\bclient id\b")

_SAYS_NOTHING = (403, 404, 408, 425, 429)

_KEY_UNKNOWN = ("The API key is not known there.", "Copy it again from the application's page.")


def again(handshake: Handshake) -> str:
    """Return how to begin again, where this handshake was begun."""
    match handshake.via:
        case Via.LINK:
            return "To try again, open the link that you were sent once more."
        case Via.CONSOLE:
            return "To try again, begin anew in the console."
        case Via.TERMINAL:
            return f"Get a new link with: relay connect {handshake.account} --url"


def another_account(handshake: Handshake) -> str:
    """Return what to do when the login belongs to another account than the name stands for."""
    if handshake.via == Via.LINK:
        return "Please open the link once more and log in to the right account."
    return (
        "Log in to the right account, or say that the other is to take the name (--replace, or the"
        " button in the console): lists and forms of the two have nothing in common."
    )


def of_callback(error: str, description: str, redirect_uri: str) -> str:
    """Return what an `error` means that Constant Contact sent along to the callback.

    Anyone can make up such an address, so nothing of `description` is shown.
    """
    said = f"{error} {description}".lower()
    if error == "access_denied":
        return (
            "Access was not allowed at Constant Contact, so nothing is connected. It is allowed"
            " with the button on the page after the login."
        )
    if "redirect" in said:
        return _redirect_mismatch(redirect_uri)
    if error in ("invalid_client", "unauthorized_client"):
        return f"Constant Contact does not know this API key, or the application is off: {PORTAL}"
    if error == "invalid_scope":
        return (
            "The application may not ask for what is needed: contact_data, account_read and"
            " offline_access. Allow them on the application's page in the developer portal."
        )
    if error in ("temporarily_unavailable", "server_error"):
        return "Constant Contact has a problem of its own just now. Try again in a few minutes."
    return (
        "Constant Contact refused the request. Check that the application there uses the"
        f" Authorization Code Flow and lists this redirect URI: {redirect_uri}"
    )


def of_code(error: InvalidGrant, redirect_uri: str) -> str:
    """Return why an authorization code brought no tokens."""
    if "redirect" in str(error).lower():
        return _redirect_mismatch(redirect_uri)
    return (
        "Constant Contact did not accept the code that it sent along: it works once, and for five"
        " minutes. If this comes again at once, compare this host's clock with the time."
    )


def of_client(error: InvalidClient, *, own_key: bool) -> str:
    """Return what to do about a refused API key or secret."""
    if isinstance(error, FlowNotAllowed):
        return (
            f"{error}. Switch that on, on the application's page in the developer portal: the"
            f" Authorization Code Flow, or for --device the device flow: {PORTAL}"
        )
    return f"{error}. {of_secret(own_key=own_key)}"


def of_secret(*, own_key: bool) -> str:
    """Return what to do about a refused secret."""
    where = "the secret that was given with the API key" if own_key else "CTCT_CLIENT_SECRET"
    return (
        f"Check {where}: a secret that is made anew in the portal ends the one before, and is shown"
        " only once."
    )


def of_device(error: InvalidClient) -> str:
    """Return what to do when a device gets no code; it shows the API key, and no secret."""
    return (
        "Constant Contact lets no device connect with this API key. Compare the key, and switch the"
        f" device flow on, on the application's page: {PORTAL} Without it, use --url or --link."
    )


def of_preflight(status: int | None, location: str, body: str, redirect_uri: str) -> Check:
    """Judge how Constant Contact answers the authorization URL, before a person is sent there.

    `status` is None when there was no answer. Only what is certainly wrong is a problem: the
    login page may look like anything.
    """
    name, title = "authorization_url", "Constant Contact knows the application"
    if status is None:
        return unknown(name, title, "Constant Contact did not answer; a browser may reach it.")
    refused = _query(location, "error") if location.startswith(redirect_uri) else ""
    said = f"{refused} {_query(location, 'error_description')} {body}".lower()
    if not refused and status < 400:
        return ok(name, title, "The API key is known, and the login page opens.")
    if status >= 500 or status in _SAYS_NOTHING:
        return unknown(name, title, f"It answers HTTP {status} just now; a browser may get more.")
    if _ABOUT_REDIRECT.search(said):
        return problem(
            name, title, "The redirect URI is not registered.", _redirect_mismatch(redirect_uri)
        )
    if _ABOUT_KEY.search(said):
        return problem(name, title, *_KEY_UNKNOWN)
    if refused:
        return problem(name, title, "It refuses the login.", of_callback(refused, "", redirect_uri))
    return unknown(name, title, f"It answers HTTP {status}; see whether the login page opens.")


def _redirect_mismatch(redirect_uri: str) -> str:
    return (
        "The redirect URI is not the one that the application has. On its page in the developer"
        f" portal, add exactly this one: {redirect_uri}"
    )


def _query(address: str, name: str) -> str:
    try:
        query = urlsplit(address).query
    except ValueError:  # such as a bracket that is not closed
        return ""
    return next(iter(parse_qs(query).get(name, [])), "")
