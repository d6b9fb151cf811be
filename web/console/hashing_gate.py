"""The gate before the threads that hash passwords: whom it lets through, and how often.

It decides in the event loop, before a request takes a thread or a place to wait for one. So a
stranger's flood keeps no operator waiting. What it lets through is counted exactly later, in
`shared/operations/counted_tries.py`.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import BadSignature
from werkzeug.http import parse_cookie

from shared.domain.window_counts import WindowCounts
from shared.infrastructure.addresses import client_network, wider_network
from shared.infrastructure.settings import Settings
from shared.ledger.limits import VISITORS_OF_A_NETWORK
from shared.operations.counted_tries import MOST_TRIES, TRIES_WITHIN
from shared.operations.sessions import LONGEST
from web.console import known_devices
from web.console.guard import is_from_another_site
from web.own_hosts import is_ours
from web.server.flask_threads import RequestWork, please_wait
from web.server.http_request import HttpRequest
from web.signup.receipt import HttpAnswer

# What is posted there has a password, which is compared with a hash.
HASHING_PATHS = {
    "/console/sign-in",
    "/console/profile/key",
    "/console/profile/password",
    "/console/profile/second-factor",
    "/console/profile/second-factor/off",
    "/console/profile/second-factor/recovery-codes",
    "/console/operators",
}
_OF_AN_OPERATOR = re.compile("/console/operators/[^/]+/(role|password|second-factor|remove)")
# Of one visitor or known browser, in one process. Nobody types so many passwords.
MOST_REFUSED, REFUSED_WITHIN = 20, timedelta(minutes=1)
# Of a network that a stranger may have all of, in one process.
MOST_OF_A_NETWORK = MOST_TRIES * VISITORS_OF_A_NETWORK


@dataclass(frozen=True, slots=True)
class Sender:
    """Whose tries count together: a known browser, or a stranger, who has a `network`."""

    key: str
    network: str | None = None

    @property
    def work(self) -> RequestWork:
        return RequestWork.HASHING if self.network else RequestWork.HASHING_KNOWN


class HashingGate:
    """`clock` is monotonic, in seconds. Used by one event loop alone."""

    def __init__(self, app: Flask, settings: Settings, *, clock: Callable[[], float]) -> None:
        self._app = app
        self._settings = settings
        self._refused = WindowCounts(MOST_REFUSED, REFUSED_WITHIN, clock=clock)
        self._networks = WindowCounts(MOST_OF_A_NETWORK, TRIES_WITHIN, clock=clock)

    def sender(self, request: HttpRequest, *, path: str, address: str) -> Sender | None:
        """Return who sends a request that hashes; None for one that surely hashes nothing."""
        if request.method != "POST" or not _hashes(path.rstrip("/")):
            return None
        headers = request.head.headers
        if is_from_another_site(headers) or not is_ours(request.head.host, self._settings):
            return None  # Flask refuses it, whatever else it has
        if known := self._known(parse_cookie(headers.get("cookie"))):
            return Sender(known)
        return Sender(client_network(address), wider_network(address)[0])

    def refusal(self, sender: Sender) -> HttpAnswer | None:
        """Return the answer to somebody who had too many tries."""
        wait = self._refused.wait(sender.key)
        if wait is None and sender.network:
            wait = self._networks.wait(sender.network)
        if wait is None:
            return None
        return please_wait("Too many tries came from here.", math.ceil(wait.total_seconds()))

    def note(self, sender: Sender, status: int) -> None:
        """Count a request that was answered with this HTTP status, if that is a refusal."""
        if 400 <= status < 500:
            self._refused.count(sender.key)
        if status == 401 and sender.network:
            self._networks.count(sender.network)

    def _known(self, cookies: Mapping[str, str]) -> str | None:
        """Return what tells this browser from others, if it has or had an operator's session."""
        if id := self._session_id(cookies.get(self._app.config["SESSION_COOKIE_NAME"], "")):
            return f"session {id}"
        devices = known_devices.read(cookies, self._settings)
        return f"device {' '.join(devices.values())}" if devices else None

    def _session_id(self, cookie: str) -> str | None:
        serializer = SecureCookieSessionInterface().get_signing_serializer(self._app)
        try:
            found = (
                serializer.loads(cookie, max_age=int(LONGEST.total_seconds())) if serializer else {}
            )
        except BadSignature:
            return None
        return found.get("id") if "operator" in found else None


def _hashes(path: str) -> bool:
    return path in HASHING_PATHS or _OF_AN_OPERATOR.fullmatch(path) is not None
