"""The texts of consent of a form: which one it shows, and which it showed before."""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from shared.domain.consent_texts import text_version
from shared.domain.form import DEFAULT_CONSENT, Form
from shared.domain.moments import read_moment
from shared.infrastructure.timestamps import timestamp


@dataclass(frozen=True, slots=True)
class ConsentPeriod:
    """A text that the form shows or showed. `since` is None if nobody knows, `until` if it still
    does. `language` is that of a text of ours, which each visitor reads in theirs."""

    version: str
    text: str
    since: datetime | None
    until: datetime | None
    language: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "version": self.version,
            "text": self.text,
            "since": timestamp(self.since),
            "until": timestamp(self.until),
        }


def consent_periods(form: Form) -> list[ConsentPeriod]:
    """Return the texts of the form, the newest first."""
    return list(_periods(form))


def translated(period: ConsentPeriod, form: Form, ours: Mapping[str, str]) -> list[ConsentPeriod]:
    """Return the period in each language in which visitors read it. `ours` has our own text by
    language; a text of the form's own is the same for everybody."""
    if period.text != DEFAULT_CONSENT:
        return [period]
    said_in = form.showed_our_consent_in if period.until else form.shows_our_consent_in
    return [
        replace(period, version=text_version(text), text=text, language=language)
        for language, text in ours.items()
        if said_in(language)
    ]


def _periods(form: Form) -> Iterator[ConsentPeriod]:
    yield ConsentPeriod(form.consent_version, form.consent_text, _moment(form.consent_since), None)
    for each in form.earlier_consents:
        version = text_version(each.text)
        yield ConsentPeriod(version, each.text, _moment(each.since), _moment(each.until))


def _moment(stored: str | None) -> datetime | None:
    with contextlib.suppress(ValueError, TypeError):
        return read_moment(stored) if stored else None
    return None
