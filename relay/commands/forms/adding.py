"""`relay forms add`: a new form, or a new version of one."""

from typing import Any

import click

from relay.commands.forms.existing import address, described, names
from relay.commands.snippet import snippet_of
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.errors import Refused
from shared.domain.form import DEFAULT_CONSENT, DEFAULT_TITLE, LANGUAGES, Form
from shared.domain.printable import printable
from shared.operations.forms.drafts import (
    CAPTCHAS,
    CONSENT_BOXES,
    DEFAULT_SPAM_THRESHOLD,
    WHEN_UNSUBSCRIBED,
    FormDraft,
    FormMaker,
    WrongForm,
)
from shared.operations.forms.forms import NameTaken
from shared.operations.forms.told import captcha_advice
from shared.operations.snippets.pasted_copies import told_copies

# What cannot be right for any account.
_WRONG_USE = {"name", "redirect", "button", "success", "accent", "background", "spam_threshold"}


@click.command()
@click.argument("name", metavar="FORM")
@click.option(
    "--account",
    required=True,
    metavar="NAME",
    help="The account with the lists.",
)
@click.option(
    "--list",
    "lists",
    required=True,
    multiple=True,
    metavar="LIST",
    help="Name or id of a list. Repeat it for more lists.",
)
@click.option(
    "--field",
    "custom_fields",
    multiple=True,
    metavar="NAME",
    help="A custom field to send, by name or label. Repeat it for more fields.",
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="SOURCE=NAME",
    help="A custom field for where a sign-up came from: utm_source, utm_medium, utm_campaign,"
    " utm_term, utm_content, page or referrer. Repeat it for more sources.",
)
@click.option("--redirect", metavar="URL", help="Where visitors go after signing up.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="A site that may post here, such as https://example.com. Repeat it for more sites.",
)
@click.option(
    "--title", default=DEFAULT_TITLE, show_default=True, help="Heading of the form's page."
)
@click.option(
    "--consent",
    "consent_text",
    default=DEFAULT_CONSENT,
    metavar="TEXT",
    help="What visitors agree to.",
)
@click.option(
    "--consent-box",
    type=click.Choice(CONSENT_BOXES),
    default="none",
    show_default=True,
    help="Whether visitors tick a box to agree.",
)
@click.option(
    "--unsubscribed",
    type=click.Choice(WHEN_UNSUBSCRIBED),
    default="resubscribe",
    show_default=True,
    help="For people who had unsubscribed: put them back at once, or let Constant Contact ask them"
    " to confirm. With `ask`, every sign-up takes one more request.",
)
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="auto",
    show_default=True,
    help="Language of the texts for visitors. With `auto`, their browser chooses.",
)
@click.option("--button", default="", metavar="TEXT", help="Text of the button.")
@click.option("--success", default="", metavar="TEXT", help="What visitors read after signing up.")
@click.option(
    "--accent",
    default="",
    metavar="COLOUR",
    help="Colour of the button and the links, such as #1a56c4.",
)
@click.option("--background", default="", metavar="COLOUR", help="Colour behind the form.")
@click.option(
    "--spam-threshold",
    default=DEFAULT_SPAM_THRESHOLD,
    show_default=True,
    metavar="N",
    help="Score from which a sign-up is quarantined, up to 100. 0 turns the scores off.",
)
@click.option(
    "--captcha",
    type=click.Choice(CAPTCHAS),
    default="none",
    show_default=True,
    help="With `altcha`, visitors see a box, “I'm not a robot”, and their computer does some work."
    " A sign-up without it is quarantined.",
)
@click.option("--replace", "may_replace", is_flag=True, help="Replace a form of this name.")
@pass_runtime
def add(runtime: CommandRuntime, /, name: str, *, may_replace: bool, **typed: Any) -> None:
    """Add the form FORM."""
    if not may_replace and runtime.registry.form(name) is not None:
        raise Refused(f"{NameTaken(name)} Add --replace to replace it.")
    draft = FormDraft(name=name, **typed)
    form = _made(runtime, draft)
    before = runtime.operations.forms.save(form)
    _say_added(runtime, form, copies=told_copies(before, form) if before else "")


def _made(runtime: CommandRuntime, draft: FormDraft) -> Form:
    """Return the form. What could never be right, such as a colour, is wrong use."""
    try:
        return FormMaker(runtime.accounts.api).make(draft)
    except WrongForm as error:
        if _WRONG_USE & set(error.errors):
            raise click.UsageError(str(error)) from error
        raise


def _say_added(runtime: CommandRuntime, form: Form, *, copies: str) -> None:
    """Say what was added; `copies` is what of the form before it must be pasted again."""
    runtime.output.json(described(runtime, form))
    runtime.output.say(f"The form {form.name} puts people on: {names(form)}.")
    if copies:
        runtime.output.say(copies)
    runtime.output.say(
        f"Open it to try it: {address(runtime, form)}\n\nOr paste this into your website:\n"
    )
    if not runtime.output.as_json:
        click.echo(printable(snippet_of(runtime, form).text))
    if advice := captcha_advice(form):
        runtime.output.say(f"{advice}\n")
    runtime.output.say(
        f"Drawn by one script:         relay snippet {form.name} --js\n"
        f"Opened over the page:        relay snippet {form.name} --popup\n"
        f"A command for your server:   relay snippet {form.name} --curl\n"
        "There is more in:            relay snippet --help"
    )
