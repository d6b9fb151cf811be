"""`relay forms list`, `show`, `remove`, `disable` and `enable`: the forms that exist."""

from typing import Any

import click

from relay.commands.forms.activity import activity_document, say_activity
from relay.runtime import CommandRuntime, pass_runtime
from relay.terminal.confirmation import confirm, yes_option
from relay.terminal.output import for_people
from shared.domain.errors import Refused
from shared.domain.form import KEPT_BY_US, Form
from shared.operations.forms.activity import read_activity
from shared.operations.forms.choices import in_order
from shared.operations.forms.consent_texts import consent_periods
from shared.operations.forms.failures import FormFailures, read_failures
from shared.operations.forms.told import open_to_all, told_fields
from shared.operations.snippets.snippet import form_address


@click.command("list")
@pass_runtime
def list_forms(runtime: CommandRuntime) -> None:
    """Show all forms."""
    found = runtime.registry.forms()
    failed = read_failures(runtime.operations.targets, found)
    runtime.output.json(
        [described(runtime, form) | {"failed": failed[form.name].count} for form in found]
    )
    if found:
        runtime.output.table(
            ["form", "account", "lists", "enabled", "failed", "address"],
            [_row(runtime, form, failed[form.name]) for form in found],
        )
    else:
        runtime.output.say(
            "There is no form. Add one with: relay forms add FORM --account NAME --list LIST"
        )


def _row(runtime: CommandRuntime, form: Form, failed: FormFailures) -> list[str]:
    enabled, at = "yes" if form.enabled else "no", address(runtime, form)
    return [form.name, form.account, names(form), enabled, failed.in_words, at]


@click.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def show(runtime: CommandRuntime, name: str) -> None:
    """Show all about the form FORM, its last refusals, and the fields that it does not send."""
    form = existing(runtime, name)
    document = described(runtime, form)
    activity = read_activity(runtime.form_counts, runtime.registry.account_names(), form)
    runtime.output.json(document | activity_document(activity))
    told = {"Address": document["url"]} | told_fields(form)
    runtime.output.table(["", name], [list(each) for each in told.items()])
    if open_to_everybody := open_to_all(form):
        command = f"relay forms edit {name} --origin https://www.example.com"
        runtime.output.say(f"\n{open_to_everybody} The command is: {command}")
    _say_consent_texts(runtime, form)
    say_activity(runtime.output, activity)


def _say_consent_texts(runtime: CommandRuntime, form: Form) -> None:
    runtime.output.say("\nTexts of consent that the form has shown:")
    runtime.output.table(
        ["version", "from", "until", "text"],
        [
            [
                each.version,
                for_people(each.since) if each.since else "not known",
                for_people(each.until) if each.until else "now",
                each.text or "no text",
            ]
            for each in consent_periods(form)
        ],
    )


@click.command()
@click.argument("name", metavar="FORM")
@yes_option
@pass_runtime
def remove(runtime: CommandRuntime, name: str, yes: bool) -> None:
    """Remove the form FORM. Sign-ups that it has taken are still delivered."""
    form = existing(runtime, name)
    question = (
        f"Remove the form {name} of {form.account}? Pages that still post to it then lose their"
        " sign-ups, as they get a 404."
    )
    confirm(question, yes=yes)
    runtime.operations.forms.remove(form)
    runtime.output.json(described(runtime, form))
    runtime.output.say(
        f"The form {name} is removed. Pages that still post to it get a 404. Sign-ups that it has"
        " taken are still delivered."
    )


@click.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def disable(runtime: CommandRuntime, name: str) -> None:
    """Close the form FORM: it takes no sign-ups for now."""
    _switch(runtime, name, enabled=False)
    runtime.output.say(f"The form {name} is closed. Open it again with: relay forms enable {name}")


@click.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def enable(runtime: CommandRuntime, name: str) -> None:
    """Open the form FORM again."""
    form = _switch(runtime, name, enabled=True)
    runtime.output.say(f"The form {name} is open: {address(runtime, form)}")


def _switch(runtime: CommandRuntime, name: str, *, enabled: bool) -> Form:
    form = runtime.operations.forms.switch(existing(runtime, name), enabled=enabled)
    runtime.output.json(described(runtime, form))
    return form


def existing(runtime: CommandRuntime, name: str) -> Form:
    """Return the form; raises `Refused`, with the names of all forms, if there is none."""
    form = runtime.registry.form(name)
    if form is None:
        forms = runtime.registry.forms()
        raise Refused(
            f"There is no form {name!r}. The forms: {in_order(each.name for each in forms)}."
        )
    return form


def described(runtime: CommandRuntime, form: Form) -> dict[str, Any]:
    """Return the form as JSON, with its address and all its texts of consent."""
    document = form.to_dict()
    for name in KEPT_BY_US:
        del document[name]
    texts = [each.to_dict() for each in consent_periods(form)]
    return document | {"consent_texts": texts, "url": address(runtime, form)}


def address(runtime: CommandRuntime, form: Form) -> str:
    """Return the address to which the form posts."""
    return form_address(form, runtime.settings.public_url)


def names(form: Form) -> str:
    """Return the names of the form's lists."""
    return ", ".join(each.name for each in form.lists)
