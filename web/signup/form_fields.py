"""What a script needs to draw a form: the same inputs, texts and colours as the hosted form has."""

from typing import Any

from shared.domain.reading.meanings import CONSENT
from shared.domain.reading.posted_fields import LISTS
from web.signup.form_look import form_look
from web.signup.form_page import FormPage
from web.signup.receipt import THANKS


def form_fields(page: FormPage) -> dict[str, Any]:
    """Return the description of an empty form. `lists` and `consent` are null where there is
    nothing to choose and nothing to say."""
    form = page.form
    return {
        "name": form.name,
        "title": form.title,
        "language": "en",
        "direction": "ltr",
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
        "optional": "(optional)",
        "lists": _lists(page),
        "consent": _consent(page),
        "honeypot": {"name": "_gotcha", "label": "Leave this empty"},
        "hidden": dict(page.hidden),
        "button": form.button or "Sign up",
        "close": "Close",
        "success": form.success or THANKS,
        "accent": form.accent or None,
        "background": form.background or None,
        "captcha": form.captcha,
        "css": form_look(form),
    }


def _lists(page: FormPage) -> dict[str, Any] | None:
    if not page.choices:
        return None
    choices = [
        {"value": each.id, "label": each.name, "checked": each.ticked} for each in page.choices
    ]
    return {"name": LISTS, "label": "Sign me up for", "choices": choices}


def _consent(page: FormPage) -> dict[str, Any] | None:
    form = page.form
    if not form.consent_text and form.consent_box == "none":
        return None
    return {"name": CONSENT, "text": form.consent_text, "box": form.consent_box}
