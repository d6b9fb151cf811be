"""Walks through connecting an account as its owner does, for tests against the sandbox."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from shared.accounts.account_connector import Connected
from shared.accounts.browser_flow import Started
from shared.accounts.connecting import Connecting
from shared.domain.check import Check, CheckResult
from tests.support.sandbox_server import SandboxServer

OTHER = "Blue Door Books"
TOKEN_PATH = "/oauth2/default/v1/token"


def start(connecting: Connecting, name: str = "acme", **options: Any) -> Started:
    return connecting.browser.start(name, **{"by": "ada", **options})


def consent(sandbox: SandboxServer, url: str, **who: Any) -> dict[str, str]:
    """Log in at `url`; return what the browser brings to the callback."""
    query = urlsplit(sandbox.authorize(url, **who)).query
    return {name: values[0] for name, values in parse_qs(query).items()}


def come_back(
    connecting: Connecting, sandbox: SandboxServer, started: Started, **who: Any
) -> Connected:
    """Log in where `started` leads, and come back to the callback."""
    back = consent(sandbox, started.url, **who)
    return connecting.browser.finish(back["state"], back["code"])


def connect(
    connecting: Connecting, sandbox: SandboxServer, name: str = "acme", **who: Any
) -> Connected:
    return come_back(connecting, sandbox, start(connecting, name), **who)


def once_stored(connecting: Connecting, step: Callable[[], object]) -> None:
    """Let `step` happen while an account is being connected: it is stored, its checks are not."""
    notify_workers = connecting.connector.notify_workers

    def notify_after_step(account: str) -> None:
        step()
        notify_workers(account)

    object.__setattr__(connecting.connector, "notify_workers", notify_after_step)


def verdicts(checks: tuple[Check, ...]) -> dict[str, CheckResult]:
    return {check.name: check.verdict for check in checks}
