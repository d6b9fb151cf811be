"""The applications registered in the sandbox: API key, secret and redirect URIs.

The sandbox starts with the first one; ``POST /sandbox/control`` adds others.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.config import SandboxConfig
from sandbox.records import Records

_KIND = "application"


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An application as the developer portal stores it.

    ``redirect_uris``: the addresses that browsers may return to; None allows any web address.
    ``rotating``: refresh tokens work once; None means the rule of the sandbox.
    """

    client_id: str
    client_secret: str = field(repr=False)
    redirect_uris: tuple[str, ...] | None = None
    rotating: bool | None = None

    def may_send_back_to(self, redirect_uri: str) -> bool:
        return self.redirect_uris is None or redirect_uri in self.redirect_uris


class Applications:
    """All registered applications by API key. The state's lock guards them.

    ``records`` keeps those that were added later, because it keeps their tokens too. The first
    one always comes from the sandbox's options.
    """

    def __init__(self, records: Records, config: SandboxConfig) -> None:
        self._records = records
        self.first_id = config.client_id
        first = Application(
            client_id=config.client_id,
            client_secret=config.client_secret,
            redirect_uris=config.redirect_uris,
        )
        stored = {each.client_id: each for each in map(_stored, records.all(_KIND))}
        self._known = {self.first_id: first} | stored | {self.first_id: first}

    def __iter__(self) -> Iterator[Application]:
        """Yield all applications, the first one first."""
        return iter(self._known.values())

    def find(self, client_id: str) -> Application | None:
        return self._known.get(client_id)

    def register(self, application: Application) -> None:
        """Add the application, or replace the one with its API key."""
        self._known[application.client_id] = application
        if application.client_id != self.first_id:
            self._records.put(_KIND, application.client_id, asdict(application))


def is_web_address(text: str) -> bool:
    """Return whether a browser can be sent to it: absolute, http(s), without a fragment."""
    try:
        address = urlsplit(text)
    except ValueError:  # such as a broken IPv6 address
        return False
    return address.scheme in ("http", "https") and bool(address.netloc) and not address.fragment


def _stored(body: dict[str, Any]) -> Application:
    uris = body["redirect_uris"]
    return Application(**body | {"redirect_uris": None if uris is None else tuple(uris)})
