"""A form's fields as people read them."""

from collections.abc import Sequence

from shared.domain.form import DEFAULT_CONSENT, Form

_BOXES = {
    "none": "none",
    "optional": "visitors may tick it",
    "required": "visitors must tick it",
}
_UNSUBSCRIBED = {
    "resubscribe": "is subscribed again",
    "ask": "is asked by Constant Contact first",
}
CAPTCHA_NAMES = {
    "none": "none",
    "altcha": "ALTCHA: a box, “I'm not a robot”, and some work for the visitor's computer",
}
LANGUAGE_NAMES = {
    "auto": "the visitor's browser chooses",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "de": "German",
}


def told_fields(form: Form) -> dict[str, str]:
    """Return what there is to say of the form, by its label, in the order of its page."""
    return usual_fields(form) | rare_fields(form)


def usual_fields(form: Form) -> dict[str, str]:
    """Return what most forms have of their own."""
    return {
        "Title": form.title,
        "Account": form.account,
        "Lists": _listed([each.name for each in form.lists]),
        "Custom fields": _listed([each.label for each in form.custom_fields]),
        "After signing up": form.redirect or "our thanks page",
        "Websites that may post here": _listed(form.origins, none="every website"),
        "Consent": _consent(form),
        "Consent box": _BOXES[form.consent_box],
        "Who had unsubscribed": _UNSUBSCRIBED[form.unsubscribed],
        "State": "open" if form.enabled else "closed",
    }


def _consent(form: Form) -> str:
    if form.consent_text == DEFAULT_CONSENT:
        return f"our text, which visitors read in their language: {DEFAULT_CONSENT}"
    return form.consent_text or "no text"


def rare_fields(form: Form) -> dict[str, str]:
    """Return the texts, colours and signs of spam, which few forms change."""
    return {
        "Language": LANGUAGE_NAMES.get(form.language, form.language),
        "Button": form.button or "our text",
        "Message after signing up": form.success or "our text",
        "Accent": form.accent or "our colour",
        "Background": form.background or "our colour",
        "Spam threshold": str(form.spam_threshold) if form.spam_threshold else "off",
        "Captcha": CAPTCHA_NAMES[form.captcha],
        "Sources": _listed([f"{each.source} to {each.field.label}" for each in form.sources]),
    }


def captcha_advice(form: Form) -> str | None:
    """Return what websites must have for a form with a captcha."""
    if form.captcha == "none":
        return None
    return (
        "This form asks for a proof of work. Copies of Plain HTML, HTML with a script and React"
        " must have its box: paste older ones again, or every sign-up waits in quarantine."
        " Drawn in place, Pop-up and Frame have it by themselves."
    )


def open_to_all(form: Form) -> str | None:
    """Return what it means that the form names no websites; None if it does."""
    if form.origins:
        return None
    return (
        "Pages of every website may post to this form, and draw it. If only yours should, name it"
        " as one of the websites that may post here. All others are refused then. Robots that use"
        " no browser are not kept out by it."
    )


def command_to_allow(form: Form, origin: str) -> str:
    """Return the command that adds the origin to those of the form."""
    origins = " ".join(f"--origin {each}" for each in (*form.origins, origin))
    return f"relay forms edit {form.name} {origins}"


def _listed(names: Sequence[str], none: str = "none") -> str:
    return ", ".join(names) or none
