"""The evidence of consent: which text the page showed, and what the visitor did.

A website has a copy of the form, which stays as it is when an operator changes the text. So our
pages and snippets post the version of the text that they show.
"""

import re
from collections.abc import Mapping

from shared.domain.form import Form
from shared.domain.reading.field_checks import CheckedFields
from shared.domain.reading.posted_fields import CONSENT_SHOWN, LANGUAGE
from shared.domain.signup import Consent
from web.signup.visitors import Visitor

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")


def consent_of(
    form: Form, checked: CheckedFields, posted: Mapping[str, list[str]], visitor: Visitor
) -> Consent:
    """Return the evidence. If the page does not say which text it showed, or names none of the
    form's, it is the form's text of today."""
    version = version_shown(posted)
    text = form.consent_text_of(version)
    return Consent(
        text=form.consent_text if text is None else text,
        version=form.consent_version if text is None else version,
        box=checked.box,
        address=visitor.address,
        page=visitor.page,
        posted=checked.box_posted,
        stated=text is not None,
        language=_language(_first(posted, LANGUAGE)),
        referrer=visitor.referrer,
    )


def version_shown(posted: Mapping[str, list[str]]) -> str:
    """Return the version of the text that the page says it showed; "" if it does not say so."""
    return _first(posted, CONSENT_SHOWN)


def _first(posted: Mapping[str, list[str]], name: str) -> str:
    values = posted.get(name)  # our own inputs come under exactly these names
    return values[0] if values else ""


def _language(said: str) -> str | None:
    return said if _LANGUAGE_TAG.fullmatch(said) else None
