"""The check of what retention clears, and when."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from shared.domain.check import Check, CheckSubject
from shared.domain.durations import minute
from shared.domain.retention import KeptRecords, beginning

RETENTION = CheckSubject("retention", "Records are kept as long as the settings say")

# Clearing follows within a minute, but a large backlog takes some more.
_MAY_BE_LATE = timedelta(minutes=10)


def retention(read: Callable[[], Sequence[KeptRecords]], now: Callable[[], datetime]) -> Check:
    """Check whether anything should have been cleared long ago, and tell what is cleared when."""
    records, at = read(), now()
    kept = [each for each in records if each.count]
    found = " ".join(map(_sentence, kept)) or "No record of a settled sign-up is kept."
    late = [each for each in kept if each.next_at and at - each.next_at > _MAY_BE_LATE]
    if late:
        names = ", ".join(each.name for each in late)
        return RETENTION.problem(
            f"Nothing clears what is over: {names}. {found}",
            "Check that a worker of this version runs with the same RELAY_RETAIN_ settings as this"
            " process, and read its log.",
        )
    begins = beginning(records, at)
    return RETENTION.ok(f"{found} {begins}" if begins else found)


def _sentence(records: KeptRecords) -> str:
    following = f", the next is cleared on {minute(records.next_at)}" if records.next_at else ""
    name = "evidence of consent" if records.name == "consent" else records.name
    return f"{records.count:,} {name}, kept {_for(records)}{following}."


def _for(records: KeptRecords) -> str:
    return records.in_words if records.kept_for is None else f"for {records.in_words}"
