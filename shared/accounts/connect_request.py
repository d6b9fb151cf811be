"""What is remembered while an account is being connected, and what became of it."""

import hashlib
import hmac
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from shared.constant_contact.token_set import TokenSet
from shared.domain.account import Account
from shared.domain.check import Check


class StartedFrom(StrEnum):
    """Where a person began to connect an account; to try again, they go back there."""

    TERMINAL = "terminal"
    CONSOLE = "console"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectRequest:
    """Which account to connect, with which API key, and who asked for it.

    With `replace`, the name may pass to another account at Constant Contact than before. `link`
    is the id of the client's link, if the request came by one. `browser` is the digest of the key
    that the browser got in which this began; None where any browser may end it.
    """

    account: str
    client_id: str
    redirect_uri: str
    by: str
    started_from: StartedFrom
    replace: bool = False
    link: str | None = None
    browser: str | None = None

    def may_end_in(self, browser_key: str) -> bool:
        """Whether the browser with this key may end the login; it is empty for one without."""
        return _is_same_browser(self.browser, browser_key)

    def to_dict(self) -> dict[str, Any]:
        fields = asdict(self)
        return {"via": fields.pop("started_from")} | fields

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "ConnectRequest":
        fields = dict(stored)
        return cls(started_from=StartedFrom(fields.pop("via")), **fields)


def _is_same_browser(digest: str | None, browser_key: str) -> bool:
    return digest is None or hmac.compare_digest(digest, key_digest(browser_key))


def key_digest(browser_key: str) -> str:
    """Return what is stored of a browser's key, which only that browser has."""
    return hashlib.sha256(browser_key.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ConnectResult:
    """What became of a request. A failure has a `sentence` for the operator who waits for it.

    If it came by a client's link, `link` is its id, and `for_client` what the client reads.
    `from_console` says that an operator began it in the console. `browser` is that of the request.

    `pending_id` is set when an operator has to choose: the login belongs to another account than
    before, or to one that is connected under another name. `resume` uses these tokens then.
    """

    account: str
    connected: bool
    sentence: str = ""
    checks: tuple[Check, ...] = ()
    pending_id: str | None = None
    link: str | None = None
    for_client: str = ""
    from_console: bool = False
    browser: str | None = None

    def came_from(self, browser_key: str) -> bool:
        """Whether the browser with this key may have brought this about."""
        return _is_same_browser(self.browser, browser_key)

    def to_json(self) -> str:
        fields = asdict(self)
        return json.dumps(fields | {"kept": fields.pop("pending_id")})

    @classmethod
    def from_json(cls, stored: str) -> "ConnectResult":
        found: dict[str, Any] = json.loads(stored)
        return cls(
            account=found["account"],
            connected=found["connected"],
            sentence=found["sentence"],
            checks=tuple(map(Check.from_dict, found["checks"])),
            pending_id=found["kept"],
            link=found.get("link"),
            for_client=found.get("for_client", ""),
            from_console=found.get("from_console", False),
            browser=found.get("browser"),
        )


@dataclass(frozen=True, slots=True)
class PendingTokens:
    """Tokens that were received but not stored, because connecting stopped halfway.

    `at` is the time of that, as scripts read times. `found` is the account of these tokens, if
    connecting stopped because it is another one than before, or has a name already. `instead_of`
    is the identity of the account that had the name then, if these tokens are another account's.
    """

    request: ConnectRequest
    tokens: TokenSet
    at: str
    found: Account | None = None
    instead_of: str | None = None
