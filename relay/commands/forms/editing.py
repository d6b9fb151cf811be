"""`relay forms edit`: change what is named of a form, and nothing else."""

from dataclasses import replace
from typing import Any

import click

from relay.commands.forms.adding import made
from relay.commands.forms.existing import described, existing
from relay.commands.forms.options import options_of_change
from relay.runtime import CommandRuntime, pass_runtime
from shared.operations.forms.drafts import FormDraft
from shared.operations.snippets.pasted_copies import told_copies


@click.command()
@click.argument("name", metavar="FORM")
@options_of_change
@pass_runtime
def edit(runtime: CommandRuntime, /, name: str, **typed: Any) -> None:
    """Change the form FORM. What you do not name stays as it is.

    An option that may be repeated replaces all its values: name those that stay, too. An empty
    value removes what there was, as in --redirect "" or --origin "". A change of the account needs
    its lists, and drops custom fields and sources that you do not name.
    """
    named = {field: value for field, value in typed.items() if value not in (None, ())}
    if not named:
        raise click.UsageError("Say what to change, such as --origin https://www.example.com.")
    before = existing(runtime, name)
    form = made(runtime, _draft(FormDraft.of(before), named), before=before)
    runtime.operations.forms.change(form, before.version)
    runtime.output.json(described(runtime, form))
    runtime.output.say(f"The form {name} is changed. Visitors get it within two seconds.")
    if copies := told_copies(before, form):
        runtime.output.say(f"{copies} See: relay snippet {name}")


def _draft(draft: FormDraft, named: dict[str, Any]) -> FormDraft:
    moved = draft.moved_to(named.get("account", draft.account))
    changed = replace(moved, **{field: _filled(value) for field, value in named.items()})
    return replace(changed, redirect=changed.redirect or None)


def _filled(value: Any) -> Any:
    """Return the text, or of several those that are not empty."""
    return tuple(filter(None, value)) if isinstance(value, tuple) else value
