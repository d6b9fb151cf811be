"""`relay forms`: the forms, and the lists that their sign-ups go to."""

import click

from relay.lazy_group import LazyGroup

COMMANDS = {
    "add": "relay.commands.forms.adding:add",
    "disable": "relay.commands.forms.existing:disable",
    "edit": "relay.commands.forms.editing:edit",
    "enable": "relay.commands.forms.existing:enable",
    "list": "relay.commands.forms.existing:list_forms",
    "remove": "relay.commands.forms.existing:remove",
    "show": "relay.commands.forms.existing:show",
}


@click.group(cls=LazyGroup, places=COMMANDS)
def forms() -> None:
    """Add, show and change forms."""
