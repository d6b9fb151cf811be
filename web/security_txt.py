"""``/.well-known/security.txt``: whom to tell of a weakness of this installation (RFC 9116)."""

from datetime import datetime, timedelta

from flask import Blueprint, abort
from flask.typing import ResponseReturnValue

from shared.infrastructure.timestamps import timestamp, utc_now
from web.services import services

bp = Blueprint("security_txt", __name__)

PATH = "/.well-known/security.txt"
# Whoever has kept a copy asks again after it. RFC 9116 wants less than a year.
VALID_FOR = timedelta(days=180)


@bp.get(PATH)
def security_txt() -> ResponseReturnValue:
    """Return the file; 404 without RELAY_SECURITY_CONTACT."""
    settings = services().settings
    if settings.security_contact is None:
        abort(404)
    text = make_text(settings.security_contact, settings.public_url, now=utc_now())
    return text, 200, {"Content-Type": "text/plain; charset=utf-8"}


def make_text(contact: str, public_url: str, *, now: datetime) -> str:
    """Return the file's text, which is the same for a day."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [f"Contact: {contact}", f"Expires: {timestamp(midnight + VALID_FOR)}"]
    lines.append("Preferred-Languages: en")
    if public_url.lower().startswith("https://"):
        lines.append(f"Canonical: {public_url}{PATH}")
    return "".join(f"{line}\n" for line in lines)
