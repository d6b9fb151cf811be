"""Turns the answers of scripts into values."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from shared.domain.account import Hold, HoldReason, Release
from shared.domain.errors import KeyReused, VisitorLimited
from shared.domain.signup import DeathReason, Signup
from shared.infrastructure.stored_records import RecordKind, json_object, read_all, read_one
from shared.ledger.records import FirstLine, read_filter_values, read_sent, read_signup
from shared.ledger.time_units import from_milliseconds, moment
from shared.ledger.values import UNKNOWN_REASON, Accepted, Claim

# The account's texts of consent by version, which the records name.
Texts = Mapping[str, str]


def read_accepted(answer: list[Any]) -> Accepted:
    match answer:
        case ["accepted", id, notify_workers]:
            return Accepted(id, duplicate=False, notify_workers=bool(notify_workers))
        case ["duplicate", id]:
            return Accepted(id, duplicate=True, notify_workers=False)
        case ["limited", wait_ms]:
            raise VisitorLimited(timedelta(milliseconds=wait_ms))
    raise KeyReused


def read_claim(account: str, details: list[Any]) -> Claim:
    id, number, start_in_us, more, age_ms, waited_ms, token_version, record = details
    attempts, lost, received_at, sent, probe, form = record
    return Claim(
        account=account,
        id=id,
        form=form,
        number=number,
        attempts=int(attempts),
        **read_sent(sent),
        start_in=timedelta(microseconds=start_in_us),
        age=timedelta(milliseconds=age_ms),
        received_at=from_milliseconds(received_at),
        waited=timedelta(milliseconds=waited_ms),
        more=bool(more),
        token_version=token_version,
        lost=int(lost),
        probes=frozenset(HoldReason(mark.split()[0]) for mark in _marks(probe)),
    )


def _marks(probe: str) -> list[str]:
    """Return the marks of the holds that a claim probes, each "reason since"."""
    return [mark for mark in probe.split(";") if mark]


def read_records(ids: Sequence[str], answer: list[Any]) -> Iterator[tuple[str, str, Texts]]:
    """Yield the id and the record of each sign-up that `signups/read` found, with the texts."""
    flat, records = answer
    texts: Texts = dict(pairs(flat))
    for id, record in zip(ids, records, strict=True):
        if record:
            yield id, record, texts


def read_signups(
    account: str,
    ids: Sequence[str],
    answer: list[Any],
    may_match: Callable[[FirstLine], bool] | None = None,
) -> Iterator[Signup]:
    """Yield those of the sign-ups that `signups/read` found and that are not cleared. Of those that
    cannot match, no more is read than tells this."""
    for id, record, texts in read_records(ids, answer):
        if may_match and not _may_match(record, may_match):
            continue
        signup = read_one(RecordKind.SIGNUP, id, partial(read_signup, account, id, record, texts))
        if signup:
            yield signup


def _may_match(record: str, may_match: Callable[[FirstLine], bool]) -> bool:
    """Whether the sign-up may match; so may one that cannot be read, which is reported then."""
    try:
        return may_match(read_filter_values(record))
    except (ValueError, TypeError, LookupError, RecursionError):
        return True


def read_hold(reason: str, stored: str) -> Hold:
    hold = json_object(stored)
    return Hold(
        reason=HoldReason(reason),
        since=from_milliseconds(hold["since"]),
        until=moment(hold.get("until")),
        probe_at=moment(hold.get("probe_at")),
        refused_at=moment(hold.get("refused_at")),
        by=hold.get("by", ""),
        note=hold.get("note", ""),
    )


def read_release(stored: str) -> Release:
    release = json_object(stored)
    return Release(
        at=from_milliseconds(release["at"]),
        by=release["by"],
        holds=tuple(HoldReason(reason) for reason in release["holds"]),
        delivered=int(release["delivered"]),
        dead=int(release["dead"]),
    )


def read_holds(account: str, stored: Iterable[Sequence[str]]) -> tuple[Hold, ...]:
    """Return those of the account's holds, each as its reason and its JSON, that can be read."""
    names = {reason: (reason, hold) for reason, hold in stored}
    found = read_all(RecordKind.HOLD, names, lambda each: read_hold(*each), of=account)
    return _gravest_first(found.values())


def _gravest_first(holds: Iterable[Hold]) -> tuple[Hold, ...]:
    """Return them with the gravest first, in the order of `HoldReason`."""
    gravity = list(HoldReason)
    return tuple(sorted(holds, key=lambda hold: gravity.index(hold.reason)))


def read_dead_by_reason(counts: Mapping[str, int], kept: Mapping[str, int]) -> dict[str, int]:
    """Return how many dead letters each reason has, with those that were cleared: together as many
    as `counts` says. `kept` are those that are not cleared. A ledger that cleared some before it
    counted them by reason has them under `UNKNOWN_REASON`."""
    cleared = with_prefix("cleared:dead:", counts)
    found = {str(each): kept.get(each, 0) + cleared.get(each, 0) for each in DeathReason}
    rest = counts.get("dead", 0) - sum(found.values())
    return {**found, UNKNOWN_REASON: rest} if rest > 0 else found


def with_prefix(prefix: str, counts: Mapping[str, int]) -> dict[str, int]:
    """Return the counts whose names begin with `prefix`, by the rest of their names."""
    return {
        name.removeprefix(prefix): count
        for name, count in counts.items()
        if name.startswith(prefix)
    }


def pairs(flat: list[Any]) -> Iterator[tuple[str, Any]]:
    return zip(flat[::2], flat[1::2], strict=True)
