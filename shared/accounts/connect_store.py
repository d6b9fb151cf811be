"""Keeps in Redis what connecting an account needs between a login and the stored tokens.

Everything here is short-lived. Tokens are sealed, since they give access to the account. What came
from Constant Contact, or is meant for it, is marked with the addresses that were configured then.
With other ones it is as good as gone, so that no code, token or secret goes to another server.
"""

import hashlib
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import redis

from shared.accounts.connect_request import ConnectRequest, ConnectResult, PendingTokens
from shared.constant_contact.applications import Application
from shared.constant_contact.token_set import TokenSet
from shared.domain.account import Account
from shared.domain.moments import read_moment
from shared.domain.token_origin import TokenOrigin
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.stored_records import RecordKind, read_one
from shared.ledger.stores import stored_texts

T = TypeVar("T")

STATE_LIFE = timedelta(minutes=15)
# Less than the 24 hours after which the access token is useless.
TOKENS_LIFE = timedelta(hours=12)
RESULT_LIFE = timedelta(days=1)
# The page of a link shows it for about as long as there is the link.
LINK_RESULT_LIFE = timedelta(days=30)
# Longer than reading the account and one refresh take together, however slow the answers are:
# five calls and a token call, each with its wait for a slot.
_LOCK_LIFE = timedelta(minutes=5)


class ConnectStore:
    """Raises `LedgerUnavailable`."""

    def __init__(self, client: "redis.Redis", sealer: Sealer, origin: TokenOrigin) -> None:
        self._client = client
        self._sealer = sealer
        self._origin = str(origin)

    def begin(self, request: ConnectRequest) -> str:
        """Store the request; return a new OAuth state for it, valid for `STATE_LIFE`."""
        state = secrets.token_urlsafe(32)
        self._stored(f"state:{state}").write(self._marked(request.to_dict()), STATE_LIFE)
        return state

    def waiting(self, state: str) -> ConnectRequest | None:
        """Return the request with this state, which goes on waiting for its login."""
        return self._request_in(self._stored(f"state:{state}").read())

    def take(self, state: str) -> ConnectRequest | None:
        """Return the request with this state, and forget it: a state works once."""
        return self._request_in(self._stored(f"state:{state}").take())

    def _request_in(self, stored: str | None) -> ConnectRequest | None:
        return self._read("begun", stored, ConnectRequest.from_dict) if stored else None

    # --- the application that somebody typed in, whose page must not repeat the secret

    def keep_typed(self, application: Application) -> str:
        """Keep the application for as long as a login may take; return an id for it."""
        id = secrets.token_urlsafe(24)
        self._seal(f"typed:{id}", [application.client_id, application.client_secret], STATE_LIFE)
        return id

    def typed(self, id: str) -> Application | None:
        return self._open("typed", id, lambda found: Application(found[0], found[1]))

    # --- results

    def save_result(self, state: str, result: ConnectResult) -> None:
        self._stored(f"ending:{result_id(state)}").write(result.to_json(), RESULT_LIFE)

    def save_link_result(self, link: str, result: ConnectResult) -> None:
        """Save the latest result of a client's link."""
        name = f"ending:{link_result_id(link)}"
        self._stored(name).write(result.to_json(), LINK_RESULT_LIFE)

    def result(self, id: str) -> ConnectResult | None:
        """Return the result with this `result_id`; None as long as there is none."""
        stored = self._stored(f"ending:{id}").read()
        if not stored:
            return None
        return read_one(RecordKind.CONNECTION, "result", partial(ConnectResult.from_json, stored))

    # --- tokens that belong to no account yet

    def save_pending(self, pending: PendingTokens, now: datetime, id: str | None = None) -> str:
        """Save tokens that could not be stored for their account yet; return their id, which is new
        unless it is given. They live for `TOKENS_LIFE` from when they came."""
        id = id or secrets.token_urlsafe(24)
        value = {
            "handshake": pending.request.to_dict(),
            "tokens": pending.tokens.to_json(now),
            "at": pending.at,
            "found": pending.found.to_dict() if pending.found else None,
            "instead_of": pending.instead_of,
        }
        life = TOKENS_LIFE - (now - read_moment(pending.at))
        if life > timedelta():
            self._seal(f"kept:{id}", value, life)
        return id

    def pending(self, id: str) -> PendingTokens | None:
        return self._open("kept", id, _pending)

    def forget_pending(self, id: str) -> None:
        self._stored(f"kept:{id}").remove()

    def save_refreshed(self, refresh_token: str, tokens: TokenSet, now: datetime) -> None:
        """Save the tokens that replaced a given refresh token: its owner has no other."""
        self._seal(f"spare:{_digest(refresh_token)}", tokens.to_json(now), TOKENS_LIFE)

    def refreshed(self, refresh_token: str) -> TokenSet | None:
        """Return the tokens that replaced this refresh token, if they were not stored yet."""
        return self._open("spare", _digest(refresh_token), TokenSet.from_json)

    def forget_refreshed(self, refresh_token: str) -> None:
        self._stored(f"spare:{_digest(refresh_token)}").remove()

    def lock(self, what: str) -> AbstractContextManager[bool]:
        """Lock `what`, a secret or a name; gives False while someone else has locked it."""
        return stored_texts.connecting_lock(self._client, f"alone:{_digest(what)}", _LOCK_LIFE)

    def _seal(self, name: str, value: Any, life: timedelta) -> None:
        self._stored(name).write(self._sealer.seal(self._marked(value)), life)

    def _open(self, kind: str, id: str, read: Callable[[Any], T | None]) -> T | None:
        """Return what `read` makes of the value; None for none, for one that is for another server,
        and for one that cannot be read."""
        sealed = self._stored(f"{kind}:{id}").read()
        return self._read(kind, self._sealer.open(sealed), read) if sealed else None

    def _read(self, kind: str, text: str, read: Callable[[Any], T | None]) -> T | None:
        def read_value() -> T | None:
            value = self._unmarked(text)
            return None if value is None else read(value)

        return read_one(RecordKind.CONNECTION, kind, read_value)

    def _marked(self, value: Any) -> str:
        return json.dumps({"origin": self._origin, "value": value})

    def _unmarked(self, text: str) -> Any:
        found = json.loads(text)
        if not isinstance(found, dict) or "origin" not in found:
            return found  # an older version stored it, not long ago
        return found["value"] if found["origin"] == self._origin else None

    def _stored(self, name: str) -> stored_texts.StoredText:
        return stored_texts.connecting(self._client, name)


def _pending(found: dict[str, Any]) -> PendingTokens | None:
    tokens = TokenSet.from_json(found["tokens"])
    if tokens is None:
        return None
    return PendingTokens(
        request=ConnectRequest.from_dict(found["handshake"]),
        tokens=tokens,
        at=found["at"],
        found=Account.from_dict(found["found"]) if found.get("found") else None,
        instead_of=found.get("instead_of"),
    )


def result_id(state: str) -> str:
    """Return the id of the result of a request. It may be shown: it does not reveal the state."""
    return _digest(state)


def link_result_id(link: str) -> str:
    """Return the id of the latest result of a client's link."""
    return _digest(f"link {link}")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
