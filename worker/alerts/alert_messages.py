"""What the alert services are told, in words: of one trouble, of several, of dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.durations import in_words
from shared.infrastructure.alert_services import Kind
from shared.ledger.alert_log import DeadLetterNotification, Notification, Part
from worker.alerts.alert_conditions import SEVERAL, Snapshot, paragraphs, waiting

# Chat services cut long messages off; the list is in the console in full.
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Message:
    """What a service is sent."""

    title: str
    body: str
    kind: Kind


def message_for(
    notification: Notification, standing: Sequence[AlertCondition], snapshot: Snapshot
) -> Message:
    """Return what to say; `standing` has the troubles, unless they are over."""
    if notification.event == "over":
        return _end(notification, snapshot)
    by_key = {condition.key: condition for condition in standing}
    found = [by_key[part.key] for part in notification.parts]
    kind = Kind.PROBLEM if found[0].severity == Severity.PROBLEM else Kind.WARNING
    again = notification.event == "reminder"
    if len(found) > 1:
        title = f"{len(found)} {SEVERAL[notification.kind][0]}"
        body = _list([condition.title for condition in found])
        body = paragraphs(body, f"What to do: see each at {snapshot.public_url}/console/")
    else:
        title, body = found[0].title, found[0].body
    if again:
        title = f"Still: {title}"
        stood = in_words(snapshot.at - min(part.begun_at for part in notification.parts))
        body = paragraphs(f"It has stood for {stood}.", body)
    return Message(title, body, kind)


def _end(notification: Notification, snapshot: Snapshot) -> Message:
    first, *others = notification.parts
    if not others:
        return Message(first.over, _end_of(first, notification.kind, snapshot), Kind.OVER)
    title = f"{len(notification.parts)} {SEVERAL[notification.kind][1]}"
    lines = [
        f"{part.over}. {_end_of(part, notification.kind, snapshot)}" for part in notification.parts
    ]
    return Message(title, _list(lines), Kind.OVER)


def _end_of(part: Part, kind: str, snapshot: Snapshot) -> str:
    lasted = (part.ended_at or snapshot.at) - part.begun_at
    text = f"It lasted {in_words(lasted)}."
    if part.account is None or kind == "silence":
        return text
    return f"{text} {_what_flows(part.account, snapshot)}"


def _what_flows(name: str, snapshot: Snapshot) -> str:
    view = snapshot.account(name)
    if view is None or not view.connected:
        return "The account is not connected any more."
    if view.figures.holds:
        reasons = ", ".join(hold.reason for hold in view.figures.holds)
        return f"Nothing was lost. The account is still on hold ({reasons}): {waiting(view)}."
    if view.figures.due:
        return f"Nothing was lost: {waiting(view)} and are being delivered now, oldest first."
    return "Nothing was lost, and no sign-up waits."


def dead_letter_message(notification: DeadLetterNotification, public_url: str) -> Message:
    """Return what to say of an account's dead letters: how many, and why; nothing of whom."""
    name = notification.account
    if notification.event == "over":
        return Message(
            f"{name}: no dead letter is left", "Each was retried or discarded.", Kind.OVER
        )
    by_count = sorted(notification.counts.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in by_count)
    total = sum(notification.counts.values())
    more = "more " if notification.event == "more" else ""
    letters = f"{total:,} {more}dead letter{'s' if total > 1 else ''}"
    return Message(
        f"{name}: {letters}: {reasons}",
        paragraphs(
            "Such sign-ups are given up or refused. They are kept, with their reasons, until"
            " somebody decides.",
            "What to do: see why with `relay failed list`, correct what can be corrected, and"
            f" retry or discard them. The account is at {public_url}/console/accounts/{name}",
        ),
        Kind.WARNING,
    )


def _list(lines: Sequence[str]) -> str:
    shown = [f"- {line}" for line in lines[:MOST_LISTED]]
    if more := len(lines) - MOST_LISTED if len(lines) > MOST_LISTED else 0:
        shown.append(f"and {more} more")
    return "\n".join(shown)
