"""`relay forms add`: a new form, or a new version of one."""

import re
from typing import cast

import click

from relay.commands.forms.choices import checked_origin, chosen_fields, chosen_lists
from relay.commands.forms.existing import address, described, names
from relay.commands.snippet import snippet_of
from relay.runtime import CommandRuntime, pass_runtime
from shared.domain.account import NAME
from shared.domain.errors import Refused
from shared.domain.form import DEFAULT_CONSENT, ConsentBox, Form
from shared.domain.printable import printable
from shared.domain.signup import WhenUnsubscribed


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
    "wanted_lists",
    required=True,
    multiple=True,
    metavar="LIST",
    help="Name or id of a list. Repeat it for more lists.",
)
@click.option(
    "--field",
    "wanted_fields",
    multiple=True,
    metavar="NAME",
    help="A custom field to send, by name or label. Repeat it for more fields.",
)
@click.option("--redirect", metavar="URL", help="Where visitors go after signing up.")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    help="A site that may post here, such as https://example.com. Repeat it for more sites.",
)
@click.option("--title", default="Sign up", show_default=True, help="Heading of the form's page.")
@click.option("--consent", default=DEFAULT_CONSENT, metavar="TEXT", help="What visitors agree to.")
@click.option(
    "--consent-box",
    type=click.Choice(["none", "optional", "required"]),
    default="none",
    show_default=True,
    help="Whether visitors tick a box to agree.",
)
@click.option(
    "--unsubscribed",
    type=click.Choice(["resubscribe", "ask"]),
    default="resubscribe",
    show_default=True,
    help="For people who had unsubscribed: put them back at once, or let Constant Contact ask them"
    " to confirm. With `ask`, every sign-up takes one more request.",
)
@click.option("--replace", "may_replace", is_flag=True, help="Replace a form of this name.")
@pass_runtime
def add(
    runtime: CommandRuntime,
    name: str,
    account: str,
    wanted_lists: tuple[str, ...],
    wanted_fields: tuple[str, ...],
    redirect: str | None,
    origins: tuple[str, ...],
    title: str,
    consent: str,
    consent_box: str,
    unsubscribed: str,
    may_replace: bool,
) -> None:
    """Add the form FORM."""
    _check(name, redirect)
    allowed_origins = tuple(dict.fromkeys(map(checked_origin, origins)))
    if not may_replace and runtime.registry.form(name) is not None:
        raise Refused(f"There is a form {name!r} already. Add --replace to replace it.")
    api = runtime.accounts.api
    form = Form(
        name=name,
        account=account,
        lists=chosen_lists(wanted_lists, api.lists(account).lists),
        custom_fields=(
            chosen_fields(wanted_fields, api.custom_fields(account)) if wanted_fields else ()
        ),
        redirect=redirect,
        origins=allowed_origins,
        title=title,
        consent_text=consent,
        consent_box=cast(ConsentBox, consent_box),
        unsubscribed=cast(WhenUnsubscribed, unsubscribed),
    )
    runtime.operations.forms.save(form)
    runtime.output.json(described(runtime, form))
    runtime.output.say(f"The form {name} puts people on: {names(form)}.")
    runtime.output.say(
        f"Open it to try it: {address(runtime, form)}\n\nOr paste this into your website:\n"
    )
    if not runtime.output.as_json:
        click.echo(printable(snippet_of(runtime, form)))
    runtime.output.say(
        f"A script that posts it:      relay snippet {name} --fetch\n"
        f"A command for your server:   relay snippet {name} --curl"
    )


def _check(name: str, redirect: str | None) -> None:
    if not NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} cannot be a form's name. A name has at most 40 characters: a to z, digits,"
            " and . - _ It begins with a letter or digit."
        )
    if redirect is not None and not re.fullmatch(r"https?://[^\s/?#]+\S*", redirect):
        raise click.UsageError(
            f"--redirect must be an address such as https://example.com/thanks, not {redirect!r}."
        )
