"""What filters of lists and jobs ask of the record of a sign-up."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from shared.domain.failure_group import FailureGroup
from shared.domain.signup import Signup


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """What only the records of the sign-ups tell; None matches everything.

    `since` and `until` are about when it was received, `settled_since` about when it became what it
    is. `words` are part of its error key or message. `reason` is any of those of a quarantine.
    """

    form: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    settled_since: datetime | None = None
    words: str | None = None
    reason: str | None = None

    @property
    def is_empty(self) -> bool:
        return self == JobFilter()

    def matches(self, signup: Signup) -> bool:
        return (
            self.form in (None, signup.form)
            and (self.since is None or signup.received_at >= self.since)
            and (self.until is None or signup.received_at < self.until)
            and (self.settled_since is None or _is_settled(signup, self.settled_since))
            and has_words(self.words, signup)
            and (self.reason is None or signup.has_reason(self.reason))
        )

    def to_json(self) -> str:
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known, default=datetime.isoformat)

    @classmethod
    def from_json(cls, stored: str) -> "JobFilter":
        found: dict[str, Any] = json.loads(stored)
        for name in found.keys() & {"since", "until", "settled_since"}:
            found[name] = datetime.fromisoformat(found[name])
        return cls(**found)


def _is_settled(signup: Signup, since: datetime) -> bool:
    return signup.settled_at is not None and signup.settled_at >= since


def has_words(words: str | None, failed: Signup | FailureGroup) -> bool:
    """Whether its error key or message has the words, in any case; None is in everything."""
    said = f"{failed.error_key or ''}\n{failed.message or ''}"
    return (words or "").casefold() in said.casefold()
