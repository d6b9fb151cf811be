"""The check of which websites may post to the forms."""

from collections.abc import Iterable

from shared.domain.check import Check, CheckSubject
from shared.domain.form import Form
from shared.domain.phrases import first_of

FORM_WEBSITES = CheckSubject("form_websites", "Forms name the websites that may post")
_MOST_NAMED = 5


def form_websites(forms: Iterable[Form]) -> Check:
    """Check that the forms that are open do not take the posts of every website."""
    names = [form.name for form in forms if form.enabled and not form.origins]
    if not names:
        return FORM_WEBSITES.ok("All that are open do.")
    return FORM_WEBSITES.advice(
        f"Pages of every website may post to {first_of(names, _MOST_NAMED)}.",
        "If only yours should, name them, as in: relay forms edit"
        f" {names[0]} --origin https://www.example.com",
    )
