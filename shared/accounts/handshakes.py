"""Handshakes: what is remembered from sending a person to Constant Contact until all is stored.

Everything here is short-lived. Tokens among it are sealed: who has them has the account.
"""

import hashlib
import json
import secrets
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import redis

from shared.constant_contact.token_set import TokenSet
from shared.domain.check import Check
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.timestamps import timestamp
from shared.ledger import notes

STATE_LIFE = timedelta(minutes=15)
# Less than the 24 hours after which the access token among them is useless.
TOKENS_LIFE = timedelta(hours=12)
# As long as someone may look for what became of it.
ENDING_LIFE = timedelta(days=1)
# Longer than reading the account and one refresh take together, however slow the answers are:
# five calls and a token call, each with its wait for a slot.
_ALONE = timedelta(minutes=5)


class Via(StrEnum):
    """Where a handshake began, which is where one goes to try again."""

    TERMINAL = "terminal"
    CONSOLE = "console"
    LINK = "link"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """Which account is to be connected, with which API key, and who asked for it.

    With `replace`, another account at Constant Contact than before may take the name. `link` is
    the id of the client's link that it came by.
    """

    account: str
    client_id: str
    redirect_uri: str
    by: str
    via: Via
    replace: bool = False
    link: str | None = None

    @classmethod
    def from_json(cls, stored: str | bytes) -> "Handshake":
        found: dict[str, Any] = json.loads(stored)
        return cls(**{**found, "via": Via(found["via"])})


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of a handshake. A failure has a `sentence` that tells it to whoever waited.

    `kept` is set when the login belongs to another account: `resume` goes on from it once
    somebody has said that this account may take the name.
    """

    account: str
    connected: bool
    sentence: str = ""
    checks: tuple[Check, ...] = ()
    kept: str | None = None

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str) -> "Ending":
        found: dict[str, Any] = json.loads(stored)
        checks = tuple(map(Check.from_dict, found["checks"]))
        return cls(found["account"], found["connected"], found["sentence"], checks, found["kept"])


@dataclass(frozen=True, slots=True)
class Kept:
    """Tokens of a handshake that stopped halfway. `at` is when, as scripts read times;
    `belongs_to` names the other account that they are of, where that is why it stopped."""

    handshake: Handshake
    tokens: TokenSet
    at: str
    belongs_to: str | None


class Handshakes:
    """Remembers them. Raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", sealer: Sealer) -> None:
        self._client = client
        self._sealer = sealer

    def begin(self, handshake: Handshake) -> str:
        """Return a new OAuth state for it, good for `STATE_LIFE`."""
        state = secrets.token_urlsafe(32)
        self._note(f"state:{state}").write(json.dumps(asdict(handshake)), STATE_LIFE)
        return state

    def take(self, state: str) -> Handshake | None:
        """Return what was begun with `state`, which works no more after this."""
        stored = self._note(f"state:{state}").take()
        return Handshake.from_json(stored) if stored else None

    # --- for whoever waits

    def end(self, state: str, ending: Ending) -> None:
        self._note(f"ending:{ending_id(state)}").write(ending.to_json(), ENDING_LIFE)

    def ending(self, id: str) -> Ending | None:
        """Return what became of the handshake with this `ending_id`; None while nothing has."""
        stored = self._note(f"ending:{id}").read()
        return Ending.from_json(stored) if stored else None

    # --- tokens that are not an account's yet

    def keep(
        self, handshake: Handshake, tokens: TokenSet, now: datetime, belongs_to: str | None
    ) -> str:
        """Keep tokens that could not be stored for their account yet; return an id for them."""
        id = secrets.token_urlsafe(24)
        kept = {
            "handshake": asdict(handshake),
            "tokens": tokens.to_json(now),
            "at": timestamp(now),
            "belongs_to": belongs_to,
        }
        self._note(f"kept:{id}").write(self._sealer.seal(json.dumps(kept)), TOKENS_LIFE)
        return id

    def kept(self, id: str) -> Kept | None:
        sealed = self._note(f"kept:{id}").read()
        if not sealed:
            return None
        found = json.loads(self._sealer.open(sealed))
        tokens = TokenSet.from_json(found["tokens"])
        handshake = Handshake.from_json(json.dumps(found["handshake"]))
        return Kept(handshake, tokens, found["at"], found["belongs_to"]) if tokens else None

    def forget_kept(self, id: str) -> None:
        self._note(f"kept:{id}").remove()

    def keep_spare(self, refresh_token: str, tokens: TokenSet, now: datetime) -> None:
        """Keep what a given refresh token was spent for: whoever gave it has only that one."""
        sealed = self._sealer.seal(json.dumps(tokens.to_json(now)))
        self._note(f"spare:{_digest(refresh_token)}").write(sealed, TOKENS_LIFE)

    def spare(self, refresh_token: str) -> TokenSet | None:
        sealed = self._note(f"spare:{_digest(refresh_token)}").read()
        return TokenSet.from_json(json.loads(self._sealer.open(sealed))) if sealed else None

    def forget_spare(self, refresh_token: str) -> None:
        self._note(f"spare:{_digest(refresh_token)}").remove()

    # --- one at a time

    def alone(self, what: str) -> AbstractContextManager[bool]:
        """Lock `what`, a secret or a name; gives False while someone else has locked it."""
        return notes.handshake_lock(self._client, f"alone:{_digest(what)}", _ALONE)

    def _note(self, name: str) -> notes.Note:
        return notes.handshake(self._client, name)


def ending_id(state: str) -> str:
    """Return the name of a handshake's ending, which may be shown: it gives nobody the state."""
    return _digest(state)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
