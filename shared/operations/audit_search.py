"""Looking through the audit trail: by filters, in pages that cost the same however long it is."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any, TypeVar

from shared.domain.audit import Action, AuditEntry
from shared.domain.errors import Refused
from shared.domain.moments import typed_moment
from shared.domain.short_ids import full_id
from shared.infrastructure.timestamps import timestamp
from shared.ledger.stores.audit_trail import (
    NEWEST,
    TOO_MANY_CODES,
    WRONG_CODE,
    AuditPlace,
    AuditTrail,
)
from shared.ledger.time_units import to_milliseconds

E = TypeVar("E", bound=StrEnum)

PAGE = 100
# A page reads so many entries, and then offers to search on.
MOST_READ = 2000
MOST_EXPORTED = 10_000
# An export holds one of web's threads. Reading so many entries takes it a second.
MOST_READ_FOR_EXPORT = 50_000

_CURSOR = re.compile(r"(\d{1,16}(?:\.\d{1,6})?):(\d{1,6})", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class RefusedSignIns(StrEnum):
    """What happens to refused passwords, which strangers can add to the trail. A refused code is
    always shown: who sent it has the password."""

    LEFT_OUT = "left_out"
    SHOWN = "shown"
    ONLY = "only"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries. What is None matches every one. `target` also matches a sign-up that was
    changed together with others, if the entry names it. `until` is left out itself."""

    actor: str | None = None
    action: Action | None = None
    account: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    refused: RefusedSignIns = RefusedSignIns.LEFT_OUT

    def matches(self, entry: AuditEntry) -> bool:
        """Whether the entry matches all but the times."""
        return (
            self.actor in (None, entry.actor)
            and self.action in (None, entry.action)
            and self.account in (None, entry.account)
            and (self.target in (None, entry.target) or self.target in _ids(entry))
        )

    def leaves_out(self, entry: AuditEntry) -> bool:
        """Whether the entry is one of the refused sign-ins that are not wanted, or the only ones
        that are."""
        if self.action == Action.SIGN_IN_REFUSED:
            return False
        match self.refused:
            case RefusedSignIns.LEFT_OUT:
                return _is_refused_password(entry)
            case RefusedSignIns.ONLY:
                return entry.action != Action.SIGN_IN_REFUSED
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """Some entries, newest first. `next` is where to search on; None at the end of the trail.
    `left_out` are refused passwords that match all else."""

    entries: list[AuditEntry]
    next: str | None
    read: int
    left_out: int


class AuditSearch:
    """Raises `Refused` for a wrong cursor or too much to export, and `LedgerUnavailable`."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def page(
        self, chosen: AuditFilter, cursor: str | None = None, *, limit: int = PAGE
    ) -> AuditPage:
        """Return the first entries that match, from the cursor on."""
        start = _place(cursor) if cursor else _start(chosen)
        return self._search(chosen, start, limit=limit, most_read=MOST_READ)

    def export(self, chosen: AuditFilter) -> list[AuditEntry]:
        """Return all entries that match."""
        found = self._search(
            chosen, _start(chosen), limit=MOST_EXPORTED, most_read=MOST_READ_FOR_EXPORT
        )
        if found.next:
            raise Refused(
                f"This would be more than {MOST_EXPORTED:,} entries, or more than"
                f" {MOST_READ_FOR_EXPORT:,} to look through. Choose a shorter time, or run"
                " `relay audit --json`, which prints all."
            )
        return found.entries

    def _search(
        self, chosen: AuditFilter, start: AuditPlace, *, limit: int, most_read: int
    ) -> AuditPage:
        found: list[AuditEntry] = []
        read, left_out, place = 0, 0, start
        reading = self._trail.read(start, chosen.since)
        for entry, behind in islice(reading, most_read):
            read, place = read + 1, behind
            if entry and chosen.matches(entry):
                if chosen.leaves_out(entry):
                    left_out += 1
                else:
                    found.append(entry)
            if len(found) == limit:
                break
        goes_on = next(reading, None) is not None
        return AuditPage(
            entries=found,
            next=_cursor(place) if goes_on else None,
            read=read,
            left_out=left_out if chosen.refused == RefusedSignIns.LEFT_OUT else 0,
        )


def read_filter(given: Mapping[str, str]) -> AuditFilter:
    """Return the filter that a page's form has; an empty value filters nothing. Raises `Refused`
    for a value that means nothing."""
    text = {name: value.strip() for name, value in given.items() if value.strip()}
    return AuditFilter(
        actor=text.get("actor"),
        action=_one_of(Action, "action", text),
        account=text.get("account"),
        target=full_id(text["target"]) if "target" in text else None,
        since=_moment("since", text),
        until=_moment("until", text, whole_day=True),
        refused=_one_of(RefusedSignIns, "refused", text) or RefusedSignIns.LEFT_OUT,
    )


def as_document(entry: AuditEntry) -> dict[str, Any]:
    """Return the entry as scripts read it."""
    return {**asdict(entry), "at": timestamp(entry.at)}


def _one_of(kind: type[E], name: str, given: Mapping[str, str]) -> E | None:
    try:
        return kind(given[name]) if name in given else None
    except ValueError as error:
        raise Refused(f"The filter {name} has no such value.") from error


def _moment(name: str, given: Mapping[str, str], *, whole_day: bool = False) -> datetime | None:
    """Return a time, UTC unless it says otherwise; of a date its beginning, or with `whole_day` its
    end."""
    if name not in given:
        return None
    try:
        moment = typed_moment(given[name])
    except ValueError as error:
        raise Refused(f"The filter {name} is no date such as 2026-03-01.") from error
    return moment + timedelta(days=1) if whole_day and _DAY.fullmatch(given[name]) else moment


def _start(chosen: AuditFilter) -> AuditPlace:
    return AuditPlace(to_milliseconds(chosen.until) - 1) if chosen.until else NEWEST


def _cursor(place: AuditPlace) -> str:
    return f"{place.score:.15g}:{place.read}"


def _place(cursor: str) -> AuditPlace:
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Refused("This is no place in the audit trail. Begin with its first page.")
    return AuditPlace(float(found[1]), int(found[2]))


def _is_refused_password(entry: AuditEntry) -> bool:
    about_code = entry.detail.get("cause") in (WRONG_CODE, TOO_MANY_CODES)
    return entry.action == Action.SIGN_IN_REFUSED and not about_code


def _ids(entry: AuditEntry) -> list[Any]:
    ids = entry.detail.get("ids")
    return ids if isinstance(ids, list) else []
