"""`relay snippet`: what to paste into a website."""

import click

from relay.commands.forms.existing import address, existing
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.form import Form
from shared.domain.printable import printable
from shared.operations.snippets.snippet import SnippetKind, make_snippet


@click.command()
@click.argument("name", metavar="FORM")
@click.option("--fetch", is_flag=True, help="A form with a script that posts it and shows errors.")
@click.option("--curl", is_flag=True, help="A command, for servers and for a try.")
@pass_runtime
def snippet(runtime: CommandRuntime, name: str, fetch: bool, curl: bool) -> None:
    """Print what to paste into a website so that its form posts to FORM."""
    if fetch and curl:
        raise click.UsageError("Choose one of --fetch and --curl.")
    kind = SnippetKind.FETCH if fetch else SnippetKind.CURL if curl else SnippetKind.FORM
    form = existing(runtime, name)
    text = snippet_of(runtime, form, kind)
    runtime.output.json({"form": form.name, "kind": kind, "snippet": text})
    if not runtime.output.as_json:
        click.echo(printable(text), nl=False)


def snippet_of(runtime: CommandRuntime, form: Form, kind: SnippetKind = SnippetKind.FORM) -> str:
    return make_snippet(form, address(runtime, form), kind)
