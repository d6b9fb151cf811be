"""The page of `relay consent --html`: one file that can be printed or sent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import jinja2

from shared.domain.signup import Evidence
from shared.operations.consent_words import consent_in_words

_FOLDER = Path(__file__).parent


def evidence_page(email: str, found: Sequence[Evidence], *, printed_at: datetime) -> str:
    """Return the page, which loads nothing from elsewhere."""
    pages = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    pages.filters["moment"] = _moment
    pages.filters["in_words"] = consent_in_words
    return pages.get_template("evidence.html").render(
        email=email, found=found, printed_at=printed_at
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
