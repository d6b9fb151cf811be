"""`relay forms`: the forms, and the lists that their sign-ups go to."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

import click

from relay.runtime import CommandRuntime, pass_runtime
from shared.constant_contact.client import ContactList
from shared.domain.account import NAME
from shared.domain.errors import Refused
from shared.domain.form import DEFAULT_CONSENT, ConsentBox, CustomField, Form, ListRef
from shared.domain.signup import WhenUnsubscribed

# The API's limits for one sign-up.
MOST_LISTS = 50
MOST_FIELDS = 50

_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")


@click.group()
def forms() -> None:
    """Add, show and change forms."""


@forms.command()
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
    _check(name, redirect, origins)
    if not may_replace and runtime.registry.form(name) is not None:
        raise Refused(f"There is a form {name!r} already. Add --replace to replace it.")
    reads = runtime.accounts.reads
    form = Form(
        name=name,
        account=account,
        lists=_chosen_lists(wanted_lists, reads.lists(account).lists),
        custom_fields=(
            _chosen_fields(wanted_fields, reads.custom_fields(account)) if wanted_fields else ()
        ),
        redirect=redirect,
        origins=tuple(dict.fromkeys(map(_origin, origins))),
        title=title,
        consent_text=consent,
        consent_box=cast(ConsentBox, consent_box),
        unsubscribed=cast(WhenUnsubscribed, unsubscribed),
    )
    runtime.registry.save_form(form)
    runtime.output.json(_described(runtime, form))
    runtime.output.say(f"The form {name} puts people on: {_names(form)}.")
    runtime.output.say(f"Next, post to {_address(runtime, form)}, or open it to try it.")


@forms.command("list")
@pass_runtime
def list_forms(runtime: CommandRuntime) -> None:
    """Show all forms."""
    found = runtime.registry.forms()
    runtime.output.json([_described(runtime, form) for form in found])
    if found:
        runtime.output.table(
            ["form", "account", "lists", "enabled", "address"],
            [_row(runtime, form) for form in found],
        )
    else:
        runtime.output.say(
            "There is no form. Add one with: relay forms add FORM --account NAME --list LIST"
        )


def _row(runtime: CommandRuntime, form: Form) -> list[str]:
    enabled = "yes" if form.enabled else "no"
    return [form.name, form.account, _names(form), enabled, _address(runtime, form)]


@forms.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def show(runtime: CommandRuntime, name: str) -> None:
    """Show all about the form FORM."""
    described = _described(runtime, _existing(runtime, name))
    runtime.output.json(described)
    runtime.output.table(
        ["", name], [[key.replace("_", " "), _shown(value)] for key, value in described.items()]
    )


@forms.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def remove(runtime: CommandRuntime, name: str) -> None:
    """Remove the form FORM. Sign-ups that it has taken are still delivered."""
    form = _existing(runtime, name)
    runtime.registry.remove_form(name)
    runtime.output.json(_described(runtime, form))
    runtime.output.say(
        f"The form {name} is removed. Pages that still post to it get a 404. Sign-ups that it has"
        " taken are still delivered."
    )


@forms.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def disable(runtime: CommandRuntime, name: str) -> None:
    """Close the form FORM: it takes no sign-ups for now."""
    form = replace(_existing(runtime, name), enabled=False)
    runtime.registry.save_form(form)
    runtime.output.json(_described(runtime, form))
    runtime.output.say(f"The form {name} is closed. Open it again with: relay forms enable {name}")


@forms.command()
@click.argument("name", metavar="FORM")
@pass_runtime
def enable(runtime: CommandRuntime, name: str) -> None:
    """Open the form FORM again."""
    form = replace(_existing(runtime, name), enabled=True)
    runtime.registry.save_form(form)
    runtime.output.json(_described(runtime, form))
    runtime.output.say(f"The form {name} is open: {_address(runtime, form)}")


def _check(name: str, redirect: str | None, origins: Sequence[str]) -> None:
    if not NAME.fullmatch(name):
        raise click.UsageError(
            f"{name!r} cannot be a form's name. A name has at most 40 characters: a to z, digits,"
            " and . - _ It begins with a letter or digit."
        )
    if redirect is not None and not re.fullmatch(r"https?://[^\s/?#]+\S*", redirect):
        raise click.UsageError(
            f"--redirect must be an address such as https://example.com/thanks, not {redirect!r}."
        )
    for origin in origins:
        _origin(origin)


def _origin(given: str) -> str:
    """Return the origin as browsers write it: in lower case, without the default port."""
    origin = given.lower()
    if not _ORIGIN.fullmatch(origin):
        raise Refused(
            f"--origin must be like https://example.com or http://localhost:8000, without a path;"
            f" {given!r} is not."
        )
    default_port = ":443" if origin.startswith("https://") else ":80"
    return origin.removesuffix(default_port)


def _chosen_lists(wanted: Sequence[str], there: Sequence[ContactList]) -> tuple[ListRef, ...]:
    """Return the wanted lists. Each is given by its id, or by its name in any case."""
    chosen = dict.fromkeys(_chosen_list(each, there) for each in wanted)
    if len(chosen) > MOST_LISTS:
        raise Refused(f"A sign-up can put a person on {MOST_LISTS} lists at most.")
    return tuple(chosen)


def _chosen_list(wanted: str, there: Sequence[ContactList]) -> ListRef:
    found = [each for each in there if each.id == wanted.lower()] or [
        each for each in there if _same(each.name, wanted)
    ]
    if len(found) > 1:
        raise Refused(
            f"{len(found)} lists have the name {wanted!r}. Give the id of one instead:"
            f" {', '.join(each.id for each in found)}."
        )
    if not found:
        raise Refused(
            f"There is no list {wanted!r}. The lists: {_in_order(each.name for each in there)}."
        )
    return ListRef(found[0].id, found[0].name)


def _chosen_fields(wanted: Sequence[str], there: Sequence[CustomField]) -> tuple[CustomField, ...]:
    """Return the wanted custom fields. Each is given by its id, name or label, in any case."""
    chosen = dict.fromkeys(_chosen_field(each, there) for each in wanted)
    if len(chosen) > MOST_FIELDS:
        raise Refused(f"A sign-up can have {MOST_FIELDS} custom fields at most.")
    return tuple(chosen)


def _chosen_field(wanted: str, there: Sequence[CustomField]) -> CustomField:
    for field in there:
        if field.id == wanted.lower() or _same(field.name, wanted) or _same(field.label, wanted):
            return field
    raise Refused(
        f"There is no custom field {wanted!r}. The fields:"
        f" {_in_order(each.name for each in there)}."
    )


def _same(name: str, wanted: str) -> bool:
    return name.strip().casefold() == wanted.strip().casefold()


def _in_order(names: Iterable[str]) -> str:
    return ", ".join(sorted(names, key=str.casefold)) or "none"


def _existing(runtime: CommandRuntime, name: str) -> Form:
    form = runtime.registry.form(name)
    if form is None:
        forms = runtime.registry.forms()
        raise Refused(
            f"There is no form {name!r}. The forms: {_in_order(each.name for each in forms)}."
        )
    return form


def _described(runtime: CommandRuntime, form: Form) -> dict[str, Any]:
    return form.to_dict() | {"url": _address(runtime, form)}


def _address(runtime: CommandRuntime, form: Form) -> str:
    return f"{runtime.settings.public_url}/f/{form.name}"


def _names(form: Form) -> str:
    return ", ".join(each.name for each in form.lists)


def _shown(value: Any) -> str:
    """Return a value of `_described` as text for people."""
    match value:
        case None | () | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case tuple() | list():
            return ", ".join(each["name"] if isinstance(each, dict) else each for each in value)
    return str(value)
