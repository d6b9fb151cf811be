"""Reads Constant Contact's answers into plain `ApiAnswer`s, which shared/domain/outcome.py judges.

Pure. The documentation promises errors as an array of objects. The gateway in front sends one
object, and proxies before it send HTML or nothing. This module reads all of them.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from shared.constant_contact.errors import ConnectionFailed
from shared.constant_contact.response import Response
from shared.domain.outcome import ApiAnswer
from shared.domain.subscription_status import SubscriptionStatus
from shared.infrastructure.logs import redacted_start

LONGEST_MESSAGE = 500
_LONGEST_KEY = 100
# Keeps timedelta from overflowing; outcome.py has its own, far lower, limit.
_LONGEST_RETRY_AFTER = 366 * 86_400


def read_answer(response: Response, now: datetime) -> ApiAnswer:
    """Return what `response` says. Never raises, whatever the response is: its status decides the
    fate of the sign-up then."""
    try:
        return _read_answer(response, now)
    except Exception:  # noqa: BLE001 - a lost claim would soon make a poison dead letter of it
        return ApiAnswer(status=response.status_code, message="the answer cannot be read")


def _read_answer(response: Response, now: datetime) -> ApiAnswer:
    body = read_body(response)
    error_key, message = _error(body)
    contact_id = _contact_id(response.status_code, body)
    if response.status_code < 400 and contact_id is None and message is None:
        message = "the answer has no contact_id"
    return ApiAnswer(
        status=response.status_code,
        error_key=error_key,
        message=message,
        contact_id=contact_id,
        action=_short_text(body, "action") if contact_id else None,
        retry_after=_retry_after(response.headers.get("retry-after", ""), now),
        tracking_id=_tracking_id(response.headers),
    )


def no_answer(error: ConnectionFailed) -> ApiAnswer:
    """Return the `ApiAnswer` for a request without an answer; `error` says why."""
    return ApiAnswer(status=None, message=shown(str(error)))


def read_body(response: Response) -> Any:
    """Return the JSON in the body, with U+FFFD for halves of characters, which nothing can store;
    None when the body is not JSON. A token with one of these is none."""
    try:
        text = json.dumps(json.loads(response.content), ensure_ascii=False)
        return json.loads(text.encode(errors="surrogatepass").decode(errors="replace"))
    except (ValueError, RecursionError):
        return None


def read_subscription_status(body: Any) -> SubscriptionStatus | None:
    """Return the subscription status of the person on this page of contacts; None when it is not
    shown. A deleted contact counts only when there is no other."""
    entries = body.get("contacts") if isinstance(body, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return None
    if not entries:
        return SubscriptionStatus()
    entry = next((each for each in entries if not each.get("deleted_at")), entries[0])
    address = entry.get("email_address")
    contact_id, permission = _text(entry, "contact_id"), _text(address, "permission_to_send")
    if contact_id is None or len(contact_id) > _LONGEST_KEY or permission is None:
        return None
    try:
        opted_out_at = _opted_out_at(address)
    except (ValueError, TypeError, OverflowError):
        return None
    return SubscriptionStatus(
        contact_id=contact_id, permission=permission, opted_out_at=opted_out_at
    )


def _opted_out_at(address: Mapping[str, Any]) -> datetime | None:
    """Raises `ValueError`, `TypeError` or `OverflowError` when the date cannot be read."""
    notified = address.get("opt_out_date")
    if notified is None:
        return None
    found = datetime.fromisoformat(notified)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def shown(text: str) -> str:
    """Return `text` as it may be stored and shown: without addresses and secrets, and cut."""
    return redacted_start(text, LONGEST_MESSAGE)


def _error(body: Any) -> tuple[str | None, str | None]:
    """Return (error_key, message): the key of the first entry, and all messages."""
    entries = body if isinstance(body, list) else [body]
    keys = [key for entry in entries if (key := _text(entry, "error_key"))]
    messages = [
        message
        for entry in entries
        if (message := _text(entry, "error_message") or _text(entry, "message"))
    ]
    return (
        shown(keys[0])[:_LONGEST_KEY] if keys else None,
        shown("; ".join(messages)) if messages else None,
    )


def _contact_id(status: int, body: Any) -> str | None:
    return _short_text(body, "contact_id") if status in (200, 201) else None


def _short_text(entry: Any, name: str) -> str | None:
    """Return the field as `_text` does, cut."""
    text = _text(entry, name)
    return text[:_LONGEST_KEY] if text else None


def _text(entry: Any, name: str) -> str | None:
    """Return the field if it is a text and not empty."""
    value = entry.get(name) if isinstance(entry, dict) else None
    return value if isinstance(value, str) and value else None


def _retry_after(raw: str, now: datetime) -> timedelta | None:
    """Return how long to wait, as the header says in seconds or by a date; never negative."""
    raw = raw.strip()
    if raw.isascii() and raw.isdigit():
        # 20 digits are far above the limit, and int() refuses texts of thousands of digits.
        return timedelta(seconds=min(int(raw[:20]), _LONGEST_RETRY_AFTER))
    try:
        date = parsedate_to_datetime(raw)
        aware = date if date.tzinfo else date.replace(tzinfo=UTC)
        return max(timedelta(0), aware - now)
    except (ValueError, OverflowError):  # no date, or one beyond all calendars
        return None


def _tracking_id(headers: Mapping[str, str]) -> str | None:
    found = headers.get("x-eig-tracking-id") or headers.get("x-amzn-requestid")
    return shown(found)[:_LONGEST_KEY] if found else None
