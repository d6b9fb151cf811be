"""`relay forms add`: a new form, or a new version of one."""

from typing import Any

import click

from relay.commands.forms.existing import address, described, names
from relay.commands.forms.options import options_of_new_form
from relay.commands.snippet import snippet_of
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.errors import Refused
from shared.domain.form import Form
from shared.domain.printable import printable
from shared.operations.forms.drafts import FormDraft, FormMaker, WrongForm
from shared.operations.forms.forms import NameTaken
from shared.operations.forms.told import captcha_advice
from shared.operations.snippets.pasted_copies import told_copies

# What cannot be right for any account.
_WRONG_USE = {"name", "redirect", "button", "success", "accent", "background", "spam_threshold"}


@click.command()
@click.argument("name", metavar="FORM")
@options_of_new_form
@click.option("--replace", "may_replace", is_flag=True, help="Replace a form of this name.")
@pass_runtime
def add(runtime: CommandRuntime, /, name: str, *, may_replace: bool, **typed: Any) -> None:
    """Add the form FORM."""
    if not may_replace and runtime.registry.form(name) is not None:
        raise Refused(f"{NameTaken(name)} Add --replace to replace it.")
    draft = FormDraft(name=name, **typed)
    form = made(runtime, draft)
    before = runtime.operations.forms.save(form)
    _say_added(runtime, form, copies=told_copies(before, form) if before else "")


def made(runtime: CommandRuntime, draft: FormDraft, *, before: Form | None = None) -> Form:
    """Return the form; `before` is the one that it replaces, if that is known. What could never be
    right, such as a colour, is wrong use."""
    try:
        return FormMaker(runtime.accounts.api).make(draft, before=before)
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
