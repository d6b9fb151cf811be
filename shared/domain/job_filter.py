"""What filters of lists and jobs ask of the record of a sign-up."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Protocol

from shared.domain.signup import Signup


class Failure(Protocol):
    """What Constant Contact or signup-relay said of a sign-up, or of a group of them."""

    @property
    def error_key(self) -> str | None: ...

    @property
    def message(self) -> str | None: ...


class Standing(Failure, Protocol):
    """How a sign-up stands: what is known of it before all of its record is read."""

    @property
    def form(self) -> str: ...


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

    def may_match(self, standing: Standing) -> bool:
        """Whether a sign-up that stands so may match. This costs far less than to read it."""
        return self.form in (None, standing.form) and has_words(self.words, standing)

    def matches(self, signup: Signup) -> bool:
        return (
            self.may_match(signup)
            and (self.since is None or signup.received_at >= self.since)
            and (self.until is None or signup.received_at < self.until)
            and (self.settled_since is None or _is_settled(signup, self.settled_since))
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


def has_words(words: str | None, failure: Failure) -> bool:
    """Whether its error key or message has the words, in any case; None is in everything."""
    if not words:
        return True
    said = f"{failure.error_key or ''}\n{failure.message or ''}"
    return words.casefold() in said.casefold()
