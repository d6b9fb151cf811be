"""A form: the account and lists of its sign-ups, and the pages that may use it."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any, Literal
from urllib.parse import SplitResult, urljoin, urlsplit

from shared.domain.signup import WhenUnsubscribed

ConsentBox = Literal["none", "optional", "required"]

DEFAULT_CONSENT = (
    "By signing up you agree to receive e-mails from us. You can unsubscribe at any time."
)


@dataclass(frozen=True, slots=True)
class ListRef:
    """A contact list: its id at Constant Contact, and its name when the form was made."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class CustomField:
    """A custom field that is sent: its id, its `name` in posted forms, its `label` on pages."""

    id: str
    name: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What `relay forms add` stores.

    `origins` are exact, such as ``https://example.com``. `unsubscribed` says what happens when an
    unsubscribed person signs up again.
    """

    name: str
    account: str
    lists: tuple[ListRef, ...]
    custom_fields: tuple[CustomField, ...] = ()
    redirect: str | None = None
    origins: tuple[str, ...] = ()
    consent_text: str = DEFAULT_CONSENT
    consent_box: ConsentBox = "none"
    title: str = "Sign up"
    enabled: bool = True
    unsubscribed: WhenUnsubscribed = "resubscribe"

    @property
    def consent_version(self) -> str:
        """A short digest that changes with the consent text."""
        return hashlib.sha256(self.consent_text.encode()).hexdigest()[:12]

    def allows_origin(self, origin: str) -> bool:
        """Whether a page at `origin` may post here; without a list of origins, any may."""
        return not self.origins or origin in self.origins

    def next_page(self, wanted: str | None, *, posted_from: str | None) -> str | None:
        """Return where the visitor goes after signing up; None for our own thanks page.

        `wanted` is the posted ``_next``. A relative path is resolved against `posted_from`, the
        origin of the page that posted; it stays relative if that is unknown. Another host counts
        only if it is among the form's origins. Anything else is ignored, so that nobody can use a
        form to send people elsewhere.
        """
        wanted = (wanted or "").strip()
        return (self._safe_next(wanted, posted_from) if wanted else None) or self.redirect

    def _safe_next(self, wanted: str, posted_from: str | None) -> str | None:
        # Browsers read `\` as `/`, and skip control characters. urlsplit does neither.
        if not wanted.isprintable() or "\\" in wanted or wanted.startswith("//"):
            return None
        try:
            parts = urlsplit(wanted)
            if parts.scheme or parts.netloc:
                return wanted if _host(parts) in self._hosts() else None
        except ValueError:
            return None
        if posted_from and self.allows_origin(posted_from):
            return urljoin(f"{posted_from}/", wanted)
        path = urljoin("/", wanted)
        return None if path.startswith("//") else path

    def _hosts(self) -> set[tuple[str, int | None]]:
        return {host for host in map(_host, map(urlsplit, self.origins)) if host}

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Form":
        """Return the form that `to_dict` described. Unknown keys of later versions are ignored."""
        known = {key: value for key, value in stored.items() if key in cls.__dataclass_fields__}
        known["lists"] = tuple(ListRef(**item) for item in stored["lists"])
        known["custom_fields"] = tuple(CustomField(**item) for item in stored["custom_fields"])
        known["origins"] = tuple(stored["origins"])
        return cls(**known)


def _host(parts: SplitResult) -> tuple[str, int | None] | None:
    """Return (name, port) of a web address; the port is None if it is the default.

    None for other text, and for an address with a user: `https://example.com@evil.example`.
    """
    usual = {"http": 80, "https": 443}
    if parts.scheme not in usual or not parts.hostname or "@" in parts.netloc:
        return None
    return parts.hostname, parts.port if parts.port != usual[parts.scheme] else None
