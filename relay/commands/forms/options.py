"""The options of `relay forms add` and `edit`: all that can be set of a form."""

from collections.abc import Callable
from typing import Any

import click

from shared.domain.form import LANGUAGES
from shared.operations.forms.drafts import (
    CAPTCHAS,
    CONSENT_BOXES,
    WHEN_UNSUBSCRIBED,
    FormDraft,
)

Command = Callable[..., Any]

_USUAL = FormDraft(name="", account="")
# By the field of the draft, in the order of the help. What a form cannot be without is not here.
_OPTIONS: dict[str, dict[str, Any]] = {
    "custom_fields": {
        "flag": "--field",
        "multiple": True,
        "metavar": "NAME",
        "help": "A custom field to send, by name or label. Repeat it for more fields.",
    },
    "sources": {
        "flag": "--source",
        "multiple": True,
        "metavar": "SOURCE=NAME",
        "help": "A custom field for where a sign-up came from: utm_source, utm_medium,"
        " utm_campaign, utm_term, utm_content, page or referrer. Repeat it for more sources.",
    },
    "redirect": {"metavar": "URL", "help": "Where visitors go after signing up."},
    "origins": {
        "flag": "--origin",
        "multiple": True,
        "metavar": "ORIGIN",
        "help": "A site that may post here, such as https://example.com. Repeat it for more sites.",
    },
    "title": {"help": "Heading of the form's page."},
    "consent_text": {
        "flag": "--consent",
        "metavar": "TEXT",
        "show_default": False,
        "help": "What visitors agree to.",
    },
    "consent_box": {
        "type": click.Choice(CONSENT_BOXES),
        "help": "Whether visitors tick a box to agree.",
    },
    "unsubscribed": {
        "type": click.Choice(WHEN_UNSUBSCRIBED),
        "help": "For people who had unsubscribed: put them back at once, or let Constant Contact"
        " ask them to confirm. With `ask`, every sign-up takes one more request.",
    },
    "language": {
        "type": click.Choice(LANGUAGES),
        "help": "Language of the texts for visitors. With `auto`, their browser chooses.",
    },
    "button": {"metavar": "TEXT", "help": "Text of the button."},
    "success": {"metavar": "TEXT", "help": "What visitors read after signing up."},
    "accent": {
        "metavar": "COLOUR",
        "help": "Colour of the button and the links, such as #1a56c4.",
    },
    "background": {"metavar": "COLOUR", "help": "Colour behind the form."},
    "spam_threshold": {
        "metavar": "N",
        "help": "Score from which a sign-up is quarantined, up to 100. 0 turns the scores off.",
    },
    "captcha": {
        "type": click.Choice(CAPTCHAS),
        "help": "With `altcha`, visitors see a box, “I'm not a robot”, and their computer does some"
        " work. A sign-up without it is quarantined.",
    },
}


def options_of_new_form(command: Command) -> Command:
    """Add all options, as usual where they are not given."""
    usual = {field: getattr(_USUAL, field) for field in _OPTIONS}
    return _options(command, required=True, usual=usual)


def options_of_change(command: Command) -> Command:
    """Add all options: None, or an empty tuple, where they are not given."""
    return _options(command, required=False, usual={})


def _options(command: Command, *, required: bool, usual: dict[str, Any]) -> Command:
    for field, given in reversed(_OPTIONS.items()):
        default = usual.get(field)
        more = {"default": default, "show_default": bool(default), **given}
        flag = more.pop("flag", f"--{field.replace('_', '-')}")
        command = click.option(flag, field, **more)(command)
    named = click.option(
        "--list",
        "lists",
        required=required,
        multiple=True,
        metavar="LIST",
        help="Name or id of a list. Repeat it for more lists.",
    )
    account = click.option(
        "--account", required=required, metavar="NAME", help="The account with the lists."
    )
    return account(named(command))
