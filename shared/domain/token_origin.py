"""Where tokens were got, which is the only place that they may be sent to."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.domain.web_addresses import is_loopback_url


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOrigin:
    """An API and its authorization server, by their addresses."""

    api_url: str
    auth_url: str

    def __str__(self) -> str:
        """Return it as it is stored and compared: hosts are the same in any case."""
        return f"{_plain(self.api_url)} {_plain(self.auth_url)}"

    @classmethod
    def from_text(cls, stored: str) -> "TokenOrigin":
        api_url, _, auth_url = stored.partition(" ")
        return cls(api_url=api_url, auth_url=auth_url)

    @property
    def is_sandbox(self) -> bool:
        """Whether it is a stand-in for Constant Contact, which takes TLS alone."""
        return urlsplit(self.api_url).scheme == "http" or is_loopback_url(self.api_url)

    def told_from(self, other: "TokenOrigin") -> str:
        """Return for people what differs from `other`."""
        mine, others = str(self).split(" "), str(other).split(" ")
        return " and ".join(m for m, o in zip(mine, others, strict=True) if m != o) or self.api_url


def _plain(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.lower()).geturl()
