"""Operators' keys for the API: each operator has at most one, which works in their present role.

Redis has its digest alone. A key is 256 random bits, which nobody can guess, so its digest needs no
slow hash as a password's does, and no secret of ours either: the keys survive
`relay rotate-secrets`. A key names its operator, so that it is found with two reads, however many
operators there are.

To make a key, ask for the password first where a browser may have been left open.
"""

import contextlib
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import redis

from shared.domain.audit import Action
from shared.domain.errors import LedgerUnavailable
from shared.domain.moments import read_moment
from shared.infrastructure.stored_records import RecordKind, json_object, read_all
from shared.ledger.stores import documents
from shared.ledger.stores.audit_trail import AuditTrail
from shared.operations.operators import Operator, Operators

# Programs that look for secrets in files know a key by it.
_BEGINNING = "relay_"
# A use is noted so often, so that not every request writes to Redis.
NOTE_USE_EVERY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorKey:
    """What is known of an operator's key. `used_at` is right to a minute; None for never."""

    digest: str = field(repr=False)
    made_at: datetime
    used_at: datetime | None = None

    @classmethod
    def from_json(cls, stored: str) -> "OperatorKey":
        found = json_object(stored)
        used_at = found.get("used_at")
        return cls(
            digest=found["digest"],
            made_at=read_moment(found["made_at"]),
            used_at=read_moment(used_at) if used_at else None,
        )

    def to_json(self) -> str:
        used = {"used_at": self.used_at.isoformat()} if self.used_at else {}
        return json.dumps({"digest": self.digest, "made_at": self.made_at.isoformat(), **used})

    def is_of(self, key: str) -> bool:
        return hmac.compare_digest(self.digest.encode(), _digest(key).encode())

    def was_noted_lately(self, now: datetime) -> bool:
        return self.used_at is not None and now - self.used_at < NOTE_USE_EVERY


class OperatorKeys:
    """The keys of all operators. `now` gives the time. Raises `LedgerUnavailable`.

    Removing an operator removes the key (`Operators.remove`). A new password leaves it as it is.
    """

    def __init__(self, client: "redis.Redis", *, now: Callable[[], datetime]) -> None:
        self._stored = documents.operator_keys(client)
        self._operators = Operators(client)
        self._trail = AuditTrail(client)
        self._now = now

    # --- looking

    def find(self, key: str) -> Operator | None:
        """Return the operator whose key this is, as they are now, and note that it was used; None
        for any other text."""
        name = _named_in(key)
        if name is None:
            return None
        known = self.of(name)
        if known is None or not known.is_of(key):
            return None
        if not known.was_noted_lately(self._now()):
            self._note_use(name, key)
        return self._operators.find(name)

    def of(self, name: str) -> OperatorKey | None:
        """Return what is known of the operator's key; None if there is none."""
        stored = self._stored.find(name)
        return _read({name: stored}).get(name) if stored else None

    def all(self) -> dict[str, OperatorKey]:
        """Return what is known of each key, by operator."""
        return _read(self._stored.all())

    # --- changing

    def issue(self, name: str) -> str:
        """Return a new key of the operator, which is not stored. It ends the one before. Raises
        `Refused` for an unknown operator."""
        self._operators.named(name)
        key = f"{_BEGINNING}{name}.{secrets.token_urlsafe(32)}"
        self._stored.save(name, OperatorKey(digest=_digest(key), made_at=self._now()).to_json())
        self._trail.add(Action.MAKE_KEY, target=name)
        return key

    def revoke(self, name: str) -> bool:
        """End the operator's key at once; False if there is none."""
        had_one = bool(self._stored.remove(name))
        if had_one:
            self._trail.add(Action.REVOKE_KEY, target=name)
        return had_one

    def _note_use(self, name: str, key: str) -> None:
        """Note that the key is used, unless another one has replaced it meanwhile. A Redis that
        takes no writes keeps nobody out."""

        def decide(stored: dict[str, str]) -> documents.Changes:
            known = _read({name: stored[name]}).get(name) if name in stored else None
            if known is None or not known.is_of(key):
                return {}
            return {name: replace(known, used_at=self._now()).to_json()}

        with contextlib.suppress(LedgerUnavailable):
            self._stored.change(decide)


def _named_in(key: str) -> str | None:
    """Return the operator whom a key names; None for what is no key. Anybody may send any text."""
    name, _, secret = key.removeprefix(_BEGINNING).rpartition(".")
    return name if key.startswith(_BEGINNING) and key.isascii() and name and secret else None


def _read(stored: dict[str, str]) -> dict[str, OperatorKey]:
    """Return those that can be read."""
    return read_all(RecordKind.OPERATOR_KEY, stored, OperatorKey.from_json)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
