"""Links for clients: an agency sends one, the account's owner opens it and logs in.

A link is signed, expires, and connects once. Opening it has no effect, since mail scanners open
every link that they see.
"""

import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import redis
from itsdangerous import BadData, URLSafeSerializer

from shared.domain.errors import Refused
from shared.domain.moments import read_moment
from shared.infrastructure.sealing import derived_key
from shared.infrastructure.stored_records import RecordKind, json_object, read_named
from shared.infrastructure.timestamps import timestamp
from shared.ledger.stores import documents

LINK_LIFE = timedelta(days=7)
LONGEST_LINK_LIFE = timedelta(days=60)
# How long a link that can no longer be used still shows its result.
_REMEMBERED = timedelta(days=30)
_LONGEST_NAME = 80


class LinkClosed(Refused):
    """The link no longer works. The message is for the client."""


class LinkState(StrEnum):
    """How far the client has got."""

    WAITING = "waiting"  #: nobody has opened it yet
    OPENED = "opened"  #: somebody has opened it, and has not logged in yet
    FAILED = "failed"  #: the login failed, or access was refused; the link still works
    CONNECTED = "connected"  #: done; the link no longer works
    WITHDRAWN = "withdrawn"  #: an operator withdrew it


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A link. `asked_by` is the name that the client sees, `made_by` the operator who made it.
    Times are as scripts read them. `note` is a sentence about what happened last."""

    id: str
    account: str
    client_id: str
    asked_by: str
    made_by: str
    made_at: str
    expires_at: str
    replace: bool = False
    state: LinkState = LinkState.WAITING
    note: str = ""

    def has_expired(self, now: datetime) -> bool:
        return now >= datetime.fromisoformat(self.expires_at)

    def is_open(self, now: datetime) -> bool:
        """Whether the client can still use it."""
        over = self.state in (LinkState.CONNECTED, LinkState.WITHDRAWN)
        return not over and not self.has_expired(now)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: str) -> "Link":
        found = json_object(stored)
        for each in ("made_at", "expires_at"):
            read_moment(found[each])  # raises for what is no time
        return cls(**{**found, "state": LinkState(found["state"])})


class Links:
    """Makes links and keeps track of them. Raises `LedgerUnavailable`."""

    def __init__(
        self, client: "redis.Redis", *, secret_keys: tuple[str, ...], public_url: str
    ) -> None:
        self._links = documents.links(client)
        # Of older versions, links are signed with the keys themselves. The longest lasts 60 days.
        keys = [*(derived_key(key, "link for a client") for key in secret_keys), *secret_keys]
        # The library wants the newest key last.
        self._signer = URLSafeSerializer(keys[::-1], salt="link for a client")
        self._public_url = public_url

    def make(
        self,
        account: str,
        client_id: str,
        *,
        asked_by: str,
        made_by: str,
        replace: bool,
        now: datetime,
        life: timedelta = LINK_LIFE,
    ) -> Link:
        """Return a new link; raises `Refused` when its life or `asked_by` makes no sense."""
        _check_wanted(asked_by, life)
        link = Link(
            id=secrets.token_hex(8),  # its URL is signed; no id begins with a dash, like an option
            account=account,
            client_id=client_id,
            asked_by=asked_by,
            made_by=made_by,
            made_at=timestamp(now),
            expires_at=timestamp(now + life),
            replace=replace,
        )
        self._links.save(link.id, json.dumps(link.to_dict()))
        self._forget_old(now)
        return link

    def _forget_old(self, now: datetime) -> None:
        self._links.remove(*(link.id for link in self._all() if _is_forgotten(link, now)))

    def url(self, link: Link) -> str:
        return f"{self._public_url}/connect/link/{self.token(link)}"

    def token(self, link: Link) -> str:
        """Return the signed part of the link's address."""
        return str(self._signer.dumps(link.id))

    def read(self, token: str, now: datetime) -> Link:
        """Return the link that a client has opened, also one that has connected the account.

        Raises `LinkClosed`, with a sentence for the client, when the link no longer works.
        """
        try:
            link = self.find(str(self._signer.loads(token)))
        except BadData:
            link = None
        if link is None:
            raise LinkClosed(
                "This link is incomplete or unknown. Please open it again from the message, or ask"
                " for a new one."
            )
        if link.state != LinkState.CONNECTED:
            _check_open(link, now)
        return link

    def find(self, id: str) -> Link | None:
        """Return the link; None also if its record cannot be read."""
        stored = self._links.find(id)
        return read_links({id: stored}).get(id) if stored else None

    def _all(self) -> list[Link]:
        return list(read_links(self._links.all()).values())

    def of(self, account: str, now: datetime) -> list[Link]:
        """Return the account's links of the last weeks, the latest first."""
        self._forget_old(now)
        links = [link for link in self._all() if link.account == account]
        return sorted(links, key=lambda link: link.made_at, reverse=True)

    def forget(self, account: str) -> None:
        """Remove all links of the account, used or not."""
        self._links.remove(*(link.id for link in self._all() if link.account == account))

    def note(self, id: str, state: LinkState, note: str, now: datetime) -> None:
        """Note how far the client has got; a link that can no longer be used stays as it is."""

        def decide(stored: dict[str, str]) -> dict[str, str | None]:
            mine = {id: stored[id]} if id in stored else {}
            link = read_links(mine).get(id)
            if link is None or not link.is_open(now):
                return {}
            return {id: json.dumps(replace(link, state=state, note=note).to_dict())}

        self._links.change(decide)

    def withdraw(self, id: str, now: datetime) -> Link:
        """Take the link back if it can still be used; return it as it is then.

        Raises `Refused` when there is no such link.
        """
        self.note(id, LinkState.WITHDRAWN, "", now)
        link = self.find(id)
        if link is None:
            raise Refused("There is no such link. Links are removed a month after they expire.")
        return link


def read_links(stored: dict[str, str]) -> dict[str, Link]:
    """Return those that can be read."""
    return read_named(RecordKind.LINK, stored, Link.from_json, "id")


def _check_wanted(asked_by: str, life: timedelta) -> None:
    if not asked_by.strip() or len(asked_by) > _LONGEST_NAME or not asked_by.isprintable():
        raise Refused(
            "Say who asks for access, since the client reads this name. It has at most"
            f" {_LONGEST_NAME} characters."
        )
    if not timedelta() < life <= LONGEST_LINK_LIFE:
        raise Refused(f"A link can last for {LONGEST_LINK_LIFE.days} days at most.")


def _check_open(link: Link, now: datetime) -> None:
    if link.state == LinkState.WITHDRAWN:
        raise LinkClosed(f"{link.asked_by} has withdrawn this link. Please ask for a new one.")
    if link.has_expired(now):
        raise LinkClosed(f"This link has expired. Please ask {link.asked_by} for a new one.")


def _is_forgotten(link: Link, now: datetime) -> bool:
    return now >= datetime.fromisoformat(link.expires_at) + _REMEMBERED
