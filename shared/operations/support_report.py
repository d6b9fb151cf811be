"""A report about one sign-up for somebody who helps: what happened, and no personal data. Pure.

It has neither what the person typed nor messages, notes and names of operators, which may quote it.
"""

from collections.abc import Iterator
from datetime import datetime

from shared.domain.durations import minute
from shared.domain.short_ids import short_id
from shared.domain.signup import Signup
from shared.domain.state_words import reason_words, state_words
from shared.infrastructure.timestamps import timestamp
from shared.operations.one_signup import SignupDetails
from shared.operations.signup_timeline import ShownAttempt, TimelineEvent


def support_report(details: SignupDetails, version: str) -> str:
    """Return the report as text; `version` is that of signup-relay."""
    return "\n".join(
        [
            f"signup-relay {version}, report of {minute(details.at)}",
            *_standing(details),
            "",
            "What happened",
            *map(_event, details.events),
            "",
            "Attempts",
            *(map(_attempt, details.attempts) if details.attempts else ["none"]),
        ]
    )


def _standing(details: SignupDetails) -> Iterator[str]:
    signup = details.signup
    yield f"sign-up: {signup.id} ({short_id(signup.id)})"
    yield f"account: {signup.account}, form: {signup.form}"
    yield f"state: {state_words(signup.state)}{_of(signup)}"
    yield f"received: {timestamp(signup.received_at)}, settled: {_time(signup.settled_at)}"
    yield f"attempts: {signup.attempts}, lost claims: {signup.lost}, edits: {signup.edits}"
    yield f"due: {_time(details.outlook.due_at)}, in line behind: {details.outlook.before}"
    for hold in details.holds:
        yield f"hold: {hold.reason} since {timestamp(hold.since)}, until {_time(hold.until)}"


def _of(signup: Signup) -> str:
    """Return reason and error key, and why it was quarantined. The message is left out, as it may
    quote what was sent."""
    known = [reason_words(signup.reason)] if signup.reason else []
    known += [signup.error_key] if signup.error_key else []
    if caught := signup.quarantine:
        reasons = ", ".join(map(reason_words, caught.reasons))
        known.append(f"quarantined for {reasons}; score {caught.score}")
    return f" ({', '.join(known)})" if known else ""


def _event(event: TimelineEvent) -> str:
    return f"{timestamp(event.at)}  {state_words(event.name)}"


def _attempt(attempt: ShownAttempt) -> str:
    number = f"no. {attempt.number}" if attempt.number else "not counted"
    key, tracking = attempt.error_key or "no error key", attempt.tracking_id or "no tracking id"
    took = f"{attempt.seconds:.2f} s"
    return f"{_time(attempt.at)}  {number}, {attempt.answer}, {key}, {took}, {tracking}"


def _time(at: datetime | None) -> str:
    return timestamp(at) or "unknown"
