"""What is wrong with a form, for tests of everybody who makes forms: each refuses the same.

The account `acme` is the sandbox's, with the list Newsletter and the custom field favourite_cake.
"""

from dataclasses import dataclass
from typing import Any

RIGHT: dict[str, Any] = {"name": "cakes", "account": "acme", "lists": ("Newsletter",)}


@dataclass(frozen=True, slots=True)
class Wrong:
    """A draft's fields that are changed from `RIGHT`, which of them is wrong (`about`), and what is
    said of it. `options` are what the command line has for it; None where it cannot be typed."""

    changed: dict[str, Any]
    about: str
    says: str
    options: list[str] | None = None


WRONG = {
    "a name": Wrong({"name": "no name"}, "name", "'no name' cannot be a form's name", ["NAME"]),
    "an account": Wrong(
        {"account": "nobody"}, "account", "There is no account 'nobody'", ["--account", "nobody"]
    ),
    "a list": Wrong(
        {"lists": ("Nowhere",)},
        "lists",
        "There is no list 'Nowhere'. The lists: ",
        [
            "--list",
            "Nowhere",
        ],
    ),
    "a field": Wrong(
        {"custom_fields": ("no_such",)},
        "custom_fields",
        "There is no custom field 'no_such'. The fields: ",
        ["--field", "no_such"],
    ),
    "a redirect": Wrong(
        {"redirect": "thanks.html"},
        "redirect",
        "'thanks.html' is no web address. It must be like https://example.com/thanks",
        ["--redirect", "thanks.html"],
    ),
    "an origin": Wrong(
        {"origins": ("https://example.com/shop",)},
        "origins",
        "'https://example.com/shop' is no website's address.",
        ["--origin", "https://example.com/shop"],
    ),
    "no title": Wrong({"title": " "}, "title", "The title is empty.", ["--title", " "]),
    "a long title": Wrong(
        {"title": "x" * 201},
        "title",
        "The title can have 200 characters at most.",
        ["--title", "x" * 201],
    ),
    "a box without a text": Wrong(
        {"consent_text": "", "consent_box": "optional"},
        "consent_text",
        "The consent text is empty.",
        ["--consent", "", "--consent-box", "optional"],
    ),
    "a long button": Wrong(
        {"button": "x" * 61},
        "button",
        "The text of the button can have 60 characters at most.",
        ["--button", "x" * 61],
    ),
    "a long message": Wrong(
        {"success": "x" * 1001},
        "success",
        "The message can have 1,000 characters at most.",
        ["--success", "x" * 1001],
    ),
    "an accent": Wrong(
        {"accent": "red"},
        "accent",
        "'red' is no colour. A colour is # and six digits",
        ["--accent", "red"],
    ),
    "a background": Wrong(
        {"background": "#12345"},
        "background",
        "'#12345' is no colour.",
        ["--background", "#12345"],
    ),
    "a spam threshold": Wrong(
        {"spam_threshold": "101"},
        "spam_threshold",
        "'101' cannot be a spam threshold. It is a number from 0,",
        ["--spam-threshold", "101"],
    ),
    "no spam threshold": Wrong(
        {"spam_threshold": ""}, "spam_threshold", "'' cannot be a spam threshold."
    ),
    "another captcha": Wrong({"captcha": "puzzle"}, "captcha", "Choose one of none, altcha."),
    "another language": Wrong(
        {"language": "xx"}, "language", "Choose one of auto, en, es, fr, de."
    ),
    "a source": Wrong(
        {"sources": ("utm_cake=found_us_by",)},
        "sources",
        "'utm_cake=found_us_by' is not a source and a custom field, such as utm_campaign=Campaign",
        ["--source", "utm_cake=found_us_by"],
    ),
    "a source without a field": Wrong(
        {"sources": ("page",)}, "sources", "'page' is not a source", ["--source", "page"]
    ),
    "a source for a field of numbers": Wrong(
        {"sources": ("page=visits_per_month",)},
        "sources",
        "There is no custom field 'visits_per_month'.",
        ["--source", "page=visits_per_month"],
    ),
    "two sources for a field": Wrong(
        {"sources": ("page=found_us_by", "referrer=found_us_by")},
        "sources",
        "The custom field found_us_by is there twice. Name each once.",
        ["--source", "page=found_us_by", "--source", "referrer=found_us_by"],
    ),
    "no list": Wrong({"lists": ()}, "lists", "Choose at least one list."),
    "another box": Wrong({"consent_box": "big"}, "consent_box", "Choose one of none, optional"),
    "another wish": Wrong(
        {"unsubscribed": "never"}, "unsubscribed", "Choose one of resubscribe, ask."
    ),
}
