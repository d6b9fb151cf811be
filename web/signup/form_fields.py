"""What a script needs to draw a form: the same inputs, texts and colours as the hosted form has."""

from typing import Any

from shared.domain.reading.meanings import CONSENT
from shared.domain.reading.posted_fields import LISTS
from shared.domain.texts import Say, lazy_gettext
from web.signup.drawn_style import drawn_style
from web.signup.form_page import FormPage
from web.translations.catalogues import Translation

_OPTIONAL = lazy_gettext("(optional)")
_LISTS = lazy_gettext("Sign me up for")
_HONEYPOT = lazy_gettext("Leave this empty")
_CLOSE = lazy_gettext("Close")
# Neither the tab key nor password managers come to it: what they fill in is taken for a robot's.
_TRAP = {
    "name": "_gotcha",
    "autocomplete": "off",
    "tabindex": "-1",
    "data-1p-ignore": "",
    "data-bwignore": "",
    "data-lpignore": "true",
    "data-form-type": "other",
}


def form_fields(page: FormPage, translation: Translation) -> dict[str, Any]:
    """Return the description of an empty form. `lists` and `consent` are null where there is
    nothing to choose and nothing to say."""
    form, say = page.form, translation.say
    return {
        "name": form.name,
        "title": page.title,
        "language": translation.language,
        "direction": translation.direction,
        "inputs": [
            {
                "name": each.name,
                "label": each.label,
                "type": each.type,
                "autocomplete": each.autocomplete,
                "required": each.required,
            }
            for each in page.inputs
        ],
        "optional": say(_OPTIONAL),
        "lists": _lists(page, say),
        "consent": _consent(page),
        "honeypot": {"label": say(_HONEYPOT), **_TRAP},
        "hidden": dict(page.hidden),
        "button": page.button,
        "close": say(_CLOSE),
        "success": say(form.shown_success),
        "accent": form.accent or None,
        "background": form.background or None,
        "captcha": form.captcha,
        "css": drawn_style(form),
    }


def _lists(page: FormPage, say: Say) -> dict[str, Any] | None:
    if not page.choices:
        return None
    choices = [
        {"value": each.id, "label": each.name, "checked": each.ticked} for each in page.choices
    ]
    return {"name": LISTS, "label": say(_LISTS), "choices": choices}


def _consent(page: FormPage) -> dict[str, Any] | None:
    box = page.form.consent_box
    if not page.consent_text and box == "none":
        return None
    return {"name": CONSENT, "text": page.consent_text, "box": box}
