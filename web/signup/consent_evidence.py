"""The evidence of consent: which text the page showed, and what the visitor did.

A website has a copy of the form, which stays as it is when an operator changes the text. So our
pages and snippets post the version of the text that they show.
"""

import re
from collections.abc import Mapping

from shared.domain.consent_texts import text_version
from shared.domain.form import DEFAULT_CONSENT, OUR_CONSENT, Form
from shared.domain.reading.field_checks import CheckedFields
from shared.domain.reading.posted_fields import CONSENT_SHOWN, LANGUAGE
from shared.domain.signup import Consent
from web.signup.visitors import Visitor
from web.translations.catalogues import Translations

_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,2}")


class OurConsents:
    """Our own text of consent, which pages show in the visitor's language."""

    def __init__(self, translations: Translations) -> None:
        self.by_language = {each.language: each.say(OUR_CONSENT) for each in translations.all()}
        self._languages = {text_version(text): name for name, text in self.by_language.items()}

    def of_version(self, form: Form, version: str) -> str | None:
        """Return the text of this version, if a page of the form shows it or may have shown it:
        one of the form's own, or ours in a language of the form."""
        language = self._languages.get(version)
        if language and (
            form.shows_our_consent_in(language) or form.showed_our_consent_in(language)
        ):
            return self.by_language[language]
        own = form.consent_text_of(version)
        return None if own == DEFAULT_CONSENT else own

    def of_today(self, form: Form) -> str:
        """Return the text that the form shows, as far as its page does not say. A form that leaves
        the language to browsers shows ours to a website's owner in English."""
        if form.consent_text != DEFAULT_CONSENT:
            return form.consent_text
        return self.by_language.get(form.language, form.consent_text)


def consent_of(
    form: Form,
    checked: CheckedFields,
    posted: Mapping[str, list[str]],
    visitor: Visitor,
    ours: OurConsents,
) -> Consent:
    """Return the evidence. If the page does not say which text it showed, or names none of the
    form's, it is the form's text of today."""
    version = version_shown(posted)
    stated = ours.of_version(form, version) if version else None
    text = ours.of_today(form) if stated is None else stated
    return Consent(
        text=text,
        version=text_version(text),
        box=checked.box,
        address=visitor.address,
        page=visitor.page,
        posted=checked.box_posted,
        stated=stated is not None,
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
    return said if said and _LANGUAGE_TAG.fullmatch(said) else None
