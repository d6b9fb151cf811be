"""`relay snippet`: what to paste into a website."""

from collections.abc import Callable
from typing import Any

import click

from relay.commands.forms.existing import address, existing
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.form import LANGUAGES, Form
from shared.domain.printable import printable
from shared.operations.snippets.advice import NO_STYLE, USES, Snippet, snippet_for
from shared.operations.snippets.snippet import SnippetKind
from web.translations.catalogues import load_translations

# A plain form needs no option.
_KINDS = [kind for kind in SnippetKind if kind != SnippetKind.FORM]


def _kind_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for kind in reversed(_KINDS):
        command = click.option(f"--{kind}", is_flag=True, help=USES[kind])(command)
    return command


@click.command()
@click.argument("name", metavar="FORM")
@_kind_options
@click.option(
    "--language",
    type=click.Choice(LANGUAGES[1:]),
    help="Language of the website's page. By default it is the form's, or English.",
)
@pass_runtime
def snippet(runtime: CommandRuntime, /, name: str, *, language: str | None, **wanted: bool) -> None:
    """Print what to paste into a website so that its form posts to FORM.

    Without an option it is a plain form, which works without JavaScript. What there is
    to know of it, such as what the website's Content-Security-Policy has to allow, is printed to
    standard error.
    """
    chosen = [SnippetKind(kind) for kind, is_wanted in wanted.items() if is_wanted]
    if len(chosen) > 1:
        raise click.UsageError(f"Choose one of {', '.join(f'--{kind}' for kind in _KINDS)}.")
    form = existing(runtime, name)
    if language and form.language not in ("auto", language):
        raise click.UsageError(
            f"The form {form.name} has the language {form.language}: its errors, its thanks and the"
            " evidence of consent are in it. Leave --language out, or give the form that language."
        )
    found = snippet_of(runtime, form, *chosen, language=language)
    runtime.output.json(
        {
            "form": form.name,
            "kind": found.kind,
            "snippet": found.text,
            "content_security_policy": found.policy or None,
        }
    )
    if found.warning:
        runtime.output.warn(found.warning)
    if not runtime.output.as_json:
        click.echo(printable(found.text), nl=False)
        if found.kind == SnippetKind.FORM:
            click.echo(NO_STYLE, err=True)
        if found.policy:
            click.echo(f"A Content-Security-Policy needs at least: {found.policy}", err=True)


def snippet_of(
    runtime: CommandRuntime,
    form: Form,
    kind: SnippetKind = SnippetKind.FORM,
    *,
    language: str | None = None,
) -> Snippet:
    known = language or form.language
    return snippet_for(
        form,
        address(runtime, form),
        kind,
        say=load_translations().choose(known).say,
        language="" if known == "auto" else known,
    )
