"""The messages to alert services: about one condition, about several, about dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.domain.alert_condition import AlertCondition, Severity
from shared.domain.durations import in_words
from shared.domain.phrases import counted
from shared.domain.state_words import reason_words
from shared.infrastructure.alert_services import MessageKind
from shared.ledger.stores.alert_log import DeadLetterNotification, Notification, Part
from worker.alerts.conditions import CONDITIONS
from worker.alerts.phrases import paragraphs, waiting
from worker.alerts.snapshot import Snapshot

# When these end, nothing flows that had to wait.
_ABOUT_NO_DELIVERY = ("silence", "refusals", "spike", "quarantine", "replaced")
# Chat services cut long messages off; the list is in the console in full.
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Message:
    """What a service is sent."""

    title: str
    body: str
    kind: MessageKind


def message_for(
    notification: Notification, active: Sequence[AlertCondition], snapshot: Snapshot
) -> Message:
    """Return what to say; `active` has the conditions, unless they are over."""
    if notification.event == "over":
        return _end(notification, snapshot)
    by_key = {condition.key: condition for condition in active}
    message = _begin([by_key[part.key] for part in notification.parts], snapshot)
    return (
        _reminder(message, notification, snapshot) if notification.event == "reminder" else message
    )


def _begin(found: Sequence[AlertCondition], snapshot: Snapshot) -> Message:
    first = found[0]
    kind = MessageKind.PROBLEM if first.severity == Severity.PROBLEM else MessageKind.WARNING
    if len(found) == 1:
        return Message(first.title, first.body, kind)
    body = paragraphs(
        _list([condition.title for condition in found]),
        f"What to do: see each at {snapshot.public_url}/console/",
    )
    return Message(f"{len(found)} {CONDITIONS[first.kind].several}", body, kind)


def _reminder(message: Message, notification: Notification, snapshot: Snapshot) -> Message:
    lasted = in_words(snapshot.at - min(part.begun_at for part in notification.parts))
    body = paragraphs(f"This has lasted for {lasted}.", message.body)
    return Message(f"Still: {message.title}", body, message.kind)


def _end(notification: Notification, snapshot: Snapshot) -> Message:
    first, *others = notification.parts
    if not others:
        return Message(first.over, _end_of(first, notification.kind, snapshot), MessageKind.OVER)
    title = f"{len(notification.parts)} {CONDITIONS[notification.kind].several_over}"
    lines = [
        f"{part.over}. {_end_of(part, notification.kind, snapshot)}" for part in notification.parts
    ]
    return Message(title, _list(lines), MessageKind.OVER)


def _end_of(part: Part, kind: str, snapshot: Snapshot) -> str:
    lasted = (part.ended_at or snapshot.at) - part.begun_at
    text = f"It lasted {in_words(lasted)}."
    if part.account is None or kind in _ABOUT_NO_DELIVERY:
        return text
    return f"{text} {_what_flows(part.account, snapshot)}"


def _what_flows(name: str, snapshot: Snapshot) -> str:
    view = snapshot.account(name)
    if view is None or not view.connected:
        return "The account is no longer connected."
    if view.figures.holds:
        reasons = ", ".join(hold.reason for hold in view.figures.holds)
        return f"No sign-up was lost. The account is still on hold ({reasons}). {waiting(view)}."
    if view.figures.due:
        return f"No sign-up was lost. {waiting(view)}. Deliveries go on now, oldest first."
    return f"No sign-up was lost. {waiting(view)}."


def dead_letter_message(notification: DeadLetterNotification, public_url: str) -> Message:
    """Return what to say of an account's dead letters: how many, and why; nothing of whom."""
    name = notification.account
    if notification.event == "over":
        title = f"{name}: no failed sign-up is left"
        return Message(title, "Each was retried, discarded or cleared.", MessageKind.OVER)
    body = paragraphs(
        "These sign-ups were refused or given up. signup-relay keeps them, with their reasons,"
        " until somebody decides.",
        "What to do: read the reasons with `relay failed list`. Correct what can be corrected, and"
        f" retry or discard them. The account is at {public_url}/console/accounts/{name}",
    )
    return Message(f"{name}: {_counted(notification)}", body, MessageKind.WARNING)


def _counted(notification: DeadLetterNotification) -> str:
    by_count = sorted(notification.counts.items(), key=lambda item: (-item[1], item[0]))
    reasons = ", ".join(f"{count:,} {reason_words(reason)}" for reason, count in by_count)
    total = sum(notification.counts.values())
    more = "more " if notification.event == "more" else ""
    return f"{counted(total, f'{more}failed sign-up')}: {reasons}"


def _list(lines: Sequence[str]) -> str:
    shown = [f"- {line}" for line in lines[:MOST_LISTED]]
    more = len(lines) - MOST_LISTED
    return "\n".join([*shown, f"and {more} more"] if more > 0 else shown)
