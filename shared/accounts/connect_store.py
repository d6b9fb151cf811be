"""Keeps in Redis what connecting an account needs between a login and the stored tokens.

Everything here is short-lived. Tokens are sealed, since they give access to the account.
"""

import hashlib
import json
import secrets
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import redis

from shared.accounts.connect_request import ConnectRequest, ConnectResult, PendingTokens
from shared.constant_contact.applications import Application
from shared.constant_contact.token_set import TokenSet
from shared.infrastructure.sealing import Sealer
from shared.infrastructure.timestamps import timestamp
from shared.ledger.stores import stored_texts

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

    def __init__(self, client: "redis.Redis", sealer: Sealer) -> None:
        self._client = client
        self._sealer = sealer

    def begin(self, request: ConnectRequest) -> str:
        """Store the request; return a new OAuth state for it, valid for `STATE_LIFE`."""
        state = secrets.token_urlsafe(32)
        self._stored(f"state:{state}").write(json.dumps(request.to_dict()), STATE_LIFE)
        return state

    def waiting(self, state: str) -> ConnectRequest | None:
        """Return the request with this state, which goes on waiting for its login."""
        return _request_in(self._stored(f"state:{state}").read())

    def take(self, state: str) -> ConnectRequest | None:
        """Return the request with this state, and forget it: a state works once."""
        return _request_in(self._stored(f"state:{state}").take())

    # --- the application that somebody typed in, whose page must not repeat the secret

    def keep_typed(self, application: Application) -> str:
        """Keep the application for as long as a login may take; return an id for it."""
        id = secrets.token_urlsafe(24)
        typed = json.dumps([application.client_id, application.client_secret])
        self._stored(f"typed:{id}").write(self._sealer.seal(typed), STATE_LIFE)
        return id

    def typed(self, id: str) -> Application | None:
        sealed = self._stored(f"typed:{id}").read()
        return Application(*json.loads(self._sealer.open(sealed))) if sealed else None

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
        return ConnectResult.from_json(stored) if stored else None

    # --- tokens that belong to no account yet

    def save_pending(
        self,
        request: ConnectRequest,
        tokens: TokenSet,
        now: datetime,
        *,
        belongs_to: str | None = None,
        known_as: str | None = None,
        instead_of: str | None = None,
    ) -> str:
        """Save tokens that could not be stored for their account yet; return an id for them."""
        id = secrets.token_urlsafe(24)
        pending = {
            "handshake": request.to_dict(),
            "tokens": tokens.to_json(now),
            "at": timestamp(now),
            "belongs_to": belongs_to,
            "known_as": known_as,
            "instead_of": instead_of,
        }
        self._stored(f"kept:{id}").write(self._sealer.seal(json.dumps(pending)), TOKENS_LIFE)
        return id

    def pending(self, id: str) -> PendingTokens | None:
        sealed = self._stored(f"kept:{id}").read()
        if not sealed:
            return None
        found = json.loads(self._sealer.open(sealed))
        tokens = TokenSet.from_json(found["tokens"])
        if tokens is None:
            return None
        return PendingTokens(
            request=ConnectRequest.from_dict(found["handshake"]),
            tokens=tokens,
            at=found["at"],
            belongs_to=found["belongs_to"],
            known_as=found.get("known_as"),
            instead_of=found.get("instead_of"),
        )

    def forget_pending(self, id: str) -> None:
        self._stored(f"kept:{id}").remove()

    def save_refreshed(self, refresh_token: str, tokens: TokenSet, now: datetime) -> None:
        """Save the tokens that replaced a given refresh token: its owner has no other."""
        sealed = self._sealer.seal(json.dumps(tokens.to_json(now)))
        self._stored(f"spare:{_digest(refresh_token)}").write(sealed, TOKENS_LIFE)

    def refreshed(self, refresh_token: str) -> TokenSet | None:
        """Return the tokens that replaced this refresh token, if they were not stored yet."""
        sealed = self._stored(f"spare:{_digest(refresh_token)}").read()
        return TokenSet.from_json(json.loads(self._sealer.open(sealed))) if sealed else None

    def forget_refreshed(self, refresh_token: str) -> None:
        self._stored(f"spare:{_digest(refresh_token)}").remove()

    def lock(self, what: str) -> AbstractContextManager[bool]:
        """Lock `what`, a secret or a name; gives False while someone else has locked it."""
        return stored_texts.connecting_lock(self._client, f"alone:{_digest(what)}", _LOCK_LIFE)

    def _stored(self, name: str) -> stored_texts.StoredText:
        return stored_texts.connecting(self._client, name)


def _request_in(stored: str | None) -> ConnectRequest | None:
    return ConnectRequest.from_dict(json.loads(stored)) if stored else None


def result_id(state: str) -> str:
    """Return the id of the result of a request. It may be shown: it does not reveal the state."""
    return _digest(state)


def link_result_id(link: str) -> str:
    """Return the id of the latest result of a client's link."""
    return _digest(f"link {link}")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
