"""The audit trail: what operators did, when, and from where.

Every operation that changes something adds an entry after the change. docs/audit.md has the rest.
"""

import json
import logging
import math
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

import redis

from shared.domain.audit import Action, Actor, AuditEntry, current_actor
from shared.domain.errors import LedgerUnavailable
from shared.infrastructure.addresses import client_network
from shared.infrastructure.logs import redacted_start
from shared.infrastructure.stored_records import RecordKind, json_object, read_one
from shared.ledger import keys
from shared.ledger.redis_server.redis_errors import redis_errors_translated
from shared.ledger.script_library import Scripts
from shared.ledger.time_units import from_milliseconds, to_milliseconds

log = logging.getLogger(__name__)

# More of what somebody typed, such as the reason of a hold, is cut off.
_LONGEST_TEXT = 200
# Of sign-ups that were changed together, so many ids are named.
MOST_NAMED = 20
_READ_AT_ONCE = 500

# Causes of a refusal after the right password.
WRONG_CODE, TOO_MANY_CODES = "wrong_code", "too_many_codes"


@dataclass(frozen=True, slots=True)
class AuditPlace:
    """Where reading the trail goes on: with the entries of this `score`, in milliseconds since
    1970, of which so many were `read`, and all older ones."""

    score: float
    read: int = 0

    def after(self, score: float) -> "AuditPlace":
        """Return the place behind the next entry, which has this score."""
        return AuditPlace(score, self.read + 1 if score == self.score else 1)


NEWEST = AuditPlace(math.inf)


class AuditTrail:
    """Adding never fails: what Redis does not take is logged, since the change is made."""

    def __init__(self, client: "redis.Redis") -> None:
        self._client = client
        self._scripts = Scripts(client)

    def add(
        self,
        action: Action,
        *,
        account: str | None = None,
        target: str | None = None,
        who: Actor | None = None,
        **detail: Any,
    ) -> None:
        """Add an entry. `who` is only given where another did it than the current actor."""
        entry = _document(who or current_actor(), action, account, target, detail)
        self._run("audit/add", entry=entry)

    def add_signups(self, action: Action, ids: Mapping[str, Sequence[str]], **detail: Any) -> None:
        """Add an entry for each account, about its sign-ups with these ids."""
        for account, those in sorted(ids.items()):
            only = those[0] if len(those) == 1 else None
            some = list(those[:MOST_NAMED])
            self.add(action, account=account, target=only, count=len(those), ids=some, **detail)

    def add_refused_sign_in(self, who: Actor, name: str | None, cause: str) -> None:
        """Add a refused sign-in. `name` is only given if an operator has it.

        Nobody sends a code without the password. So strangers use up no entries of codes.
        """
        action = Action.SIGN_IN_REFUSED
        is_code = cause in (WRONG_CODE, TOO_MANY_CODES)
        network = client_network(who.address or "")
        where = {} if network in ("", who.address) else {"network": network}
        more = "there were more refused sign-ins on this day; the log of web has all"
        overflow = Actor(None, who.via)
        self._run(
            "audit/add_refusal",
            refused=keys.AUDIT_REFUSED_CODES if is_code else keys.AUDIT_REFUSED,
            entry=_document(who, action, None, name, {"cause": cause, "tries": 1, **where}),
            overflow=_document(overflow, action, None, None, {"note": more}),
        )

    def _run(self, script: str, *, entry: str, **values: str) -> None:
        try:
            self._scripts.run(script, trail=keys.AUDIT, entry=entry, **values)
        except LedgerUnavailable:
            log.error("no entry in the audit trail: %s", entry)

    def entries(self, most: int | None = None) -> Iterator[AuditEntry]:
        """Yield the entries, newest first; all of them without `most`. Raises
        `LedgerUnavailable`."""
        return islice((entry for entry, _ in self.read() if entry), most)

    def read(
        self, start: AuditPlace = NEWEST, since: datetime | None = None
    ) -> Iterator[tuple[AuditEntry | None, AuditPlace]]:
        """Yield the entries from `start` on, newest first, each with the place behind it. None is
        one that cannot be read. However many entries there are, each step costs the same. Raises
        `LedgerUnavailable`."""
        oldest = to_milliseconds(since) if since else "-inf"
        place = start
        while page := self._page(place, oldest):
            for text, score in page:
                place = place.after(score)
                yield read_one(RecordKind.AUDIT, _name(score), partial(_entry, text, score)), place

    def _page(self, place: AuditPlace, oldest: int | str) -> list[tuple[str, float]]:
        with redis_errors_translated():
            found: Any = self._client.zrange(
                keys.AUDIT,
                place.score,
                oldest,
                desc=True,
                byscore=True,
                offset=place.read,
                num=_READ_AT_ONCE,
                withscores=True,
            )
        return [(str(text), float(score)) for text, score in found]

    def last(self, action: Action) -> AuditEntry | None:
        """Return the newest entry of this action. Raises `LedgerUnavailable`."""
        return next((entry for entry in self.entries() if entry.action == action), None)

    def trim(self, kept: timedelta) -> int:
        """Remove the entries older than this; return how many. Raises `LedgerUnavailable`."""
        removed: int = self._scripts.run("audit/trim", trail=keys.AUDIT, kept=kept)
        return removed


def _document(
    who: Actor, action: Action, account: str | None, target: str | None, detail: dict[str, Any]
) -> str:
    """Return the entry as it is stored. Its `id` makes it unique."""
    entry = {
        "id": secrets.token_hex(8),
        "actor": who.shown,
        "via": who.via,
        "action": action,
        "account": account,
        "target": target,
        "address": who.address,
        "detail": _safe(detail),
    }
    return json.dumps(entry)


def _safe(value: Any) -> Any:
    """Return the value, its texts without e-mail addresses and secrets, and not too long."""
    match value:
        case str():
            return redacted_start(value, _LONGEST_TEXT)
        case list():
            return [_safe(each) for each in value]
        case dict():
            return {_safe(name): _safe(each) for name, each in value.items()}
    return value


def _name(score: float) -> str:
    try:
        return f"of {from_milliseconds(score):%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return f"of the time {score:g}"


def _entry(stored: str, score: float) -> AuditEntry:
    found = json_object(stored)
    del found["id"]
    return AuditEntry(at=from_milliseconds(score), **found)
