"""The evidence of consent as people read it, in the terminal, in the console and on paper."""

from shared.domain.signup import Consent

_BOXES = {None: "the form had none", True: "ticked", False: "not ticked"}


def consent_in_words(consent: Consent, *, whole: bool = True) -> dict[str, str]:
    """Return what there is to say besides the text, by its label.

    Without `whole`, what tells who the visitor is is left out.
    """
    told = {
        "Version of the text": consent.version,
        "Text shown": _shown(consent),
        "Consent box": _BOXES[consent.box],
        "Posted for the box": consent.posted or "nothing",
        "Language of the page": consent.language or "not known",
        "Page": consent.page or "not known",
        "Came from": consent.referrer or "not known",
        "Network address": consent.address,
    }
    personal = () if whole else ("Posted for the box", "Page", "Came from", "Network address")
    return told | dict.fromkeys(personal, "not shown to viewers")


def _shown(consent: Consent) -> str:
    if consent.stated:
        return "the page said that it showed this text"
    return "the page did not say which text it showed: this was the form's text at that time"
